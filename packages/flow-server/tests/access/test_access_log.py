"""The access log, read from a real process's standard error."""

import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from flow_server.access.tokens import new_token
from flow_server.http.access_log import LINES_PER_S, AccessLog

from ..real_process import server_process
from ..real_server import DEADLINE_S, nodes

PROXY = "203.0.113.9"


class World:
    """A grants file with one token."""

    def __init__(self, folder: Path) -> None:
        self.token, digest = new_token()
        self.file = folder / "grants.json"
        everything = {"read": ["*"], "publish": ["*"], "own": ["*"]}
        self.file.write_text(
            json.dumps({"tokens": [{"name": "night\u202eshift", "sha256": digest, **everything}]})
        )
        self.bearer = {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def _lines_at_the_end(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """What the process said of requests; it is stopped for it."""
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    text = process.stderr.read()
    assert process.wait(DEADLINE_S) == 0
    assert text.isascii()
    assert "\x1b" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if line["event"].startswith("request")]


def _shown(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["method"], line["path"], line["status"], line["principal"]


def _visit(client: httpx.Client, world: World) -> tuple[int, int]:
    """Requests of every kind, one after the other; bytes that answered the POST, and bytes of the stream."""
    body = json.dumps(nodes("a", meta={"password": "in-a-body"}))
    headers = {**world.bearer, "X-Forwarded-For": PROXY}
    posted = client.post("/v1/flows/f/events", content=body, headers=headers)
    assert posted.status_code == 200
    for probe in ("/healthz", "/readyz", "/healthz?deep=1"):
        assert client.get(probe).status_code == 200
    answer = client.get("/v1/flows/f/snapshot?minSeq=1&q=in-a-query", headers=world.bearer)
    assert answer.status_code == 200
    with client.stream("GET", "/v1/flows/f/stream", headers=world.bearer) as stream:
        frames = stream.iter_raw()
        received = next(frames)
        assert client.delete("/v1/flows/healthz", headers=world.bearer).status_code == 204
        assert client.delete("/v1/flows/f", headers=world.bearer).status_code == 204
        received += b"".join(frames)
    assert client.get("/favicon.ico?q=in-a-query").status_code == 404
    assert client.get("/v1/flows?access_token=" + world.token).status_code == 400
    assert client.get("/v1/flows/%1b%5b2J%0d%0aforged", headers=world.bearer).status_code == 400
    assert client.get("/v1/flows", headers={"Authorization": "Bearer not-a-token"}).status_code == 401
    assert client.head("/v1/flows/g/snapshot", headers=world.bearer).status_code == 404
    return len(posted.content), len(received)


ASKED = [
    ("POST", "/v1/flows/f/events", 200, "night\u202eshift"),
    ("GET", "/v1/flows/f/snapshot", 200, "night\u202eshift"),
    ("DELETE", "/v1/flows/healthz", 204, "night\u202eshift"),
    ("DELETE", "/v1/flows/f", 204, "night\u202eshift"),
    ("GET", "/v1/flows/f/stream", 200, "night\u202eshift"),
    ("GET", "/favicon.ico", 404, None),
    ("GET", "/v1/flows", 400, None),
    ("GET", "/v1/flows/%1b%5b2J%0d%0aforged", 400, "night\u202eshift"),
    ("GET", "/v1/flows", 401, None),
    ("HEAD", "/v1/flows/g/snapshot", 404, "night\u202eshift"),
]


def test_every_finished_request_but_probes_has_a_line_without_query_token_and_body(world: World) -> None:
    settings = {"AUTH_FILE": str(world.file), "ACCESS_LOG": "all", "TRUSTED_PROXIES": "127.0.0.1"}
    with server_process(**settings) as (process, address):
        with httpx.Client(base_url=address, timeout=DEADLINE_S) as client:
            post_bytes, stream_bytes = _visit(client, world)
        port = int(address.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
            connection.sendall(b"no http at all\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        lines = _lines_at_the_end(process)
    told = [line for line in lines if line["event"] == "request finished"]
    # The stream and the DELETE that ends it finish in the same moment, in either order.
    assert sorted(map(str, map(_shown, told))) == sorted(map(str, ASKED))
    [unread] = [line for line in lines if line not in told]
    assert (unread["event"], unread["status"]) == ("request refused unread", 400)
    assert (unread["reason"], unread["peer"]) == ("not http", "127.0.0.1")
    assert [line["peer"] for line in told] == [PROXY, *["127.0.0.1"] * (len(told) - 1)]
    assert all(line["took_ms"] >= 0 for line in told)
    [stream] = [line for line in told if "ended" in line]
    assert (stream["path"], stream["ended"], stream["bytes"]) == (
        "/v1/flows/f/stream", "flow deleted", stream_bytes,
    )  # fmt: skip
    assert told[0]["bytes"] == post_bytes
    assert told[-1]["bytes"] == 0, "no body goes with the answer to a HEAD"
    for secret in ("in-a-query", "in-a-body", world.token, "access_token", "not-a-token"):
        assert secret not in json.dumps(lines)


def test_unless_told_otherwise_refused_requests_alone_have_a_line(world: World) -> None:
    with server_process(AUTH_FILE=str(world.file)) as (process, address):
        with httpx.Client(base_url=address, timeout=DEADLINE_S) as client:
            _visit(client, world)
        lines = _lines_at_the_end(process)
    assert [_shown(line) for line in lines] == [asked for asked in ASKED if int(str(asked[2])) >= 400]


def test_a_server_told_so_logs_no_request_at_all(world: World) -> None:
    with server_process(AUTH_FILE=str(world.file), ACCESS_LOG="none") as (process, address):
        with httpx.Client(base_url=address, timeout=DEADLINE_S) as client:
            _visit(client, world)
        assert _lines_at_the_end(process) == []


def test_refusals_by_the_thousand_do_not_flood_the_log_and_are_counted_in_it() -> None:
    now_s = 0.0
    access_log = AccessLog(clock_s=lambda: now_s)
    with capture_logs() as lines:
        for _ in range(10_000):
            access_log.refused(400, reason="not http", peer="192.0.2.1")
        assert len(lines) == LINES_PER_S
        now_s = 60.0
        access_log.refused(400, reason="not http", peer="192.0.2.1")
    assert lines[-1]["left_out"] == 10_000 - LINES_PER_S
