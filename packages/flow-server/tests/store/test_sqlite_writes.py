"""The sqlite store's writes: their order, what is in flight when something else happens, what is bounded."""

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest

from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store import Checkpoint, StoreError, StoreFull, StoreUnavailable, items_of
from flow_server.store.sqlite import SqliteStore, rows, writer
from flow_server.store.sqlite.pending import Pending
from flow_server.store.sqlite.schema import connected, opened, transaction
from flow_server.store.sqlite.writes import AppendBatch, DeleteFlow, KeepCheckpoint

from ..campaigns.sqlite_disk import Disk, connect_to
from ..real_server import until
from .sites import node, nodes_of


def _store(path: Path, disk: Disk | None = None) -> SqliteStore:
    return SqliteStore(
        path, now_us=lambda: time.time_ns() // 1000, connect=connect_to(disk) if disk else connected
    )


def _count(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    connection.close()
    return found


async def test_a_write_that_comes_while_the_store_closes_is_answered(tmp_path: Path) -> None:
    store = _store(tmp_path / "flows.db")
    hub = Hub(store)
    async with hub.running():
        before = [
            asyncio.create_task(hub.ingest("f", [node(f"n{number}")], key=f"k{number}"))
            for number in range(20)
        ]
    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(*before, return_exceptions=True)
        with pytest.raises(StoreUnavailable, match="the server stops"):
            await hub.ingest("f", [node("late")])
    stored = sum(not isinstance(outcome, BaseException) for outcome in outcomes)
    assert stored + sum(isinstance(outcome, StoreUnavailable) for outcome in outcomes) == 20
    assert stored == (0 if hub.flow("f") is None else len(nodes_of(hub, "f")))


async def test_a_client_that_goes_away_takes_nothing_from_the_hub(tmp_path: Path) -> None:
    path, disk = tmp_path / "flows.db", Disk()
    async with Hub(_store(path, disk)).running() as hub:
        await hub.ingest("f", [node("a")])
        disk.sync_delay_s = 0.05
        gone = [
            asyncio.create_task(hub.ingest("f", [node(f"n{number}")], key=f"k{number}"))
            for number in range(5)
        ]
        await asyncio.sleep(0.01)
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        again = await hub.ingest("f", [node("n0")], key="k0")
        ids = [name for name, _ in nodes_of(hub, "f")]
        assert ids == ["a", *[f"n{number}" for number in range(5)]]
        assert again.count == 1
    async with Hub(_store(path)).running() as hub:
        assert [name for name, _ in nodes_of(hub, "f")] == ids


async def test_a_deletion_that_failed_and_was_given_up_can_be_repeated(tmp_path: Path) -> None:
    path, disk = tmp_path / "flows.db", Disk()
    async with Hub(_store(path, disk)).running() as hub:
        await hub.ingest("f", [node("a")])
        disk.free_bytes = 0
        given_up = asyncio.create_task(hub.delete("f"))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        await until(lambda: not hub.store.writable())
        assert nodes_of(hub, "f") == [("a", "running")], "it was not deleted"
        disk.free_bytes = None
        await hub.delete("f")
        assert hub.flow("f") is None
    async with Hub(_store(path)).running() as hub:
        assert hub.flow("f") is None, "it was deleted"


async def test_a_checkpoint_of_a_deleted_flow_is_not_taken_for_that_of_its_next_life(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    connection, now_us = opened(path), 1_000_000

    def execute(write: writer.Write) -> bool:
        with transaction(connection):
            pending = Pending(connection)
            wrote = write.execute(pending)
            pending.write()
            return wrote

    # All within one millisecond, as far as times can tell.
    first = AppendBatch(flow_id="f", items=items_of([node("old")]), key=None, now_us=now_us)
    assert execute(first)
    checkpoint = rows.born(floor=first.last, at_ms=now_us // 1000)
    assert execute(DeleteFlow(flow_id="f", at_ms=now_us // 1000))
    assert execute(AppendBatch(flow_id="f", items=items_of([node("new")]), key=None, now_us=now_us))
    assert not execute(KeepCheckpoint(flow_id="f", checkpoint=checkpoint))
    [(_, restored)] = rows.flows(connection, path)
    assert restored.checkpoint.sequence > first.last
    assert [envelope.encoded for envelope in restored.envelopes] == [items_of([node("new")])[0].encoded]
    connection.close()


async def test_the_file_stays_small_over_many_short_lives_of_the_server(tmp_path: Path) -> None:
    path, ring = tmp_path / "flows.db", RingBounds(entries=64)
    for _ in range(8):
        async with Hub(_store(path), bounds=ring).running() as hub:
            await hub.ingest("f", [node(f"n{number % 9}") for number in range(300)])
    assert _count(path, "event") <= 64 + 512 + 300


async def test_the_file_stays_small_however_large_messages_are(tmp_path: Path) -> None:
    path, ring, text = tmp_path / "flows.db", RingBounds(size_bytes=2**20), "x" * 200_000
    async with Hub(_store(path), bounds=ring).running() as hub:
        for number in range(60):
            await hub.ingest("f", [node("a", f"s{number}", family=text)])
    assert _count(path, "event") * 200_000 < 3 * 2**20
    assert path.stat().st_size < 8 * 2**20


class _CountingHub(Hub):
    taken = 0

    def checkpoint(self, flow_id: str) -> Checkpoint | None:
        self.taken += 1
        return super().checkpoint(flow_id)


async def test_a_large_flow_is_not_written_again_for_every_few_messages(tmp_path: Path) -> None:
    hub = _CountingHub(_store(tmp_path / "flows.db"), bounds=RingBounds(entries=64))
    async with hub.running():
        for start in range(0, 8000, 1000):
            await hub.ingest("f", [node(f"n{number}") for number in range(start, start + 1000)])
        hub.taken = 0
        for start in range(0, 4096, 64):
            await hub.ingest("f", [node(f"n{number}") for number in range(start, start + 64)])
        assert 1 <= hub.taken <= 2, "as many messages as it has nodes, about"


async def test_only_a_write_proves_that_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PROBE_S", 0.02)
    disk = Disk()
    async with Hub(_store(tmp_path / "flows.db", disk)).running() as hub:
        first = await hub.ingest("f", [node("a")], key="k")
        disk.free_bytes = 0
        with pytest.raises(StoreFull):
            await hub.ingest("f", [node("b")])
        assert await hub.ingest("f", [node("a")], key="k") == first, "known, nothing to write"
        await hub.delete("nobody")
        assert not hub.store.writable()
        disk.free_bytes = 20_000  # room for a page or two, not for a batch
        await asyncio.sleep(0.2)
        assert not hub.store.writable()
        disk.free_bytes = None
        await until(hub.store.writable)


async def test_a_full_disk_leaves_no_trace_of_flows_that_could_not_be_written(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "flows.db"
    async with Hub(_store(path, disk)).running() as hub:
        disk.free_bytes = 0
        refused = await asyncio.gather(
            *[hub.ingest(f"f{number}", [node("a")]) for number in range(50)], return_exceptions=True
        )
        assert all(isinstance(outcome, StoreFull) for outcome in refused)
        assert list(hub.flows()) == []
        disk.free_bytes = None
        accepted = await hub.ingest("f1", [node("b")])
        assert accepted.count == 1
    async with Hub(_store(path)).running() as hub:
        assert [flow.id for flow in hub.flows()] == ["f1"]


async def test_keys_are_bounded_for_each_flow(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    async with Hub(_store(path)).running() as hub:
        first = await hub.ingest("f", [node("a")], key="first")
        for start in range(0, 1400, 100):
            keys = [f"k{number}" for number in range(start, start + 100)]
            await asyncio.gather(*[hub.ingest("f", [node("a")], key=key) for key in keys])
        newest = await hub.ingest("f", [node("a")], key="k1399")
        assert (await hub.ingest("f", [node("a")], key="first")).seq > newest.seq > first.seq, "forgotten"
    assert _count(path, "key") <= 1024 + 256


async def test_a_start_that_is_called_off_leaves_the_file_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    async with Hub(_store(path)).running() as hub:
        await hub.ingest("f", [node("a")])
    deadline_s = time.monotonic() + 20
    starting = asyncio.create_task(_store(path).open(hub))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    opened_again = False
    while not opened_again:  # until the thread that was opening it has let go
        try:
            async with Hub(_store(path)).running() as hub:
                opened_again = nodes_of(hub, "f") == [("a", "running")]
        except StoreError:
            assert time.monotonic() < deadline_s
