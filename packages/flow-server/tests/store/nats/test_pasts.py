"""What restored flows still lack, in its order, and the base that it lends to checkpoints."""

import asyncio

from flow_server.core.fold import FlowState
from flow_server.store import Checkpoint
from flow_server.store.nats.pasts import Past, Pasts


def checkpoint(*, sequence: int, base: int) -> Checkpoint:
    image = FlowState().image()
    return Checkpoint(
        sequence=sequence,
        first_at_ms=1,
        at_ms=1000 + sequence,
        state=image,
        base_sequence=base,
        base_at_ms=1000 + base,
        base=image,
    )


def past(flow_id: str = "f", *, sequence: int = 50, base: int = 10) -> Past:
    return Past(flow_id=flow_id, last=sequence, checkpoint=checkpoint(sequence=sequence, base=base))


async def test_the_first_stays_until_it_is_done_and_then_comes_the_next() -> None:
    pasts, one, other = Pasts(), past("f"), past("g")
    pasts.add(one)
    pasts.add(other)
    assert await pasts.first() is one
    assert await pasts.first() is one
    pasts.done(one)
    assert await pasts.first() is other


async def test_one_that_is_postponed_lets_the_others_pass() -> None:
    pasts, one, other = Pasts(), past("f"), past("g")
    pasts.add(one)
    pasts.add(other)
    pasts.postpone(one)
    assert await pasts.first() is other
    pasts.done(other)
    assert await pasts.first() is one


async def test_whoever_waits_for_one_hears_of_the_next_that_comes() -> None:
    pasts = Pasts()
    waiting = asyncio.ensure_future(pasts.first())
    await asyncio.sleep(0)
    assert not waiting.done()
    pasts.add(past())
    assert (await waiting).flow_id == "f"


async def test_a_flow_restored_again_lacks_only_what_its_newest_checkpoint_lacks() -> None:
    pasts, old, new = Pasts(), past(sequence=50), past(sequence=80)
    pasts.add(old)
    pasts.add(new)
    pasts.done(old)
    assert await pasts.first() is new
    pasts.postpone(old)
    assert await pasts.first() is new


def test_a_checkpoint_of_a_flow_that_lacks_its_past_begins_where_the_past_does() -> None:
    pasts = Pasts()
    pasts.add(past(sequence=50, base=10))
    completed = pasts.completed("f", checkpoint(sequence=70, base=50))
    assert (completed.base_sequence, completed.base_at_ms) == (10, 1010)
    assert (completed.sequence, completed.at_ms) == (70, 1070)


def test_a_checkpoint_stays_as_it_is_when_nothing_lacks_or_the_past_would_not_fit() -> None:
    pasts, whole = Pasts(), checkpoint(sequence=70, base=50)
    assert pasts.completed("f", whole) is whole
    fetched = past(sequence=50)
    pasts.add(fetched)
    assert pasts.completed("g", whole) is whole
    evicted = checkpoint(sequence=70, base=51)
    assert pasts.completed("f", evicted) is evicted
    pasts.done(fetched)
    assert pasts.completed("f", whole) is whole
