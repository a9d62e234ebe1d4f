"""Readers: a cursor each. No queue per reader: what a slow reader has not taken stays in the flow's ring, and
when it has fallen out of that, the reader gets a snapshot.

A reader is served in one of two ways, with the same chunks. Pulled: a task takes a chunk, writes it, and
only then looks again; it is woken through a future of its own. Pushed: one sweep after a change writes to
the connections of all readers that can be written to, without a task's turn for each. An audience exists
while a flow, fed or not, has readers.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from flow_server.core import sse
from flow_server.core.chunk import Chunk
from flow_server.core.fold import FlowState, derived_header, snapshot_json
from flow_server.flow import Flow
from flow_server.stats import Stats
from flow_server.sweeping import Sweeper


class Ending(Enum):
    """Why a stream ends."""

    CLIENT_GONE = "client gone"
    FLOW_DELETED = "flow deleted"
    SERVER_STOPS = "server stops"
    NOT_ALLOWED = "no longer allowed"


_READS_ON = frozenset({None, Ending.SERVER_STOPS})  # what is there when the server stops is still sent
_HEARTBEAT = Chunk(sse.HEARTBEAT, cursor=None, frames=0)


class Connection(Protocol):
    """A connection that can be written to past ASGI; the serving side puts it into a request's scope."""

    @property
    def full(self) -> bool:
        """Whether it holds so much that has not been sent that it must not be written to."""
        ...

    def write_chunk(self, chunked: bytes) -> None:
        """Write bytes that are transfer chunks already; kept by reference until they are sent."""
        ...

    def attach(self, *, on_room: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """Call `on_room` when the connection is full no more, `on_lost` when it is gone."""
        ...

    def detach(self) -> None:
        """Call nobody any more."""
        ...


class Audience:
    """The readers of one flow id, and whoever else waits for the flow to change."""

    __slots__ = ("_pushed", "_sweeper", "_waiting", "guests", "readers")

    def __init__(self, *, under_way: Callable[[], int], clock_s: Callable[[], float]) -> None:
        """Nobody yet. `under_way` says how many batches are on their way into the flow's log."""
        self.readers: set[Reader] = set()
        self.guests = 0
        """How many hold this audience, as readers or to wait; at none it goes."""
        self._waiting: set[asyncio.Future[None]] = set()
        self._pushed: set[Reader] = set()
        self._sweeper = Sweeper(self._sweep, under_way=under_way, clock_s=clock_s)

    def next_change(self) -> asyncio.Future[None]:
        """A future that the next `wake` resolves. Whoever takes one gives it to `forget` in the end."""
        # One for each waiter: a cancelled task cancels the future that it awaits, and nobody else's.
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        return waiter

    def forget(self, waiter: asyncio.Future[None]) -> None:
        """Nobody waits for this one any more."""
        self._waiting.discard(waiter)

    async def changed(self) -> None:
        """Return at the next `wake`. Look first: nothing can change between a look and this call."""
        waiter = self.next_change()
        try:
            await waiter
        finally:
            self.forget(waiter)

    def wake(self) -> None:
        """Let everybody look again."""
        waiting, self._waiting = self._waiting, set()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
        if self._pushed:
            self._sweeper.due()

    def push_to(self, reader: "Reader") -> None:
        """Write to this reader's connection in every sweep."""
        self._pushed.add(reader)

    def no_longer_push_to(self, reader: "Reader") -> None:
        """Leave this reader out."""
        self._pushed.discard(reader)

    def finish(self) -> None:
        """Write what a sweep was put off for."""
        self._sweeper.finish()

    def end(self, ending: Ending) -> None:
        """End all streams."""
        for reader in list(self.readers):
            reader.end(ending)

    def beat(self, *, silent_since_s: float) -> None:
        """Give a heartbeat to readers that got nothing since that moment; end those without their permit."""
        for reader in list(self.readers):
            if reader.permit is not None and not reader.permit():
                reader.end(Ending.NOT_ALLOWED)
            elif reader.taken_at_s <= silent_since_s:
                reader.beat()

    def _sweep(self) -> None:
        for reader in list(self._pushed):
            reader.push()


class Reader:
    """One stream's place in a flow.

    Pulled: `take` until it gives nothing, then wait for `changed`, or stop when `ending` is set. Pushed:
    `pushed_to` a connection returns when the stream is over.
    """

    __slots__ = (
        "_audience",
        "_clock_s",
        "_connection",
        "_find",
        "_greeted",
        "_held",
        "_now_ms",
        "_over",
        "_stats",
        "_waiter",
        "cursor",
        "ending",
        "flow_id",
        "frames",
        "heartbeat_due",
        "permit",
        "size_bytes",
        "taken_at_s",
    )

    def __init__(
        self,
        flow_id: str,
        *,
        cursor: int | None,
        find: Callable[[str], Flow | None],
        audience: Audience,
        stats: Stats,
        clock_s: Callable[[], float],
        now_ms: Callable[[], int],
        permit: Callable[[], bool] | None = None,
    ) -> None:
        """Begin after `cursor`, or with a snapshot when it is `None`; end once `permit` is false."""
        self.permit = permit
        self.flow_id = flow_id
        self.cursor = cursor
        self.ending: Ending | None = None
        self.frames = 0
        self.size_bytes = 0
        self.heartbeat_due = False
        self.taken_at_s = clock_s()
        self._find = find
        self._audience = audience
        self._stats = stats
        self._clock_s = clock_s
        self._now_ms = now_ms
        self._greeted = False  # got the empty snapshot of a flow that nobody has fed yet
        self._held: Chunk | None = None  # what is being sent, alive until the next take
        self._waiter: asyncio.Future[None] | None = None
        self._connection: Connection | None = None
        self._over: asyncio.Future[None] | None = None

    def take(self) -> Chunk | None:
        """What this reader gets next; `None` when there is nothing now."""
        self._held = None
        if self.ending not in _READS_ON:
            return None
        chunk = self._next()
        if chunk is not None:
            self.frames += chunk.frames
            self.heartbeat_due = False
            self._stats.frames_out += chunk.frames
        elif self.heartbeat_due:
            self.heartbeat_due = False
            chunk = _HEARTBEAT
        else:
            return None
        self._held = chunk
        self.taken_at_s = self._clock_s()
        size_bytes = len(chunk.wire)
        self.size_bytes += size_bytes
        self._stats.bytes_out += size_bytes
        return chunk

    async def changed(self) -> None:
        """Return when `take` may give something, or `ending` is set."""
        self._waiter = self._audience.next_change()
        try:
            await self._waiter
        finally:
            self._audience.forget(self._waiter)
            self._waiter = None

    async def pushed_to(self, connection: Connection) -> None:
        """Have everything written to a connection; returns when the stream is over, see `ending`."""
        self._connection = connection
        self._over = asyncio.get_running_loop().create_future()
        self._audience.push_to(self)
        connection.attach(on_room=self.push, on_lost=self._lose_client)
        try:
            self.push()
            await self._over
        finally:
            connection.detach()
            self._audience.no_longer_push_to(self)

    def push(self) -> None:
        """Write what there is for as long as the connection has room."""
        connection = self._connection
        assert connection is not None  # noqa: S101
        while not connection.full:
            if (chunk := self.take()) is None:
                if self.ending is not None:
                    self._finish()
                return
            connection.write_chunk(chunk.chunked)

    def end(self, ending: Ending) -> None:
        """End this stream; the first reason stays."""
        self.ending = self.ending or ending
        if self._connection is not None and self.ending not in _READS_ON:
            self._finish()
        self._look()

    def beat(self) -> None:
        """Let the next `take` give a heartbeat when it has nothing else."""
        self.heartbeat_due = True
        self._look()

    def _look(self) -> None:
        if self._connection is not None:
            self.push()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _lose_client(self) -> None:
        self.end(Ending.CLIENT_GONE)
        self._finish()

    def _finish(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _next(self) -> Chunk | None:
        flow = self._find(self.flow_id)
        if flow is None:
            return self._greeting()
        if self._greeted and self.cursor is None:
            self.cursor = flow.born_at  # it has seen the flow empty: what came since continues that
        if self.cursor is not None:
            if self.cursor == flow.last:
                return None
            if (chunk := flow.frames_after(self.cursor)) is not None:
                self.cursor = chunk.cursor
                return chunk
            self._stats.resyncs += 1
        chunk = flow.snapshot_frame()
        self.cursor = chunk.cursor
        return chunk

    def _greeting(self) -> Chunk | None:
        if self._greeted:
            return None
        self._greeted = True
        self.cursor = None
        header = derived_header(self.flow_id, status="pending", started_at_ms=self._now_ms())
        wire = sse.frame(event=b"snapshot", data=snapshot_json(FlowState(), header=header))
        return Chunk(wire, cursor=None, frames=1)
