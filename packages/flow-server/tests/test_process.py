"""The command as operators run it: a process, its exit status, its log."""

import json
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from .real_process import server_process
from .real_server import DEADLINE_S, nodes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_streams_and_leaves_with_status_0(number: signal.Signals) -> None:
    with server_process() as (process, address), httpx.Client(base_url=address, timeout=DEADLINE_S) as client:
        assert client.post("/v1/flows/f/events", json=nodes("a")).status_code == 200
        with client.stream("GET", "/v1/flows/f/stream") as stream:
            chunks = stream.iter_text()
            received = next(chunks)
            process.send_signal(number)
            received += "".join(chunks)
        assert received.startswith("event: snapshot\n")
        assert received.rstrip("\n").rsplit("\n", 1)[-1].startswith("retry: ")
        assert process.wait(DEADLINE_S) == 0
        assert process.stderr is not None
        rest = [json.loads(line) for line in process.stderr]
        assert [entry["event"] for entry in rest] == ["stopping", "stream ended", "stopped"]


def test_a_request_in_flight_finishes_when_the_server_stops() -> None:
    with server_process() as (process, address):
        port = int(address.rsplit(":", 1)[1])
        body = json.dumps(nodes("a")).encode()
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
            head = f"POST /v1/flows/f/events HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body[:10])
            _wait_until_stopping(process)
            connection.sendall(body[10:])
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert process.wait(DEADLINE_S) == 0


def _wait_until_stopping(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    assert json.loads(process.stderr.readline())["event"] == "stopping"


def test_a_connection_that_hangs_is_cut_after_the_grace_time() -> None:
    with server_process(STOP_GRACE="300ms") as (process, address):
        port = int(address.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
            connection.sendall(b"POST /v1/flows/f/events HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
            _wait_until_stopping(process)
            assert process.wait(DEADLINE_S) == 0


def test_a_bad_setting_stops_the_start_with_status_2_and_names_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flow_server"],
        env={**os.environ, "FLOW_SERVER_HEARTBEAT": "soon"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "flow-server: FLOW_SERVER_HEARTBEAT: expected a duration like 200ms or 1m30s, at least 0.05s, "
        'at most 3600s, found "soon"\n'
    )


def test_an_address_in_use_stops_the_start_with_status_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            [sys.executable, "-m", "flow_server"],
            env={**os.environ, "FLOW_SERVER_LISTEN_ADDR": f"127.0.0.1:{taken.getsockname()[1]}"},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    assert done.returncode == 1
    assert "address already in use" in done.stderr.lower()
