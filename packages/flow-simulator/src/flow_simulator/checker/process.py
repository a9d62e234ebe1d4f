"""One of our programs as a process of its own, which campaigns kill, stop, pause and start again."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

START_S = 90.0
"""How long a start may take; a busy machine is no fault."""
STOP_S = 60.0
"""How long a stop may take."""


class Process:
    """`python -m module` over several lives; an async context manager that leaves nothing behind."""

    def __init__(self, module: str, *, log: Path, environment: Mapping[str, str]) -> None:
        """Its output is appended to the file `log`; of our own settings it gets only `environment`."""
        self.log = log
        self._module = module
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._log_began = 0

    async def __aenter__(self) -> Self:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it if it still runs."""
        await self.kill()

    @property
    def pid(self) -> int:
        """Its process id in this life."""
        assert self._process is not None  # noqa: S101  asked while it runs
        return self._process.pid

    async def start(self) -> None:
        """Start it; it need not be ready yet."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")}
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as stream:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                env=inherited | self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )

    async def logged(self, event: str) -> dict[str, object]:
        """The fields of the first log line of this life with that sentence, waited for.

        Raises RuntimeError with the log when it does not come, or the process ends.
        """
        process = self._process
        try:
            async with asyncio.timeout(START_S):
                while process is not None and process.returncode is None:
                    for line in self.log.read_bytes()[self._log_began :].split(b"\n")[:-1]:
                        if line.startswith(b"{") and (fields := json.loads(line))["event"] == event:
                            return fields
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.kill()
        said = self.log.read_text(errors="replace")[-3000:]
        raise RuntimeError(f"{self._module} did not say {event!r}:\n{said}")

    async def kill(self) -> None:
        """End it without a warning, as a crash would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to end; its exit status. Raises TimeoutError."""
        return await self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Let it stand still, connections and all."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again after a pause."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    async def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(STOP_S):
            return await process.wait()
