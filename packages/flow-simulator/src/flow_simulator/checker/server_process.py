"""A flow server as a process of its own, which campaigns kill and start again on the same port."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

START_S = 30.0
"""How long a start may take."""
STOP_S = 20.0
"""How long a stop may take."""


class ServerProcess:
    """One server over several lives; an async context manager that starts it and leaves nothing behind."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Its log goes into `folder`; `environment` are its settings, apart from the address."""
        self.log = folder / "flow-server.log"
        self.port = 0
        self._environment = dict(environment or {})
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it listens, in every life."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it if it still runs."""
        await self.kill()

    async def start(self) -> None:
        """Start it and wait until it listens. Raises RuntimeError with its log when it does not."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")}
        ours = {"FLOW_SERVER_LISTEN_ADDR": f"127.0.0.1:{self.port}", "FLOW_SERVER_LOG_FORMAT": "json"}
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as stream:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "flow_server",
                env=inherited | ours | self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        self.port = await self._listening(self._process, before)

    async def _listening(self, process: asyncio.subprocess.Process, before: int) -> int:
        """The port, as its own log says."""
        try:
            async with asyncio.timeout(START_S):
                while process.returncode is None:
                    for line in self.log.read_bytes()[before:].split(b"\n")[:-1]:
                        if b'"listening"' in line:
                            return json.loads(line)["port"]
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.kill()
        raise RuntimeError(f"flow-server does not listen:\n{self.log.read_text(errors='replace')[-3000:]}")

    async def kill(self) -> None:
        """End it without a warning, as power loss would."""
        await self._signal(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to end; its exit status. Raises TimeoutError."""
        return await self._signal(signal.SIGTERM)

    def pause(self) -> None:
        """Let it stand still, connections and all."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    async def _signal(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(STOP_S):
            return await process.wait()
