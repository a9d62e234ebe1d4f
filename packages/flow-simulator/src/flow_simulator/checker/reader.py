"""A reader that keeps a stream open, comes back with `Last-Event-ID`, and logs every frame."""

import asyncio
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx

from flow_simulator.checker.frames import FrameParser, MalformedFrameError, WireFrame
from flow_simulator.checker.log import Log
from flow_simulator.checker.reader_log import ReaderLog
from flow_simulator.checker.writer import flow_url

_TLS = ssl.create_default_context()
"""One for all: to make it costs more than everything else that a reader needs."""


class Reader:
    """One reader of one flow; an async context manager that reads in a task of its own."""

    def __init__(
        self,
        base_url: str,
        *,
        flow: str,
        name: str,
        log: Log,
        idle_s: float = 20.0,
        pause_s: float = 0.05,
        obeys_retry: bool = False,
    ) -> None:
        """Give up a connection that is silent for `idle_s`; wait `pause_s` before coming back.

        One that `obeys_retry` waits, as an EventSource does, for as long as the server said last.
        """
        self.name = name
        self.cursor: int | None = None
        """The last id it saw."""
        self.frames = 0
        """How many frames it got, heartbeats not counted."""
        self._url = f"{flow_url(base_url, flow)}/stream"
        self._log = ReaderLog(log, reader=name, flow=flow)
        self._timeout = httpx.Timeout(5.0, read=idle_s)
        self._pause_s = pause_s
        self._obeys_retry = obeys_retry
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Begin to read."""
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; raises what went wrong in the reader itself, never what went wrong on the wire."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    @property
    def connections(self) -> int:
        """How often it connected."""
        return self._log.connections

    async def reached(self, sequence: int, *, within_s: float = 60.0) -> None:
        """Wait until the reader has seen a sequence. Raises TimeoutError."""
        await self.until(lambda: self.cursor is not None and self.cursor >= sequence, within_s=within_s)

    async def until(self, condition: Callable[[], bool], *, within_s: float = 60.0) -> None:
        """Wait until something holds, looked at after each frame and connection. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=self._timeout, verify=_TLS) as client:
            while True:
                await self._read(client)
                await asyncio.sleep(self._pause_s)

    async def _read(self, client: httpx.AsyncClient) -> None:
        """One connection, from its beginning to its end."""
        self._log.connecting(self.cursor)
        self._news.set()
        headers = {} if self.cursor is None else {"Last-Event-ID": str(self.cursor)}
        reason, malformed = "stopped", False
        try:
            async with client.stream("GET", self._url, headers=headers) as response:
                reason = f"answered {response.status_code}"
                if response.status_code == 200:
                    await self._take(response)
                    reason = "ended by the server"
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__}: {error}"
        except MalformedFrameError as error:
            reason, malformed = str(error), True
        finally:
            self._news.set()
            self._log.disconnected(reason, malformed=malformed)

    async def _take(self, response: httpx.Response) -> None:
        parser = FrameParser()
        async for piece in response.aiter_raw():
            for frame in parser.feed(piece):
                if frame.event != "heartbeat":
                    self._got(frame)
        parser.end()
        if self._obeys_retry and parser.retry_s is not None:
            self._pause_s = parser.retry_s

    def _got(self, frame: WireFrame) -> None:
        self._log.framed(frame)
        self.frames += 1
        if frame.id is not None:  # as an EventSource does: a frame without an id leaves the last one
            self.cursor = frame.id
        self._news.set()
