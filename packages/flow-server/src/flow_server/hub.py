"""All flows of the server: what stores hand in, what readers and the HTTP side ask for.

A message enters a flow in `Hub.apply` alone, called by the store in the order of its log.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import assert_never

import structlog

from flow_contract import MESSAGE_TYPES, FlowMessage, shown
from flow_server.core.fold import FlowState
from flow_server.core.heard import LastHeard
from flow_server.flow import Flow, RingBounds
from flow_server.limits import Limits, NoRoom, UnderWay, check_growth, fits_anyway, most_added
from flow_server.reading import Audience, Ending, Reader
from flow_server.stats import Stats
from flow_server.store import (
    Accepted,
    Appended,
    Backfilled,
    Change,
    Checkpoint,
    Deleted,
    Restored,
    Store,
    StoreError,
    items_of,
)

log = structlog.get_logger(__name__)


def unix_ms() -> int:
    """Now, Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Hub:
    """Flow id -> flow, and flow id -> audience; the latter also for flows that nobody has fed."""

    def __init__(
        self,
        store: Store,
        *,
        bounds: RingBounds | None = None,
        limits: Limits | None = None,
        heartbeat_s: float = 15.0,
        now_ms: Callable[[], int] = unix_ms,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """A hub over a store that is not open yet; `running` opens it."""
        self.store = store
        self.stats = Stats()
        self.stopping = False
        self._bounds = bounds or RingBounds()
        self._limits = limits or Limits()
        self._heartbeat_s = heartbeat_s
        self._now_ms = now_ms
        self._clock_s = clock_s
        self._flows: dict[str, Flow] = {}
        self._audiences: dict[str, Audience] = {}
        self._under_way: dict[str, UnderWay] = {}
        self._heard: dict[str, LastHeard] = {}
        self._waiting = 0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Hub"]:
        """Open the store, keep heartbeats going, and close the store at the end. Raises `StoreError`."""
        await self.store.open(self)
        sweeper = asyncio.create_task(self._sweep(), name="heartbeat sweep")
        try:
            yield self
        finally:
            self.stop()
            sweeper.cancel()
            await self.store.aclose()

    # What the store calls.

    def apply(self, change: Change) -> None:
        """Let a change enter its flow; when it returns, readers can see it."""
        match change:
            case Appended(flow_id=flow_id, envelopes=envelopes):
                flow = self._flows.get(flow_id)
                if flow is None:
                    first = envelopes[0]
                    flow = Flow(
                        flow_id,
                        floor=first.sequence - 1,
                        first_at_ms=first.at_ms,
                        bounds=self._bounds,
                    )
                    self._flows[flow_id] = flow
                flow.apply(envelopes)
                if audience := self._audiences.get(flow_id):
                    audience.wake()
            case Restored(flow_id=flow_id):
                self._flows[flow_id] = Flow.restored(change, bounds=self._bounds)
                if audience := self._audiences.get(flow_id):
                    audience.wake()
            case Backfilled(flow_id=flow_id):
                if (flow := self._flows.get(flow_id)) is not None:
                    flow.backfill(change)
            case Deleted(flow_id=flow_id):
                audience = self._audiences.get(flow_id)
                if audience is not None:
                    audience.finish()  # what was answered before the deletion is still read
                self._flows.pop(flow_id, None)
                self._heard.pop(flow_id, None)
                if audience is not None:
                    audience.end(Ending.FLOW_DELETED)
            case _:
                assert_never(change)

    def checkpoint(self, flow_id: str) -> Checkpoint | None:
        """The flow as it is now; `None` when there is no such flow."""
        flow = self._flows.get(flow_id)
        return None if flow is None else flow.checkpoint()

    def heard_elsewhere(self, flow_id: str, emitter: str, *, at_ms: int) -> None:
        """Note a sign of life that an emitter gave to another replica."""
        if flow_id in self._flows:
            self._heard.setdefault(flow_id, LastHeard()).note(emitter, at_ms=at_ms)

    # What the HTTP side calls.

    async def ingest(
        self, flow_id: str, messages: Sequence[FlowMessage], *, key: str | None = None
    ) -> Accepted:
        """Append a batch, at least one message, whole; returns when it is durable and readers can see it.

        A batch with the `key` of a recent one is not stored again. Raises `StoreError`, `LimitReached`.
        """
        self._check_room_for_flow(flow_id)
        with self._posting(flow_id) as under_way:
            size = most_added(messages)
            while not fits_anyway(self._state(flow_id), size, under_way, self._limits):
                if not under_way.batches:
                    check_growth(self._state(flow_id), messages, flow_id=flow_id, limits=self._limits)
                    break
                await under_way.next_end()
            under_way.begin(size)
            try:
                accepted = await self.store.append(flow_id, items_of(messages), key=key)
            finally:
                under_way.end(size)
        for kind, count in Counter(map(type, messages)).items():
            self.stats.messages[MESSAGE_TYPES[kind]] += count
        return accepted

    def _check_room_for_flow(self, flow_id: str) -> None:
        """Refuse one flow too many, those under way counted. Raises `NoRoom`."""
        if flow_id in self._flows or flow_id in self._under_way:
            return
        coming = sum(new not in self._flows for new in self._under_way)
        if len(self._flows) + coming >= self._limits.flows:
            raise NoRoom(f"there are {len(self._flows) + coming} flows already", setting="MAX_FLOWS")

    @contextmanager
    def _posting(self, flow_id: str) -> Generator[UnderWay]:
        under_way = self._under_way.setdefault(flow_id, UnderWay())
        under_way.guests += 1
        try:
            yield under_way
        finally:
            under_way.guests -= 1
            if under_way.guests == 0:
                del self._under_way[flow_id]

    def _batches_under_way(self, flow_id: str) -> int:
        """How many batches of a flow its store has and has not let in yet."""
        under_way = self._under_way.get(flow_id)
        return 0 if under_way is None else under_way.batches

    def _state(self, flow_id: str) -> FlowState | None:
        flow = self._flows.get(flow_id)
        return None if flow is None else flow.state

    async def delete(self, flow_id: str) -> None:
        """Delete a flow and end its streams, also those that wait for a flow nobody has fed."""
        await self.store.delete(flow_id)

    def flow(self, flow_id: str) -> Flow | None:
        """The flow; `None` when it was never fed, or was deleted."""
        return self._flows.get(flow_id)

    def flows(self) -> Iterator[Flow]:
        """All flows, in the order in which they were first fed."""
        return iter(self._flows.values())

    async def reached(self, flow_id: str, sequence: int, *, within_s: float) -> bool:
        """Whether the flow has applied `sequence`, waiting for it up to `within_s` seconds.

        Raises `NoRoom` when as many wait as there may be readers: a request that waits costs more than one.
        """
        if (flow := self._flows.get(flow_id)) is not None and flow.last >= sequence:
            return True
        if self._waiting >= self._limits.readers:
            raise NoRoom(f"{self._waiting} requests wait for a sequence already", setting="MAX_READERS")
        self._waiting += 1
        with self._audience(flow_id) as audience:
            try:
                async with asyncio.timeout(within_s):
                    while (flow := self._flows.get(flow_id)) is None or flow.last < sequence:
                        await audience.changed()
            except TimeoutError:
                return False
            finally:
                self._waiting -= 1
        return True

    @contextmanager
    def reading(
        self, flow_id: str, *, cursor: int | None, permit: Callable[[], bool] | None = None
    ) -> Generator[Reader]:
        """A reader of a flow, fed or not, for as long as the context lasts and `permit` is true."""
        with self._audience(flow_id) as audience:
            reader = Reader(
                flow_id,
                cursor=cursor,
                find=self._flows.get,
                audience=audience,
                stats=self.stats,
                clock_s=self._clock_s,
                now_ms=self._now_ms,
                permit=permit,
            )
            if self.stopping:
                reader.ending = Ending.SERVER_STOPS
            audience.readers.add(reader)
            try:
                yield reader
            finally:
                audience.readers.discard(reader)

    def check_room_for_reader(self, flow_id: str) -> None:
        """Refuse one reader too many. Raises `NoRoom`."""
        audience = self._audiences.get(flow_id)
        if audience is not None and len(audience.readers) >= self._limits.readers_per_flow:
            raise NoRoom(
                f"flow {shown(flow_id)} has {len(audience.readers)} readers already",
                setting="MAX_READERS_PER_FLOW",
            )
        if (readers := self.readers()) >= self._limits.readers:
            raise NoRoom(f"there are {readers} readers already", setting="MAX_READERS")

    def readers(self) -> int:
        """How many streams are open."""
        return sum(len(audience.readers) for audience in self._audiences.values())

    def heard(self, flow_id: str, emitter: str) -> None:
        """Note a sign of life of an emitter; of a flow that is not known it is not kept."""
        at_ms = self._now_ms()
        self.heard_elsewhere(flow_id, emitter, at_ms=at_ms)
        self.store.heard(flow_id, emitter, at_ms=at_ms)

    def last_heard(self, flow_id: str) -> LastHeard:
        """When each emitter of the flow was last heard."""
        return self._heard.get(flow_id) or LastHeard()

    def stop(self) -> None:
        """Be ready no more and end all streams; what they have not read they still get.

        Writes in flight finish: what a client was about to be told is kept must be kept.
        """
        self.stopping = True
        for audience in list(self._audiences.values()):
            audience.end(Ending.SERVER_STOPS)

    @contextmanager
    def _audience(self, flow_id: str) -> Generator[Audience]:
        audience = self._audiences.get(flow_id)
        if audience is None:
            audience = self._audiences[flow_id] = Audience(
                under_way=partial(self._batches_under_way, flow_id), clock_s=self._clock_s
            )
        audience.guests += 1
        try:
            yield audience
        finally:
            audience.guests -= 1
            if audience.guests == 0:
                del self._audiences[flow_id]

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._heartbeat_s / 10))
            silent_since_s = self._clock_s() - self._heartbeat_s
            for audience in list(self._audiences.values()):
                audience.beat(silent_since_s=silent_since_s)
            await self._delete_idle_flows()

    async def _delete_idle_flows(self) -> None:
        if not self._limits.idle_ttl_s:
            return
        before_ms = self._now_ms() - self._limits.idle_ttl_s * 1000
        for flow_id in [flow.id for flow in self._flows.values() if flow.changed_at_ms < before_ms]:
            try:
                await self.delete(flow_id)
            except StoreError as error:
                log.warning("an idle flow was not deleted", flow=flow_id, problem=str(error))
            else:
                log.info("idle flow deleted", flow=flow_id)
