"""What goes in where the entries of the stream go in: in order, once, and only what continues."""

import asyncio
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_contract import encode_message
from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store import Accepted, items_of
from flow_server.store.memory import MemoryStore
from flow_server.store.nats.answers import recent_answers, tombstone_of
from flow_server.store.nats.entries import Batches, Entry, Kind, Part, packed
from flow_server.store.nats.errors import Gap
from flow_server.store.nats.group import Group, Waiting, take_group
from flow_server.store.nats.ledger import Ledger

from ..sites import last_of, node, nodes_of


def hub() -> Hub:
    return Hub(MemoryStore(now_us=lambda: 1), bounds=RingBounds())


def batches(sequence: int, *names: str, after: int, flow_id: str = "f", key: str | None = None) -> Entry:
    lines = tuple(encode_message(node(name)) for name in names)
    payload = packed(Batches(at_ms=1000 + sequence, parts=(Part(key, len(lines)),), lines=lines))
    return Entry(
        flow_id=flow_id,
        sequence=sequence,
        kind=Kind.BATCHES,
        after=after,
        id=f"id{sequence}",
        payload=payload,
    )


def tombstone(sequence: int, *, after: int, flow_id: str = "f", payload: bytes = b"[]") -> Entry:
    return Entry(flow_id=flow_id, sequence=sequence, kind=Kind.TOMBSTONE, after=after, id="", payload=payload)


def probe(sequence: int) -> Entry:
    return Entry(flow_id="", sequence=sequence, kind=Kind.PROBE, after=0, id="", payload=b"")


def test_entries_are_applied_once_however_often_they_come() -> None:
    flows = hub()
    ledger = Ledger(flows)
    entries = [batches(5, "a", after=0), batches(6, "b", after=5), probe(7), batches(9, "c", "d", after=6)]
    for entry in [*entries, *entries, entries[0]]:
        ledger.take(entry)
    assert [name for name, _ in nodes_of(flows, "f")] == ["a", "b", "c", "d"]
    assert last_of(flows, "f") == 9 * 1024 + 1
    assert ledger.applied == 9


def test_an_entry_that_does_not_continue_is_a_gap_and_changes_nothing() -> None:
    flows = hub()
    ledger = Ledger(flows)
    ledger.take(batches(5, "a", after=0))
    with pytest.raises(Gap, match="entry 8 continues 7, the newest here is 5"):
        ledger.take(batches(8, "c", after=7))
    assert ledger.applied == 5
    with pytest.raises(Gap):
        ledger.take(batches(9, "x", after=4, flow_id="never seen"))
    ledger.take(batches(7, "b", after=5))
    ledger.take(batches(8, "c", after=7))
    assert [name for name, _ in nodes_of(flows, "f")] == ["a", "b", "c"]


def test_a_tombstone_continues_anything_and_the_flow_continues_the_tombstone() -> None:
    flows = hub()
    ledger = Ledger(flows)
    ledger.take(batches(5, "a", after=0))
    ledger.take(tombstone(9, after=8))
    assert flows.flow("f") is None
    ledger.take(batches(11, "b", after=9))
    assert nodes_of(flows, "f") == [("b", "running")]


def test_keys_of_batches_that_went_with_a_tombstone_are_learned_from_it() -> None:
    ledger = Ledger(hub())
    answers = recent_answers()
    missed = Accepted(seq=7 * 1024, count=1, epoch="e")
    answers.put("missed", missed, now_ms=1)
    ledger.take(batches(5, "a", after=0, key="seen"))
    ledger.take(tombstone(9, after=7, payload=tombstone_of(answers)))
    record = ledger.record("f")
    assert record is not None
    assert record.answers.get("missed", now_ms=2) == missed


def test_a_flow_that_was_deleted_before_the_start_continues_a_tombstone_nobody_has() -> None:
    flows = hub()
    ledger = Ledger(flows)
    ledger.begun_at = ledger.applied = 100
    ledger.take(batches(101, "a", after=60))
    assert nodes_of(flows, "f") == [("a", "running")]
    with pytest.raises(Gap):
        ledger.take(batches(110, "a", after=105, flow_id="g"))


def test_what_is_covered_by_a_checkpoint_is_skipped() -> None:
    flows = hub()
    ledger = Ledger(flows)
    ledger.begun_at = ledger.applied = 10
    ledger.restored("f", last=20, answers=recent_answers(), revision=3)
    ledger.take(batches(15, "old", after=9))
    assert flows.flow("f") is None
    ledger.take(batches(21, "new", after=20))
    assert nodes_of(flows, "f") == [("new", "running")]


def test_deleted_flows_are_forgotten_and_can_be_remembered() -> None:
    ledger = Ledger(hub())
    ledger.take(batches(5, "a", after=0))
    ledger.take(tombstone(6, after=5))
    ledger.take(batches(7, "b", after=0, flow_id="alive"))
    ledger.forget_deleted(up_to=7)
    assert ledger.record("f") is None
    assert ledger.record("alive") is not None
    assert ledger.is_forgotten("f", 6)
    assert not ledger.is_forgotten("f", 8)
    assert not ledger.is_forgotten("alive", 7)
    ledger.remember("f", 6, b"[]")
    assert ledger.last_of("f") == 6


def test_another_stream_ends_all_that_was_held() -> None:
    flows = hub()
    ledger = Ledger(flows)
    ledger.take(batches(5, "a", after=0))
    ledger.begin_anew("another")
    assert flows.flow("f") is None
    assert (ledger.applied, ledger.epoch) == (0, "another")
    ledger.take(batches(3, "b", after=0))
    assert nodes_of(flows, "f") == [("b", "running")]


async def test_whoever_waits_for_an_entry_learns_of_it() -> None:
    ledger = Ledger(hub())
    waits = [asyncio.create_task(ledger.beyond("f", 4)), asyncio.create_task(ledger.reached(5))]
    await asyncio.sleep(0)
    ledger.take(batches(4, "a", after=0))
    await asyncio.sleep(0)
    assert not any(wait.done() for wait in waits)
    ledger.take(batches(5, "b", after=4))
    async with asyncio.timeout(5):
        await asyncio.gather(*waits)


async def test_an_own_entry_answers_each_of_its_posts() -> None:
    flows = hub()
    ledger = Ledger(flows)
    ledger.epoch = "e"
    members = [
        Waiting(items_of([node("a"), node("b")]), key="k", deadline_s=1),
        Waiting(items_of([node("c")]), key=None, deadline_s=1),
    ]
    group = Group(members, at_ms=5)
    ledger.expect("id5", group)
    ledger.take(batches(5, "a", "b", "c", after=0))
    assert [await member.answer for member in members] == [
        Accepted(seq=5 * 1024 + 1, count=2, epoch="e"),
        Accepted(seq=5 * 1024 + 2, count=1, epoch="e"),
    ]
    assert group.is_applied
    record = ledger.record("f")
    assert record is not None
    assert record.answers.get("k", now_ms=6) == Accepted(seq=5 * 1024 + 1, count=2, epoch="e")


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from([None, "k", "l"])), min_size=1, max_size=20))
def test_groups_take_all_in_order_within_their_bounds(posts: list[tuple[int, str | None]]) -> None:
    async def grouped() -> None:
        [item] = items_of([node("a")])
        waiting = [Waiting([item] * count, key=key if count else None, deadline_s=1) for count, key in posts]
        queue, taken = deque(waiting), list[Waiting]()
        while queue:
            group = take_group(queue)
            assert len({member.kind for member in group}) == 1
            assert group[0].items or len(group) == 1, "a delete is alone"
            assert len(group) == 1 or sum(len(member.items) for member in group) <= 1024
            keys = [member.key for member in group if member.key is not None]
            assert len(keys) == len(set(keys))
            taken += group
        assert taken == waiting

    asyncio.run(grouped())
