"""A flow server as a process of its own, on the same port in every life."""

from collections.abc import Mapping
from pathlib import Path

from flow_simulator.checker.process import Process


class ServerProcess(Process):
    """One server over several lives; an async context manager that starts it and leaves nothing behind."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Its log goes into `folder`; `environment` are its settings, apart from the address."""
        super().__init__("flow_server", log=folder / "flow-server.log", environment=environment or {})
        self.port = 0
        """Where it listens, from its first life on."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it listens. Raises RuntimeError with its log when it does not."""
        self._environment |= {
            "FLOW_SERVER_LISTEN_ADDR": f"127.0.0.1:{self.port}",
            "FLOW_SERVER_LOG_FORMAT": "json",
        }
        await super().start()
        port = (await self.logged("listening"))["port"]
        assert isinstance(port, int)  # noqa: S101  its own log line
        self.port = port
