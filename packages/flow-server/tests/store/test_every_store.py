"""What every store promises while it is open."""

import asyncio
import random
import string

import pytest

from flow_contract import DeleteNodes, FlowMessage, FlowNode, UpsertNodes
from flow_server.core.fold import FlowState
from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.reading import Ending
from flow_server.store import Accepted, StoreUnavailable

from ..real_server import until
from .sites import Site, last_of, node, nodes_of, sequences_of


async def test_messages_are_folded_in_the_order_in_which_they_were_appended(site: Site) -> None:
    async with site.hub() as hub:
        for number in range(20):
            await hub.ingest("f", [node("a", f"s{number}"), node(f"n{number}")])
        expected = [("a", "s19"), *((f"n{number}", "running") for number in range(20))]
        assert nodes_of(hub, "f") == expected


async def test_an_append_is_visible_when_it_returns_and_answers_its_last_sequence(site: Site) -> None:
    async with site.hub() as hub:
        accepted = await hub.ingest("f", [node("a"), node("b"), node("c")])
        assert accepted.count == 3
        assert accepted.epoch == hub.store.epoch
        assert accepted.seq == last_of(hub, "f") < 2**53
        assert len(nodes_of(hub, "f")) == 3


async def test_sequences_grow_strictly_and_each_message_has_its_own(site: Site) -> None:
    async with site.hub() as hub:
        answers = [
            await hub.ingest("f", [node(f"n{number}-{index}") for index in range(3)]) for number in range(5)
        ]
        sequences = sequences_of(hub, "f")
        assert len(sequences) == 15
        assert sequences == sorted(set(sequences))
        assert [answer.seq for answer in answers] == sequences[2::3]


async def test_batches_of_many_writers_do_not_mix(site: Site) -> None:
    async with site.hub() as hub:

        async def write(writer: int) -> None:
            for round_ in range(5):
                await hub.ingest("f", [node(f"{writer}/{round_}/{index}") for index in range(10)])

        await asyncio.gather(*(write(writer) for writer in range(16)))
        ids = [node_id for node_id, _ in nodes_of(hub, "f")]
        assert len(ids) == 16 * 5 * 10
        batches = [ids[start : start + 10] for start in range(0, len(ids), 10)]
        for batch in batches:
            prefix = batch[0].rpartition("/")[0]
            assert batch == [f"{prefix}/{index}" for index in range(10)]
        rounds = [batch[0].split("/") for batch in batches]
        for writer in range(16):
            assert [int(round_) for who, round_, _ in rounds if int(who) == writer] == list(range(5))


async def test_the_largest_batch_is_stored_whole(site: Site) -> None:
    async with site.hub() as hub:
        text = "".join(random.Random(7).choices(string.ascii_letters, k=900))
        accepted = await hub.ingest("f", [node(f"n{index}", family=text) for index in range(1024)])
        assert accepted.count == 1024
        assert len(sequences_of(hub, "f")) == 1024
        assert nodes_of(hub, "f")[-1] == ("n1023", "running")


async def test_a_batch_with_a_key_is_stored_once_and_answered_the_same(site: Site) -> None:
    async with site.hub() as hub:
        first = await hub.ingest("f", [node("a"), node("b")], key="k")
        await hub.ingest("f", [node("c")], key="other")
        again = await hub.ingest("f", [node("a"), node("b")], key="k")
        assert again == first
        assert len(sequences_of(hub, "f")) == 3


async def test_concurrent_batches_with_one_key_are_stored_once(site: Site) -> None:
    async with site.hub() as hub:
        answers = await asyncio.gather(*(hub.ingest("f", [node("a")], key="k") for _ in range(10)))
        assert len(set(answers)) == 1
        assert len(sequences_of(hub, "f")) == 1


async def test_a_key_belongs_to_its_flow(site: Site) -> None:
    async with site.hub() as hub:
        await hub.ingest("f", [node("a")], key="k")
        await hub.ingest("g", [node("a")], key="k")
        assert len(sequences_of(hub, "g")) == 1


async def test_a_key_is_remembered_over_a_delete(site: Site) -> None:
    async with site.hub() as hub:
        first = await hub.ingest("f", [node("a")], key="k")
        await hub.delete("f")
        assert await hub.ingest("f", [node("a")], key="k") == first
        assert hub.flow("f") is None, "what was stored once, and deleted, is not stored again"


async def test_a_deleted_flow_is_gone_and_grows_on_above_its_old_sequences(site: Site) -> None:
    async with site.hub() as hub:
        before = await hub.ingest("f", [node("a"), node("b")])
        await hub.delete("f")
        assert hub.flow("f") is None
        after = await hub.ingest("f", [node("c")])
        assert after.seq > before.seq
        assert nodes_of(hub, "f") == [("c", "running")]
        flow = hub.flow("f")
        assert flow is not None
        assert flow.frames_after(before.seq) is None, "an old cursor must get a snapshot"


async def test_a_delete_ends_the_streams_of_a_flow_and_of_one_that_nobody_has_fed(site: Site) -> None:
    async with site.hub() as hub:
        await hub.ingest("f", [node("a")])
        with hub.reading("f", cursor=None) as fed, hub.reading("nobody", cursor=None) as unfed:
            await hub.delete("f")
            await hub.delete("nobody")
            assert fed.ending is Ending.FLOW_DELETED
            assert unfed.ending is Ending.FLOW_DELETED
        assert hub.flow("nobody") is None


async def test_deletes_and_appends_at_once_leave_what_their_order_says(site: Site) -> None:
    async with site.hub() as hub:
        for round_ in range(10):
            writes = [hub.ingest("f", [node(f"{round_}-{index}")]) for index in range(5)]
            answers, _ = await asyncio.gather(asyncio.gather(*writes), hub.delete("f"))
            flow = hub.flow("f")
            alive = {} if flow is None else dict.fromkeys(sequences_of(hub, "f"), 1)
            # What survived is a tail of what was written: nothing from before the delete, all from after.
            sequences = sorted(answer.seq for answer in answers)
            survivors = [sequence for sequence in sequences if sequence in alive]
            assert survivors == sequences[len(sequences) - len(survivors) :]
            assert len(alive) == len(survivors)
            await hub.delete("f")


async def test_what_is_asked_in_one_turn_is_done_in_its_order_whatever_flow_it_is_of(site: Site) -> None:
    async with site.hub() as hub:
        await hub.ingest("f", [node("before")])
        asked = [
            hub.ingest("f", [node("a")]),
            hub.ingest("g", [node("b")]),
            hub.ingest("f", [node("c")]),
            hub.delete("f"),
            hub.ingest("g", [node("d")]),
            hub.ingest("f", [node("e")]),
        ]
        *_, last = await asyncio.gather(*asked)
        assert isinstance(last, Accepted)
        assert nodes_of(hub, "f") == [("e", "running")]
        assert sequences_of(hub, "f") == [last.seq]
        assert nodes_of(hub, "g") == [("b", "running"), ("d", "running")]


async def test_any_id_is_a_flow_of_its_own(site: Site) -> None:
    ids = ["a", "A", "a/b", "a.b", "a b", "*", ">", "$", "_", "\u00fc", "u\u0308", "a%2Fb", "-", "e\u200d"]
    ids.append("\U0001f680" * 253)
    async with site.hub() as hub:
        for index, flow_id in enumerate(ids):
            await hub.ingest(flow_id, [node(f"n{index}")])
        for index, flow_id in enumerate(ids):
            assert nodes_of(hub, flow_id) == [(f"n{index}", "running")]


async def test_history_is_replayed_from_the_base_when_messages_have_left_the_ring(site: Site) -> None:
    async with site.hub(ring=RingBounds(entries=10)) as hub:
        for number in range(25):
            await hub.ingest("f", [node("a", f"s{number}"), node(f"n{number}")])
        flow = hub.flow("f")
        assert flow is not None
        base, *rest = flow.history(None, limit=4096)
        assert base.seq == flow.floor
        assert [line.seq for line in rest] == sequences_of(hub, "f")
        assert len(rest) == 10


async def test_whatever_is_written_the_state_is_the_fold_of_the_log(site: Site) -> None:
    draw = random.Random(11)
    async with site.hub() as hub:
        expected = FlowState()
        for number in range(120):
            if draw.random() < 0.05:
                await hub.delete("f")
                expected = FlowState()
                continue
            batch: list[FlowMessage] = []
            for _ in range(draw.randint(1, 6)):
                name = f"n{draw.randint(0, 9)}"
                if draw.random() < 0.3:
                    batch.append(DeleteNodes(ids=(name,)))
                else:
                    status = draw.choice(["pending", "running", "failed"])
                    batch.append(
                        UpsertNodes(nodes=(FlowNode(id=name, flow_id="f", label="x", status=status),))
                    )
            await hub.ingest("f", batch, key=f"k{number}")
            for message in batch:
                expected.fold(message)
            flow = hub.flow("f")
            assert flow is not None
            assert flow.state.image() == expected.image()


async def test_a_write_during_an_outage_fails_and_its_retry_with_the_key_is_stored_once(site: Site) -> None:
    if site.outage is None:
        pytest.skip("nothing keeps this store from answering")
    async with site.hub() as hub:
        await hub.ingest("f", [node("a")])
        with site.outage():
            with pytest.raises(StoreUnavailable) as refused:
                await hub.ingest("f", [node("b"), node("c")], key="k")
            assert refused.value.retry_after_s >= 1
            assert nodes_of(hub, "f") == [("a", "running")], "reads go on"
            assert not hub.store.writable()
        accepted = await _retried(hub, key="k")
        assert nodes_of(hub, "f") == [("a", "running"), ("b", "running"), ("c", "running")]
        assert len(sequences_of(hub, "f")) == 3, "an unknown outcome and its retry are one"
        assert accepted.seq == last_of(hub, "f")
        await until(hub.store.writable)


async def _retried(hub: Hub, *, key: str) -> Accepted:
    async with asyncio.timeout(60):
        while True:
            try:
                return await hub.ingest("f", [node("b"), node("c")], key=key)
            except StoreUnavailable:
                await asyncio.sleep(0.1)


async def test_a_closed_store_takes_no_writes_and_what_was_in_flight_is_answered(site: Site) -> None:
    store = site.store()
    hub = Hub(store)
    async with hub.running():
        writes = [asyncio.create_task(hub.ingest("f", [node(f"n{number}")])) for number in range(20)]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*writes, return_exceptions=True)
    stored = {answer.seq for answer in answers if not isinstance(answer, BaseException)}
    assert stored <= set(sequences_of(hub, "f"))
    assert len(stored) + sum(isinstance(answer, StoreUnavailable) for answer in answers) == 20
