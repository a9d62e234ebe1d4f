"""The demo's child processes: started with their logs in files, watched, and ended without a trace."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GRACE_S = 12.0
"""How long a child may take to end by itself after SIGTERM."""
TAIL_LINES = 15


class ChildEnded(Exception):
    """A child ended by itself: `name`, exit `status` and the last lines of its log."""

    def __init__(self, name: str, status: int, tail: str) -> None:
        """The text has it all."""
        super().__init__(f"{name} ended with status {status}; its last log lines:\n{tail}")
        self.name = name
        self.status = status
        self.tail = tail


@dataclass(frozen=True, kw_only=True)
class _Child:
    name: str
    process: asyncio.subprocess.Process
    log: Path


class Children:
    """All of them. Children are in our process group, so that Ctrl-C reaches them too."""

    def __init__(self, folder: Path) -> None:
        """Logs go into `folder`."""
        self._folder = folder
        self._children: list[_Child] = []

    async def start(self, name: str, module: str, environment: Mapping[str, str]) -> None:
        """Run `python -m module`; settings of ours that the shell may have are not passed on."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("FLOW_")}
        log = self._folder / f"{name}.log"
        with log.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                env=inherited | dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        self._children.append(_Child(name=name, process=process, log=log))

    async def first_to_end(self) -> None:
        """Wait until one ends and raise `ChildEnded`."""
        waits = {asyncio.ensure_future(child.process.wait()): child for child in self._children}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        child = waits[done.pop()]
        lines = child.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        raise ChildEnded(child.name, child.process.returncode or 0, "\n".join(lines))

    async def stop(self) -> None:
        """End all: SIGTERM, then, after the grace time, SIGKILL."""
        running = [child.process for child in self._children if child.process.returncode is None]
        for process in running:
            _signal(process, force=False)
        try:
            async with asyncio.timeout(GRACE_S):
                await asyncio.gather(*(process.wait() for process in running))
        except TimeoutError:
            for process in running:
                _signal(process, force=True)
            await asyncio.gather(*(process.wait() for process in running))


def _signal(process: asyncio.subprocess.Process, *, force: bool) -> None:
    try:
        process.kill() if force else process.terminate()
    except ProcessLookupError:
        return
