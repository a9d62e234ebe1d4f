"""What every store promises across a close and a new start."""

import asyncio

import pytest

from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store import StoreError

from ..real_server import until
from .sites import Site, last_of, node, nodes_of, sequences_of


async def reached_back(hub: Hub, flow_id: str, cursor: int) -> None:
    """Return when the ring holds everything after the cursor: a store may fetch the past after its start."""
    await until(lambda: (flow := hub.flow(flow_id)) is not None and flow.floor <= cursor)


async def test_sequences_grow_over_restarts_whatever_is_kept(site: Site) -> None:
    highest = 0
    for _ in range(3):
        async with site.hub() as hub:
            answer = await hub.ingest("f", [node("a")])
            assert answer.seq > highest
            highest = answer.seq


async def test_the_epoch_changes_when_and_only_when_the_log_is_lost(site: Site) -> None:
    epochs: set[str] = set()
    for _ in range(3):
        async with site.hub() as hub:
            epochs.add(hub.store.epoch)
    assert len(epochs) == (1 if site.keeps else 3)


async def test_state_and_sequences_are_there_again(keeping_site: Site) -> None:
    async with keeping_site.hub() as hub:
        await hub.ingest("f", [node("a"), node("b"), node("a", "succeeded")])
        await hub.ingest("g/1", [node("x")])
        last, snapshot = last_of(hub, "f"), _snapshot(hub, "f")
    async with keeping_site.hub() as hub:
        assert last_of(hub, "f") == last
        assert _snapshot(hub, "f") == snapshot
        assert nodes_of(hub, "g/1") == [("x", "running")]


async def test_a_reader_resumes_after_a_restart_exactly_where_it_was(keeping_site: Site) -> None:
    async with keeping_site.hub() as hub:
        for number in range(50):
            await hub.ingest("f", [node(f"n{number}"), node("a", f"s{number}")])
        sequences = sequences_of(hub, "f")
        flow = hub.flow("f")
        assert flow is not None
        expected = {
            cursor: _after(hub, "f", cursor) for cursor in (sequences[0], sequences[33], sequences[-2])
        }
    async with keeping_site.hub() as hub:
        await reached_back(hub, "f", sequences[0])
        for cursor, frames in expected.items():
            assert _after(hub, "f", cursor) == frames
        await hub.ingest("f", [node("new")])
        assert _after(hub, "f", sequences[-1]).count(b"event: ") == 1


async def test_history_and_its_base_are_the_same_after_a_restart(keeping_site: Site) -> None:
    ring = RingBounds(entries=20)
    async with keeping_site.hub(ring=ring) as hub:
        for number in range(30):
            await hub.ingest("f", [node("a", f"s{number}"), node(f"n{number % 7}")])
        flow = hub.flow("f")
        assert flow is not None
        floor, history = flow.floor, flow.history(None, limit=4096)
    async with keeping_site.hub(ring=ring) as hub:
        await reached_back(hub, "f", floor)
        flow = hub.flow("f")
        assert flow is not None
        assert flow.floor == floor
        assert flow.history(None, limit=4096) == history


async def test_a_key_is_remembered_over_a_restart(keeping_site: Site) -> None:
    async with keeping_site.hub() as hub:
        first = await hub.ingest("f", [node("a"), node("b")], key="k")
    async with keeping_site.hub() as hub:
        assert await hub.ingest("f", [node("a"), node("b")], key="k") == first
        assert last_of(hub, "f") == first.seq


async def test_a_key_is_remembered_over_a_delete_and_a_restart(keeping_site: Site) -> None:
    async with keeping_site.hub() as hub:
        first = await hub.ingest("f", [node("a")], key="k")
        await hub.ingest("other", [node("a")])
        await hub.delete("f")
    async with keeping_site.hub() as hub:
        assert await hub.ingest("f", [node("a")], key="k") == first
        assert hub.flow("f") is None
        await hub.ingest("f", [node("b")], key="l")
        assert await hub.ingest("f", [node("a")], key="k") == first
        assert nodes_of(hub, "f") == [("b", "running")]


async def test_a_deleted_flow_stays_deleted_and_grows_on_above_its_old_sequences(keeping_site: Site) -> None:
    async with keeping_site.hub() as hub:
        before = await hub.ingest("f", [node("a")])
        await hub.ingest("other", [node("a")])
        await hub.delete("f")
    async with keeping_site.hub() as hub:
        assert hub.flow("f") is None
        after = await hub.ingest("f", [node("b")])
        assert after.seq > before.seq
    async with keeping_site.hub() as hub:
        assert nodes_of(hub, "f") == [("b", "running")]
        assert [flow.id for flow in hub.flows()].count("f") == 1


async def test_when_it_changed_and_when_it_began_are_the_same_after_a_restart(keeping_site: Site) -> None:
    async with keeping_site.hub() as hub:
        await hub.ingest("f", [node("a")])
        await asyncio.sleep(0.02)
        await hub.ingest("f", [node("b")])
        times = _times(hub)
    async with keeping_site.hub() as hub:
        assert _times(hub) == times


async def test_many_restarts_with_writes_between_lose_nothing(keeping_site: Site) -> None:
    written: list[str] = []
    for round_ in range(6):
        async with keeping_site.hub(ring=RingBounds(entries=8)) as hub:
            if written:
                assert [name for name, _ in nodes_of(hub, "f")] == written
            for index in range(round_ + 1):
                written.append(f"{round_}-{index}")
                await hub.ingest("f", [node(written[-1])])


async def test_a_second_store_on_a_log_for_one_is_refused(keeping_site: Site) -> None:
    if keeping_site.shares:
        pytest.skip("replicas share this log")
    async with keeping_site.hub():
        with pytest.raises(StoreError):
            async with keeping_site.hub():
                pass


def _snapshot(hub: Hub, flow_id: str) -> bytes:
    flow = hub.flow(flow_id)
    assert flow is not None
    return flow.snapshot()


def _after(hub: Hub, flow_id: str, cursor: int) -> bytes:
    """All frames after a cursor."""
    flow = hub.flow(flow_id)
    assert flow is not None
    wire = b""
    while cursor < flow.last:
        chunk = flow.frames_after(cursor)
        assert chunk is not None, f"cursor {cursor} is outside the ring, its floor is {flow.floor}"
        assert chunk.cursor is not None
        wire, cursor = wire + chunk.wire, chunk.cursor
    return wire


def _times(hub: Hub) -> tuple[int, int]:
    flow = hub.flow("f")
    assert flow is not None
    return flow.first_at_ms, flow.changed_at_ms
