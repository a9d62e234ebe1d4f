"""A reader that asks for the stream and reads nothing until it is woken."""

import socket
from collections.abc import Callable
from contextlib import aclosing
from typing import Self

from flow_simulator.checker.frames import WireFrame
from flow_simulator.checker.log import Log
from flow_simulator.checker.raw_stream import ask_for_stream, frames_on
from flow_simulator.checker.reader_log import ReaderLog

Enough = Callable[[WireFrame], bool]
"""Whether a frame is the last one to be read."""

RECEIVE_BUFFER_BYTES = 4096
"""So that it is the server's side that holds what is not read."""


class SleepingReader:
    """One reader of one flow; it is logged when there is a log."""

    def __init__(self, port: int, *, flow: str, name: str, log: Log | None, within_s: float) -> None:
        """Not connected; once awake, each connection may take `within_s`."""
        self.frames: list[WireFrame] = []
        """All it got, heartbeats left out."""
        self.came_back_at: int | None = None
        """How many frames it had when it came back; `None`: it stayed."""
        self._port = port
        self._flow = flow
        self._log = ReaderLog(log, reader=name, flow=flow)
        self._within_s = within_s
        self._connection: socket.socket | None = None

    async def connect(self) -> Self:
        """Ask for the stream, after the last frame if there is one, and fall asleep. Raises OSError."""
        cursor = self.frames[-1].id if self.frames else None
        self._log.connecting(cursor)
        self._connection = await ask_for_stream(
            self._port, self._flow, cursor=cursor, receive_buffer_bytes=RECEIVE_BUFFER_BYTES
        )
        return self

    async def wake(self, enough: Enough, *, leaves: Enough | None = None) -> None:
        """Read until it is enough; leave in between and come back, when told so. Raises TimeoutError."""
        if leaves is not None:
            await self._read(leaves)
            self.came_back_at = len(self.frames)
            await self.connect()
        await self._read(enough)

    async def _read(self, enough: Enough) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None  # noqa: S101  it is connected when it is woken
        async with aclosing(frames_on(connection, within_s=self._within_s)) as frames:
            async for frame in frames:
                if frame.event == "heartbeat":
                    continue
                self.frames.append(frame)
                self._log.framed(frame)
                if enough(frame):
                    break
        self._log.disconnected("left")
