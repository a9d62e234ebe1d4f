"""The load that all benchmarks put on a server, by raw asyncio protocols: the driver must not be the limit.

Runs in the benchmark's own process, on the other core. Loopback only; every run is bounded by its counts.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

FLOW = "bench"
MESSAGE = (
    b'{"type":"upsert-nodes","nodes":[{"id":"fsn1/bp-%d","flowId":"bench","label":"bp-%d","status":"running",'
    b'"family":"bench","region":"fsn1","startedAt":1764000000000,"meta":{"source":"flux","reason":"Progressing",'
    b'"message":"Running install action with timeout of 5m0s","namespace":"flux-system","chart":"bp-bench",'
    b'"version":"1.1.1","attempts":%d,"generation":1,"observedGeneration":-1}}]}'
)


def message(number: int) -> bytes:
    """A message of about 390 bytes, as the Flux adapter sends them; 600 nodes in turn."""
    return MESSAGE % (number % 600, number % 600, number)


@dataclass
class Target:
    """A server under test."""

    name: str
    port: int
    pid: int

    def cpu_s(self) -> float:
        """Seconds of CPU that its process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kb(self) -> int:
        """Its resident memory in kB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


@contextmanager
def flow_server(**settings: str) -> Generator[Target]:
    """A real flow-server process; settings without their prefix, as `HEARTBEAT="1s"`."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    variables = {f"FLOW_SERVER_{name}": value for name, value in settings.items()}
    environment = {**os.environ, **variables, "FLOW_SERVER_LISTEN_ADDR": f"127.0.0.1:{port}"}
    command = [sys.executable, "-m", "flow_server"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield Target("flow-server", port, process.pid)
        finally:
            process.terminate()


@contextmanager
def floor(*, snapshot_bytes: int = 64) -> Generator[Target]:
    """The floor as a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("floor.py")), str(snapshot_bytes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield Target("floor", int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


class StreamReader(asyncio.Protocol):
    """One reader of the stream: counts frames with an id, keeps the last bytes and when they came."""

    def __init__(self, started: asyncio.Semaphore | None = None) -> None:
        """Nothing read yet."""
        self.frames = 0
        self.size = 0
        self.tail = b""
        self.last_at_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(b"GET /v1/flows/%b/stream HTTP/1.1\r\nhost: x\r\n\r\n" % FLOW.encode())

    def data_received(self, data: bytes) -> None:
        """Count, without copying more than the last few bytes."""
        seam = self.tail + data[:8]
        self.frames += data.count(b"\nid: ") + seam.count(b"\nid: ") - self.tail.count(b"\nid: ")
        self.frames -= data[:8].count(b"\nid: ")
        self.tail = data[-8:]
        self.size += len(data)
        self.last_at_s = time.perf_counter()


class Poster(asyncio.Protocol):
    """One keep-alive connection that posts bodies one after the other."""

    def __init__(self, bodies: Iterator[bytes], content_type: bytes, latencies_s: list[float]) -> None:
        """Post each of `bodies`, appending the seconds that each took."""
        self.bodies = bodies
        self.latencies_s = latencies_s
        self.done = asyncio.get_running_loop().create_future()
        self.head = (
            b"POST /v1/flows/%b/events HTTP/1.1\r\nhost: x\r\ncontent-type: %b\r\ncontent-length: "
            % (FLOW.encode(), content_type)
        )
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Post the first."""
        self.transport = cast("asyncio.Transport", transport)
        self.post()

    def post(self) -> None:
        """Post the next body, or close."""
        body = next(self.bodies, None)
        if body is None:
            self.transport.close()
            self.done.set_result(None)
            return
        self.sent_at_s = time.perf_counter()
        self.transport.write(self.head + b"%d\r\n\r\n%b" % (len(body), body))

    def data_received(self, data: bytes) -> None:
        """The answer is whole when its length is there; anything but 200 ends the run."""
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n", 1)[0])
        if len(self.buffer) < end + 4 + length:
            return
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            self.done.set_exception(RuntimeError(self.buffer.decode()))
            return
        self.buffer = b""
        self.latencies_s.append(time.perf_counter() - self.sent_at_s)
        self.post()


async def connect_readers(target: Target, count: int, *, at_once: int = 200) -> list[StreamReader]:
    """Readers that have each had their first frame; so many connect at a time."""
    loop = asyncio.get_running_loop()
    readers: list[StreamReader] = []
    for start in range(0, count, at_once):
        batch = min(at_once, count - start)
        made = await asyncio.gather(
            *[loop.create_connection(StreamReader, "127.0.0.1", target.port) for _ in range(batch)]
        )
        readers += [protocol for _, protocol in made]
    while not all(reader.size for reader in readers):
        await asyncio.sleep(0.005)
    return readers


async def post_all(
    target: Target, bodies: Iterator[bytes], *, connections: int, content_type: bytes = b"application/json"
) -> list[float]:
    """Post all bodies over some connections; the seconds that each took."""
    loop = asyncio.get_running_loop()
    latencies_s: list[float] = []
    posters = await asyncio.gather(
        *[
            loop.create_connection(
                lambda: Poster(bodies, content_type, latencies_s), "127.0.0.1", target.port
            )
            for _ in range(connections)
        ]
    )
    await asyncio.gather(*[poster.done for _, poster in posters])
    return latencies_s


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
