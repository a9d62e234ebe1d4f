"""Readers: a cursor each, woken through a future of its own, written to by whoever runs the stream.

No queue per reader: what a slow reader has not taken stays in the flow's ring, and when it has fallen out
of that, the reader gets a snapshot. An audience exists while a flow, fed or not, has readers.
"""

import asyncio
from collections.abc import Callable
from enum import Enum

from flow_server.core import sse
from flow_server.core.fold import FlowState, derived_header, snapshot_json
from flow_server.flow import Flow, SnapshotFrame
from flow_server.stats import Stats


class Ending(Enum):
    """Why a stream ends."""

    CLIENT_GONE = "client gone"
    FLOW_DELETED = "flow deleted"
    SERVER_STOPS = "server stops"
    NOT_ALLOWED = "no longer allowed"


_READS_ON = frozenset({None, Ending.SERVER_STOPS})  # what is there when the server stops is still sent


class Audience:
    """The readers of one flow id, and whoever else waits for the flow to change."""

    __slots__ = ("_waiting", "guests", "readers")

    def __init__(self) -> None:
        """Nobody yet."""
        self.readers: set[Reader] = set()
        self.guests = 0
        """How many hold this audience, as readers or to wait; at none it goes."""
        self._waiting: set[asyncio.Future[None]] = set()

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

    def end(self, ending: Ending) -> None:
        """End all streams."""
        for reader in self.readers:
            reader.end(ending)

    def sweep(self, *, silent_since_s: float) -> None:
        """Let readers that got nothing since that moment have a heartbeat."""
        for reader in self.readers:
            if reader.taken_at_s <= silent_since_s:
                reader.beat()


class Reader:
    """One stream's place in a flow: `take` until it gives nothing, then wait for `changed`, or stop when
    `ending` is set.
    """

    __slots__ = (
        "_audience",
        "_clock_s",
        "_find",
        "_greeted",
        "_held",
        "_now_ms",
        "_stats",
        "_waiter",
        "cursor",
        "ending",
        "flow_id",
        "frames",
        "heartbeat_due",
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
    ) -> None:
        """Begin after `cursor`, or with a snapshot when it is `None`."""
        self.flow_id = flow_id
        self.cursor = cursor
        self.ending: Ending | None = None
        self.frames = 0
        self.heartbeat_due = False
        self.taken_at_s = clock_s()
        self._find = find
        self._audience = audience
        self._stats = stats
        self._clock_s = clock_s
        self._now_ms = now_ms
        self._greeted = False  # got the empty snapshot of a flow that nobody has fed yet
        self._held: SnapshotFrame | None = None  # the snapshot being sent, alive until the next take
        self._waiter: asyncio.Future[None] | None = None

    def take(self) -> bytes:
        """The next bytes for this reader, whole frames; empty when there are none now."""
        self._held = None
        if self.ending not in _READS_ON:
            return b""
        wire, frames = self._next()
        if frames:
            self.frames += frames
            self.heartbeat_due = False
            self._stats.frames_out += frames
        elif self.heartbeat_due:
            self.heartbeat_due = False
            wire = sse.HEARTBEAT
        if wire:
            self.taken_at_s = self._clock_s()
            self._stats.bytes_out += len(wire)
        return wire

    async def changed(self) -> None:
        """Return when `take` may give something, or `ending` is set."""
        self._waiter = self._audience.next_change()
        try:
            await self._waiter
        finally:
            self._audience.forget(self._waiter)
            self._waiter = None

    def end(self, ending: Ending) -> None:
        """End this stream; the first reason stays."""
        self.ending = self.ending or ending
        self._wake()

    def beat(self) -> None:
        """Let the next `take` give a heartbeat when it has nothing else."""
        self.heartbeat_due = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _next(self) -> tuple[bytes, int]:
        flow = self._find(self.flow_id)
        if flow is None:
            return self._greeting()
        if self._greeted and self.cursor is None:
            self.cursor = flow.born_at  # it has seen the flow empty: what came since continues that
        if self.cursor is not None:
            chunk = flow.frames_after(self.cursor)
            if chunk is not None:
                self.cursor = chunk.cursor
                return chunk.wire, chunk.frames
            self._stats.resyncs += 1
        self._held = flow.snapshot_frame()
        self.cursor = self._held.sequence
        return self._held.wire, 1

    def _greeting(self) -> tuple[bytes, int]:
        if self._greeted:
            return b"", 0
        self._greeted = True
        self.cursor = None
        header = derived_header(self.flow_id, status="pending", started_at_ms=self._now_ms())
        return sse.frame(event="snapshot", data=snapshot_json(FlowState(), header=header)), 1
