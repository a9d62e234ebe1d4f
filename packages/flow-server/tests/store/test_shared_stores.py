"""What every store that replicas share promises between them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from flow_server.hub import Hub
from flow_server.reading import Ending
from flow_server.store import StoreUnavailable

from ..real_server import until
from .sites import Site, last_of, node, nodes_of, sequences_of

WITHIN_S = 20.0


@asynccontextmanager
async def two_replicas(site: Site) -> AsyncGenerator[tuple[Hub, Hub]]:
    async with site.hub() as one, site.hub() as other:
        yield one, other


async def equal(one: Hub, other: Hub, flow_id: str) -> None:
    """Wait until both have the same last sequence, and compare all that readers can see."""
    last = max(last_of(hub, flow_id) if hub.flow(flow_id) else 0 for hub in (one, other))
    for hub in (one, other):
        assert await hub.reached(flow_id, last, within_s=WITHIN_S)
    ours, theirs = one.flow(flow_id), other.flow(flow_id)
    assert ours is not None
    assert theirs is not None
    assert ours.last == theirs.last
    assert ours.snapshot() == theirs.snapshot()
    assert ours.history(None, limit=4096) == theirs.history(None, limit=4096)


async def test_what_one_replica_takes_in_the_other_has(shared_site: Site) -> None:
    async with two_replicas(shared_site) as (one, other):
        assert one.store.epoch == other.store.epoch
        await one.ingest("f", [node("a"), node("b")])
        await equal(one, other, "f")
        await other.ingest("f", [node("a", "failed")])
        await equal(one, other, "f")
        assert nodes_of(one, "f") == [("a", "failed"), ("b", "running")]


async def test_replicas_that_write_to_one_flow_at_once_have_one_order(shared_site: Site) -> None:
    async with two_replicas(shared_site) as (one, other):

        async def write(hub: Hub, writer: str) -> list[int]:
            return [
                (await hub.ingest("f", [node("who", f"{writer}{number}"), node(writer)])).seq
                for number in range(60)
            ]

        answers = await asyncio.gather(write(one, "a"), write(other, "b"), write(one, "c"))
        await equal(one, other, "f")
        sequences = sequences_of(one, "f")
        assert len(sequences) == 3 * 60 * 2
        assert sorted(seq for answer in answers for seq in answer) == sequences[1::2]
        for answer in answers:
            assert answer == sorted(answer)


async def test_a_key_that_one_replica_stored_is_known_to_the_other(shared_site: Site) -> None:
    async with two_replicas(shared_site) as (one, other):
        for number in range(20):
            batch = [node(f"n{number}"), node("a", f"s{number}")]
            answers = await asyncio.gather(
                one.ingest("f", batch, key=f"k{number}"), other.ingest("f", batch, key=f"k{number}")
            )
            assert answers[0] == answers[1]
        await equal(one, other, "f")
        assert len(sequences_of(one, "f")) == 40


async def test_a_reader_resumes_on_another_replica_exactly_where_it_was(shared_site: Site) -> None:
    async with two_replicas(shared_site) as (one, other):
        hubs, frames = (one, other), b""
        cursor: int | None = None
        for number in range(30):
            await hubs[number % 3 == 0].ingest("f", [node(f"n{number}"), node("a", f"s{number}")])
            hub = hubs[number % 2]
            await equal(one, other, "f")
            with hub.reading("f", cursor=cursor) as reader:
                while (chunk := reader.take()) is not None:
                    frames += chunk.wire
                cursor = reader.cursor
        assert frames.count(b"event: snapshot") == 1, "only the first"
        assert frames.count(b"event: upsert-nodes") == 58


async def test_a_cursor_that_is_ahead_is_waited_for(shared_site: Site) -> None:
    async with two_replicas(shared_site) as (one, other):
        await one.ingest("f", [node("a")])
        await equal(one, other, "f")
        for number in range(20):
            accepted = await one.ingest("f", [node("a", f"s{number}")])
            await other.store.catch_up("f", accepted.seq)
            assert last_of(other, "f") >= accepted.seq


async def test_a_cursor_that_nobody_handed_out_is_not_waited_for(shared_site: Site) -> None:
    async with two_replicas(shared_site) as (one, other):
        accepted = await one.ingest("f", [node("a")])
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*(other.store.catch_up("f", 2**53 - 1) for _ in range(50)))
        assert last_of(other, "f") == accepted.seq


async def test_a_replica_that_cannot_know_whether_a_cursor_is_ahead_says_so(shared_site: Site) -> None:
    assert shared_site.outage is not None
    async with shared_site.hub() as hub:
        accepted = await hub.ingest("f", [node("a")])
        with shared_site.outage():
            await hub.store.catch_up("f", accepted.seq)
            with pytest.raises(StoreUnavailable):
                await hub.store.catch_up("f", accepted.seq + 2**20)
        await until(hub.store.writable)


async def test_a_delete_on_one_replica_ends_the_streams_of_the_other(shared_site: Site) -> None:
    async with two_replicas(shared_site) as (one, other):
        before = await one.ingest("f", [node("a")])
        assert await other.reached("f", before.seq, within_s=WITHIN_S)
        with other.reading("f", cursor=None) as reader:
            reader.take()
            await one.delete("f")
            async with asyncio.timeout(WITHIN_S):
                while reader.ending is None:
                    await reader.changed()
            assert reader.ending is Ending.FLOW_DELETED
        assert other.flow("f") is None
        after = await other.ingest("f", [node("b")])
        assert after.seq > before.seq
        await equal(one, other, "f")


async def test_a_delete_reaches_a_flow_that_this_replica_has_not_heard_of_yet(shared_site: Site) -> None:
    async with two_replicas(shared_site) as (one, other):
        for number in range(20):
            await one.ingest(f"f{number}", [node("a")])
            await other.delete(f"f{number}")
            assert other.flow(f"f{number}") is None
        await until(lambda: not list(one.flows()))


async def test_deletes_and_writes_on_two_replicas_leave_both_the_same(shared_site: Site) -> None:
    async with two_replicas(shared_site) as (one, other):

        async def churn(hub: Hub, writer: str) -> None:
            for number in range(40):
                await hub.ingest("f", [node(f"{writer}{number}")])
                if number % 7 == 3:
                    await hub.delete("f")

        await asyncio.gather(churn(one, "a"), churn(other, "b"))
        await one.ingest("f", [node("last")])
        await equal(one, other, "f")


async def test_a_replica_that_starts_later_has_everything(shared_site: Site) -> None:
    async with shared_site.hub() as one:
        for number in range(100):
            await one.ingest(f"f{number % 5}", [node(f"n{number}"), node("a", f"s{number}")])
        await one.delete("f3")
        async with shared_site.hub() as late:
            assert {flow.id for flow in late.flows()} == {"f0", "f1", "f2", "f4"}
            for flow in one.flows():
                again = late.flow(flow.id)
                assert again is not None
                assert (again.last, again.snapshot()) == (flow.last, flow.snapshot())


async def test_signs_of_life_are_shared_between_replicas(shared_site: Site) -> None:
    async with two_replicas(shared_site) as (one, other):
        accepted = await one.ingest("f", [node("a")])
        assert await other.reached("f", accepted.seq, within_s=WITHIN_S)
        one.heard("f", "region-1")
        other.heard("f", "region-2")
        names = ["region-1", "region-2"]
        await until(lambda: [name for name, _ in one.last_heard("f")] == names)
        await until(lambda: list(other.last_heard("f")) == list(one.last_heard("f")))
        async with shared_site.hub() as late:
            await until(lambda: list(late.last_heard("f")) == list(one.last_heard("f")))
