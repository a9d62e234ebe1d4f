from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_adapter_flux.core.mirror import Mirror
from flow_adapter_flux.core.outbox import BATCH_BYTES, BATCH_MESSAGES, Batch, Outbox
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import ObjectKey, Release
from flow_adapter_flux.core.repair import repair
from flow_contract import (
    DeleteNodes,
    FlowMessage,
    FlowNode,
    RelationshipKey,
    Snapshot,
    UpsertNodes,
    decode_batch,
)

from .objects import FAILED, READY, ready, release
from .picture import Picture

REGION = Region(flow_id="flow", key="r", cluster="c")
NAMES = ["a", "b", "c"]
RELEASES = st.builds(
    release,
    st.sampled_from(NAMES),
    depends_on=st.lists(st.sampled_from([*NAMES, "x"]), max_size=2),
    conditions=st.sampled_from([[], [READY], [FAILED]]),
)
STEPS = st.one_of(
    RELEASES,
    st.sampled_from(NAMES),
    st.sampled_from(["post", "lose the answer", "lose the request", "split", "compare", "wipe"]),
)


def messages_of(batch: Batch) -> list[FlowMessage]:
    return decode_batch(batch.body, lines=True)


@dataclass
class World:
    """A cluster, a mirror, an outbox and a server that may lose requests and answers."""

    mirror: Mirror = field(default_factory=lambda: Mirror(REGION))
    outbox: Outbox = field(default_factory=Outbox)
    server: Picture = field(default_factory=Picture)
    now: float = 0.0

    def put(self, messages: list[FlowMessage]) -> None:
        self.now += 1
        for message in messages:
            self.outbox.put(message, now=self.now)

    def compare(self) -> None:
        self.now += 1
        found = repair(self.mirror, self.server.snapshot("flow"))
        self.outbox.restart(found.messages, held=found.held, now=self.now)

    def post(self) -> None:
        if (batch := self.outbox.take_batch()) is not None:
            self.server.take(messages_of(batch))
            self.outbox.accepted()

    def take(self, step: Release | str) -> None:
        if isinstance(step, Release):
            self.put(self.mirror.apply(step))
        elif step in NAMES:
            self.put(self.mirror.remove(ObjectKey("flux-system", step)))
        elif step == "post":
            self.post()
        elif step == "lose the answer" and (batch := self.outbox.take_batch()):
            self.server.take(messages_of(batch))
        elif step == "lose the request":
            self.outbox.take_batch()
        elif step == "split" and (batch := self.outbox.take_batch()) and len(batch.entries) > 1:
            assert self.outbox.too_large() is None
        elif step == "compare" and not self.outbox.unsettled:
            self.compare()
        elif step == "wipe":
            self.server = Picture()

    def drain(self) -> None:
        while self.outbox.take_batch() is not None:
            self.post()


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=40))
def test_whatever_is_lost_or_split_a_comparison_ends_with_the_mirror_s_picture(
    history: list[Release | str],
) -> None:
    world = World()
    world.put(world.mirror.replace_releases([]))
    for step in history:
        world.take(step)
    world.drain()
    world.compare()
    world.drain()
    assert world.server.nodes == world.mirror.nodes
    assert world.server.relationships == world.mirror.relationships
    assert len(world.outbox) == 0


@settings(max_examples=200)
@given(st.lists(STEPS.filter(lambda step: step not in {"compare", "wipe"}), max_size=40))
def test_without_a_comparison_nothing_of_what_was_put_is_lost_either(history: list[Release | str]) -> None:
    world = World()
    world.put(world.mirror.replace_releases([]))
    for step in history:
        world.take(step)
    world.drain()
    assert world.server.nodes == world.mirror.nodes
    assert world.server.relationships == world.mirror.relationships


@settings(max_examples=200)
@given(st.lists(RELEASES | st.sampled_from(NAMES), max_size=60), st.booleans())
def test_while_the_server_is_away_it_is_bounded_by_the_region(
    history: list[Release | str], in_flight: bool
) -> None:
    world = World()
    world.put(world.mirror.replace_releases([ready(name) for name in NAMES]))
    taken = 0
    if in_flight:
        batch = world.outbox.take_batch()
        taken = len(batch.entries) if batch else 0
    for step in history:
        world.take(step)
        picture = len(world.mirror.nodes) + len(world.mirror.relationships)
        assert len(world.outbox) <= picture + taken


def node(name: str, label: str = "x") -> UpsertNodes:
    return UpsertNodes(nodes=(FlowNode(id=name, flow_id="flow", label=label, status="running"),))


def test_the_newest_of_a_key_wins_and_its_age_is_the_oldest_s() -> None:
    outbox = Outbox()
    outbox.put(node("a", "old"), now=1.0)
    outbox.put(node("b"), now=2.0)
    outbox.put(node("a", "new"), now=3.0)
    assert (len(outbox), outbox.oldest_since()) == (2, 1.0)
    batch = outbox.take_batch()
    assert batch is not None
    assert node("a", "new") in messages_of(batch)
    assert node("a", "old") not in messages_of(batch)


def test_a_batch_without_an_answer_is_the_same_again_and_news_wait_behind_it() -> None:
    outbox = Outbox()
    outbox.put(node("a", "1"), now=0.0)
    first = outbox.take_batch()
    outbox.put(node("a", "2"), now=1.0)
    assert outbox.take_batch() is first
    assert (len(outbox), outbox.unsettled) == (1, True)
    outbox.accepted()
    second = outbox.take_batch()
    assert second is not None
    assert messages_of(second) == [node("a", "2")]


def test_a_batch_is_in_the_order_that_loses_nothing() -> None:
    mirror, outbox = Mirror(REGION), Outbox()
    for message in mirror.replace_releases([ready("a"), release("b", depends_on=["a", "c"])]):
        outbox.put(message, now=0.0)
    outbox.take_batch()
    outbox.accepted()
    for message in [
        *mirror.remove(ObjectKey("flux-system", "a")),
        *mirror.apply(release("b", depends_on=["a"])),
    ]:
        outbox.put(message, now=1.0)
    batch = outbox.take_batch()
    assert batch is not None
    kinds = [type(message).__name__ for message in messages_of(batch)]
    order = ["DeleteRels", "DeleteNodes", "UpsertNodes", "UpsertRels"]
    assert kinds == sorted(kinds, key=order.index)
    assert set(kinds) == set(order)


def test_a_batch_is_bounded_in_messages_and_in_bytes() -> None:
    many = Outbox()
    for number in range(2 * BATCH_MESSAGES + 1):
        many.put(node(str(number)), now=0.0)
    sizes: list[int] = []
    while (batch := many.take_batch()) is not None:
        sizes.append(len(batch.entries))
        many.accepted()
    assert sizes == [BATCH_MESSAGES, BATCH_MESSAGES, 1]
    large = Outbox()
    for number in range(10):
        large.put(node(str(number), "x" * (BATCH_BYTES // 4)), now=0.0)
    while (batch := large.take_batch()) is not None:
        assert len(batch.body) <= BATCH_BYTES
        large.accepted()


def test_one_message_over_the_bound_still_goes_out_alone() -> None:
    outbox = Outbox()
    outbox.put(node("a", "x" * (BATCH_BYTES + 1)), now=0.0)
    outbox.put(node("b"), now=0.0)
    batch = outbox.take_batch()
    assert batch is not None
    assert len(batch.entries) == 1


def test_a_refused_message_is_dropped_alone_and_not_sent_again_until_it_changes() -> None:
    outbox = Outbox()
    for name in ("a", "b", "c"):
        outbox.put(node(name), now=0.0)
    outbox.take_batch()
    assert outbox.refused(1).key == "b"
    rest = outbox.take_batch()
    assert rest is not None
    assert messages_of(rest) == [node("a"), node("c")]
    outbox.accepted()
    outbox.put(node("b"), now=1.0)
    assert outbox.restart([node("b")], held=(), now=2.0) == 0
    assert outbox.take_batch() is None
    outbox.put(node("b", "other"), now=3.0)
    assert outbox.take_batch() is not None


def test_a_refused_message_that_changed_meanwhile_is_sent() -> None:
    outbox = Outbox()
    outbox.put(node("a", "bad"), now=0.0)
    outbox.take_batch()
    outbox.put(node("a", "good"), now=1.0)
    outbox.refused(0)
    batch = outbox.take_batch()
    assert batch is not None
    assert messages_of(batch) == [node("a", "good")]


def test_a_batch_that_is_too_large_is_halved_down_to_a_message_that_is_dropped() -> None:
    outbox = Outbox()
    for name in ("a", "b", "c"):
        outbox.put(node(name), now=0.0)
    seen: list[int] = []
    dropped: list[object] = []
    while (batch := outbox.take_batch()) is not None:
        seen.append(len(batch.entries))
        entry = outbox.too_large()
        dropped += [entry.key] if entry else []
    assert seen == [3, 1, 2, 1, 1]
    assert dropped == ["a", "b", "c"]


def test_a_deletion_of_what_the_server_never_got_is_not_sent() -> None:
    outbox = Outbox()
    outbox.put(node("a"), now=0.0)
    outbox.put(DeleteNodes(ids=("a",)), now=1.0)
    assert outbox.take_batch() is None
    held = {"a", RelationshipKey("a", "b", "contains")}
    outbox.restart([DeleteNodes(ids=("a",))], held=held, now=2.0)
    assert len(outbox) == 1


def test_a_message_that_no_mirror_sends_is_an_error() -> None:
    snapshot: FlowMessage = Picture().snapshot("flow")
    assert isinstance(snapshot, Snapshot)
    two: FlowMessage = DeleteNodes(ids=("a", "b"))
    for message in (snapshot, two):
        with pytest.raises(ValueError, match="one node or one relationship"):
            Outbox().put(message, now=0.0)
