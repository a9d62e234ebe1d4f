"""What a hub's readers get of messages that a sweep is put off for."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from flow_server.hub import Hub
from flow_server.store import Accepted, Item
from flow_server.store.memory import MemoryStore

from .store.sites import node

HELD = "held"
SLOW_S = 0.1
"""So long one sweep took; the next one is put off for up to a half of that."""


class HoldingStore(MemoryStore):
    """A memory store that keeps batches with one key under way until it lets them go."""

    def __init__(self) -> None:
        super().__init__(now_us=lambda: time.time_ns() // 1000)
        self.lets_go = asyncio.Event()

    async def append(self, flow_id: str, items: Sequence[Item], *, key: str | None = None) -> Accepted:
        if key == HELD:
            await self.lets_go.wait()
        return await super().append(flow_id, items, key=key)


class SlowConnection:
    """A connection that keeps what is written, at first slowly."""

    full = False

    def __init__(self) -> None:
        self.written = b""
        self.takes_s = 0.0

    def write_chunk(self, chunked: bytes) -> None:
        time.sleep(self.takes_s)  # holds the loop up, as a send to a busy kernel does
        self.written += chunked

    def attach(self, *, on_room: Callable[[], None], on_lost: Callable[[], None]) -> None:
        pass

    def detach(self) -> None:
        pass


@asynccontextmanager
async def put_off() -> AsyncGenerator[tuple[Hub, HoldingStore, SlowConnection, asyncio.Task[None]]]:
    """A hub whose reader has not got `last` yet, since the store has another batch under way."""
    store, connection = HoldingStore(), SlowConnection()

    async def read(hub: Hub) -> None:
        with hub.reading("f", cursor=None) as reader:
            await reader.pushed_to(connection)

    async with Hub(store).running() as hub:
        await hub.ingest("f", [node("first")])
        reading = asyncio.create_task(read(hub))
        await asyncio.sleep(0)
        connection.takes_s = SLOW_S
        await hub.ingest("f", [node("slow")])
        await asyncio.sleep(0)
        connection.takes_s = 0.0
        assert b'"slow"' in connection.written
        held = asyncio.create_task(hub.ingest("f", [node("held")], key=HELD))
        await asyncio.sleep(0)
        await hub.ingest("f", [node("last")])
        for _ in range(10):
            await asyncio.sleep(0)
        assert b'"last"' not in connection.written, "the sweep does not wait for the batch under way"
        yield hub, store, connection, reading
        store.lets_go.set()
        await held
        hub.stop()
        await reading


async def test_a_batch_that_lands_is_written_together_with_what_waited_for_it() -> None:
    async with put_off() as (_, store, connection, _):
        written = len(connection.written)
        store.lets_go.set()
        for _ in range(10):
            await asyncio.sleep(0)
        assert connection.written[written:].count(b"upsert-nodes\n") == 2


async def test_a_deletion_ends_streams_after_what_was_answered_before_it() -> None:
    async with put_off() as (hub, _, connection, reading):
        await hub.delete("f")
        await reading
        assert b'"last"' in connection.written


async def test_a_stop_ends_streams_after_what_was_answered_before_it() -> None:
    async with put_off() as (hub, _, connection, reading):
        hub.stop()
        await reading
        assert b'"last"' in connection.written
