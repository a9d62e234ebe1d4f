"""One open watch: a cursor over the store's history, written line by line, and what faults do to it.

A stream never holds lines for a slow reader: it writes, waits until the reader has read, and looks again.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterator
from typing import Literal, Protocol

from flow_simulator.kubernetes.answers import Watch
from flow_simulator.kubernetes.connection import Connection, chunk, head
from flow_simulator.kubernetes.problems import too_old_for_watch
from flow_simulator.kubernetes.reads import error_line
from flow_simulator.kubernetes.store import Store, TooOld
from flow_simulator.kubernetes.watch_lines import bookmark, change_line, initial_lines

BOOKMARK_EVERY_S = 60.0
LAST_BOOKMARK_S = 1.6
"""How long before its end a stream sends a last bookmark; on very short ones 2 s after its start."""

TIMER_SLACK_S = 1e-6
"""A loop may wake us this much before the time we asked for."""

End = Literal["clean", "cut clean", "cut", "reset"]


class _Bookmark:
    """In the queue: a bookmark, made when its turn comes."""


class Pace(Protocol):
    """The server's time and mood, as a stream needs them."""

    store: Store
    slow_line_s: float

    def real_s(self, seconds: float) -> float:
        """Real seconds for the server's seconds."""
        ...

    async def may_write(self, *, watch: bool) -> None:
        """Wait while the server is frozen or its watches are mute."""
        ...

    def stream_opened(self) -> None:
        """Told when the head of a stream was written."""
        ...


class WatchStream:
    """One running watch."""

    def __init__(self, watch: Watch, connection: Connection, pace: Pace) -> None:
        """Nothing is sent before `run`."""
        self.watch = watch
        self.connection = connection
        self._pace = pace
        self._store = pace.store
        self._news = asyncio.Event()
        self._injected: deque[bytes | End | _Bookmark] = deque()
        self._cursor = self._store.version if watch.start is None else watch.start
        self._ended: End | None = None
        self.opened = False
        """Whether the head of the answer is on its way."""

    def inject(self, what: bytes | End) -> None:
        """Send this after the changes there are, or end like this at once."""
        self._injected.append(what)
        self._news.set()

    @property
    def version(self) -> int:
        """Everything up to this version was written."""
        return self._cursor

    def bookmark_now(self) -> None:
        """Send a bookmark, when the watch asked for them and the server has reached its version."""
        if self.watch.bookmarks:
            self._injected.append(_Bookmark())
            self._news.set()

    async def run(self) -> End:
        """Write the stream to its end; says how it ended. `reset` and `cut` leave no connection."""
        pace, watch = self._pace, self.watch
        loop = asyncio.get_running_loop()
        started = loop.time()
        stop_listening = self._store.listen(self._news.set)
        try:
            await asyncio.sleep(pace.real_s(watch.after_s))
            await pace.may_write(watch=False)
            self.connection.write(head(200, (*watch.header_lines(), ("Transfer-Encoding", "chunked"))))
            self.opened = True
            pace.stream_opened()
            if watch.first_line is not None:
                await self._write(watch.first_line)
                return self._finish("clean")
            if watch.start is None:
                # Version and objects are taken in one step: nothing is missed or doubled.
                self._cursor = self._store.version
                for line in list(initial_lines(watch, self._store)):
                    await self._write(line)
            bookmark_times = self._bookmark_times()
            next_bookmark_s = next(bookmark_times)
            while self._ended is None:
                self._news.clear()
                elapsed_s = (loop.time() - started) / pace.real_s(1.0) + TIMER_SLACK_S
                if elapsed_s >= next_bookmark_s:
                    self.bookmark_now()
                    next_bookmark_s = next(bookmark_times)
                if elapsed_s >= watch.timeout_s:
                    self.inject("clean")
                await pace.may_write(watch=True)
                await self._write_news()
                if self._ended is None:
                    wait_s = min(next_bookmark_s, watch.timeout_s) - (loop.time() - started) / pace.real_s(
                        1.0
                    )
                    await self._wait(pace.real_s(max(wait_s, 0.0)))
            return self._finish(self._ended)
        finally:
            stop_listening()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def _bookmark_times(self) -> Iterator[float]:
        last_s = max(self.watch.timeout_s - LAST_BOOKMARK_S, 2.0)
        at_s = BOOKMARK_EVERY_S - 0.5
        while at_s < last_s:
            yield at_s
            at_s += BOOKMARK_EVERY_S
        yield last_s
        while True:
            yield math.inf

    async def _write_news(self) -> None:
        """Write what there is: changes first, so that no line that names a version skips one."""
        while self._ended is None:
            what = self._injected[0] if self._injected else None
            if isinstance(what, str):
                self._ended = what
            elif self._store.state(self.watch.resource) == "absent":
                self._ended = "clean"
            elif self._cursor < self._store.version:
                await self._write_changes()
            elif what is None:
                return
            else:
                self._injected.popleft()
                if isinstance(what, bytes):
                    await self._write(what)
                elif self._cursor == self._store.version:
                    await self._write(bookmark(self.watch, self._cursor))

    async def _write_changes(self) -> None:
        version = self._store.version
        try:
            changes = self._store.changes_after(self.watch.resource, self._cursor)
        except TooOld as error:
            await self._write(error_line(too_old_for_watch(self._cursor, error.oldest)))
            self._ended = "clean"
            return
        if not changes:
            self._cursor = version
        for change in changes:
            line = change_line(self.watch, change)
            self._cursor = change.version
            if line is not None:
                await self._write(line)
                if self._injected:
                    # Maybe an end: that does not wait for the rest.
                    return

    async def _write(self, line: bytes) -> None:
        if self._pace.slow_line_s:
            for position in range(len(line)):
                self.connection.write(chunk(line[position : position + 1]))
                await asyncio.sleep(self._pace.real_s(self._pace.slow_line_s))
        elif line:
            self.connection.write(chunk(line))
        await self.connection.drained()

    def _finish(self, end: End) -> End:
        half = b'{"type":"MODIFIED","object":{"apiVersion":"' + self.watch.resource.api_version.encode()
        if end in ("cut", "cut clean"):
            self.connection.write(chunk(half))
        if end in ("clean", "cut clean"):
            self.connection.write(chunk(b""))
        elif end == "cut":
            self.connection.close()
        else:
            self.connection.reset()
        return end
