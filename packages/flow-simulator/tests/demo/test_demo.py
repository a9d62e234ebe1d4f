"""`flow-demo` as somebody starts it: real processes, an address, a bootstrap, and no trace afterwards."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from flow_simulator.demo.options import options_from

DEADLINE_S = 120.0

pytestmark = pytest.mark.timeout(4 * DEADLINE_S)


def wait_for(what: str, found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while not (result := found()):
        assert time.monotonic() < deadline, f"{what} within {DEADLINE_S:g} s"
        time.sleep(0.05)
    return result


@contextmanager
def demo(output: Path, *arguments: str) -> Generator["subprocess.Popen[bytes]", None, None]:
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", "from flow_simulator.demo import main; main()", *arguments],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def group_members(group: int) -> list[int]:
    """Processes of a process group that have not ended."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def address(output: Path) -> str:
    return wait_for("the address", lambda: re.search(r"Page: (http://\S+?)/\?flow=", output.read_text()))[1]


def page(url: str) -> str:
    try:
        return httpx.get(url, headers={"Accept": "text/html"}, timeout=10).text.lower()
    except httpx.TransportError:
        return ""  # on a slow machine the address is said before anybody listens there


def flow(url: str, name: str = "bootstrap") -> dict[str, Any]:
    try:
        answer = httpx.get(f"{url}/v1/flows/{name}/snapshot", timeout=10)
    except httpx.TransportError:
        return {}
    return answer.json() if answer.status_code == 200 else {}


def test_three_regions_come_up_and_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with demo(output, "--port", "0", "--speed", "200") as process:
        url = address(output)
        wait_for("the page", lambda: "<html" in page(url))
        wait_for("all children", lambda: len(group_members(process.pid)) == 1 + 1 + 3)

        def bootstrapped() -> bool:
            nodes = {node["id"]: node for node in flow(url).get("nodes", [])}
            stalled = nodes.get("nbg1/bp-opentelemetry-operator", {}).get("status") == "failed"
            ready = sum(node["status"] == "succeeded" for node in nodes.values())
            return stalled and len(nodes) == 3 * 68 and ready >= 180

        wait_for("the bootstrap", bootstrapped)
        wait_for("lines about it", lambda: "fsn1: 66 of 66 ready" in output.read_text())
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=DEADLINE_S) == 0
        wait_for("the end of all children", lambda: not group_members(process.pid))


def test_a_server_elsewhere_is_fed_and_sigterm_ends_only_the_demo(tmp_path: Path) -> None:
    outputs = tmp_path / "server", tmp_path / "fed"
    with demo(outputs[0], "--port", "0", "--speed", "0.1", "--regions", "one") as server:
        url = address(outputs[0])
        arguments = ("--server", url, "--regions", "two,three", "--flow", "other", "--speed", "200")
        with demo(outputs[1], *arguments) as fed:
            assert address(outputs[1]) == url
            wait_for(
                "both regions",
                lambda: {"two", "three"} <= {n["id"] for n in flow(url, "other").get("nodes", [])},
            )
            fed.send_signal(signal.SIGTERM)
            assert fed.wait(timeout=DEADLINE_S) == 0
            wait_for("the end of its children", lambda: not group_members(fed.pid))
        assert flow(url, "other")["nodes"]
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=DEADLINE_S) == 0
        wait_for("the end of all children", lambda: not group_members(server.pid))


def test_a_part_that_ends_by_itself_ends_the_demo_with_its_last_words(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with demo(output, "--port", "0", "--regions", "one") as process:
        address(output)
        wait_for("all children", lambda: len(group_members(process.pid)) == 3)
        for child in group_members(process.pid):
            if child != process.pid and "flow_server" in Path(f"/proc/{child}/cmdline").read_text():
                os.kill(child, signal.SIGKILL)
        assert process.wait(timeout=DEADLINE_S) == 1
        assert "server ended with status -9" in output.read_text()
        wait_for("the end of all children", lambda: not group_members(process.pid))


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    output = tmp_path / "output"
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo(output, "--port", str(port)) as process:
            assert process.wait(timeout=DEADLINE_S) == 1
    assert f"port {port}: Address already in use" in output.read_text()


@pytest.mark.parametrize(
    "arguments",
    [("--speed", "0"), ("--speed", "fast"), ("--regions", "a,a"), ("--regions", "a/b"), ("--regions", "a,,b"),
     ("--port", "70000"), ("--server", "localhost:8080")],
)  # fmt: skip
def test_a_bad_option_is_named(arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        options_from(arguments)
    assert exit_.value.code == 2
    assert f"argument {arguments[0]}: invalid" in capsys.readouterr().err
