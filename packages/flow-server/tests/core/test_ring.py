"""The ring against a plain list of everything that was ever appended."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_server.core.envelope import Envelope
from flow_server.core.ring import Frame, Ring, frame_of


def _frame(sequence: int, *, pad: int = 0) -> Frame:
    encoded = b'{"type":"delete-nodes","ids":["%b"]}' % (b"x" * (pad + 1))
    return frame_of(Envelope(sequence=sequence, at_ms=sequence, encoded=encoded))


_steps = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 400)), max_size=60)


@given(
    steps=_steps,
    entries=st.integers(1, 12),
    size_bytes=st.integers(1, 3000),
    floor=st.integers(0, 10**6),
    limit=st.integers(1, 20),
    limit_bytes=st.none() | st.integers(1, 1500),
    data=st.data(),
)
def test_a_ring_holds_exactly_the_newest_frames_within_both_bounds(
    steps: list[tuple[int, int]],
    entries: int,
    size_bytes: int,
    floor: int,
    limit: int,
    limit_bytes: int | None,
    data: st.DataObject,
) -> None:
    ring = Ring(entries=entries, size_bytes=size_bytes, floor=floor)
    everything: list[Frame] = []
    gone: list[Frame] = []
    sequence = floor
    for step, pad in steps:
        sequence += step
        frame = _frame(sequence, pad=pad)
        everything.append(frame)
        gone += ring.extend([frame])
        kept = everything[len(gone) :]
        assert gone == everything[: len(gone)], "evicted oldest first, each once"
        assert len(ring) == len(kept) <= entries
        assert ring.used_bytes == sum(len(each.wire) for each in kept) <= size_bytes
        assert ring.last == sequence
        assert ring.floor == (gone[-1].sequence if gone else floor)

    cursor = data.draw(st.integers(max(0, floor - 3), sequence + 3))
    after = ring.after(cursor, limit=limit, limit_bytes=limit_bytes)
    if not ring.floor <= cursor <= ring.last:
        assert after is None
        return
    expected = [frame for frame in everything[len(gone) :] if frame.sequence > cursor][:limit]
    assert after is not None
    assert after == expected[: len(after)]
    if limit_bytes is None:
        assert after == expected
    elif expected:
        taken = sum(len(frame.wire) for frame in after)
        assert len(after) == 1 or taken <= limit_bytes
        more = expected[len(after) : len(after) + 1]
        assert all(taken + len(frame.wire) > limit_bytes for frame in more), "stops no earlier than it must"


@given(
    steps=_steps,
    entries=st.integers(1, 12),
    size_bytes=st.integers(1, 3000),
    cuts=st.sets(st.integers(0, 60)),
)
def test_many_frames_at_once_are_the_same_as_one_after_the_other(
    steps: list[tuple[int, int]], entries: int, size_bytes: int, cuts: set[int]
) -> None:
    frames: list[Frame] = []
    for step, pad in steps:
        frames.append(_frame((frames[-1].sequence if frames else 0) + step, pad=pad))
    one, many = (Ring(entries=entries, size_bytes=size_bytes, floor=0) for _ in range(2))
    evicted = [left for frame in frames for left in one.extend([frame])]
    at_once: list[Frame] = []
    bounds = [0, *sorted(cuts), len(frames)]
    for start, end in pairwise(bounds):
        at_once += many.extend(frames[start:end])
    assert at_once == evicted
    assert many.after(many.floor, limit=1000) == one.after(one.floor, limit=1000)
    assert (many.floor, many.last, many.used_bytes) == (one.floor, one.last, one.used_bytes)


def test_a_bad_sequence_among_many_adds_none_of_them() -> None:
    ring = Ring(entries=4, size_bytes=10_000, floor=0)
    ring.extend([_frame(1)])
    with pytest.raises(ValueError, match="5 is not above 5"):
        ring.extend([_frame(5), _frame(5)])
    assert (ring.last, len(ring), ring.used_bytes) == (1, 1, len(_frame(1).wire))


def test_a_sequence_that_does_not_grow_is_refused() -> None:
    ring = Ring(entries=4, size_bytes=1000, floor=7)
    with pytest.raises(ValueError, match="7 is not above 7"):
        ring.extend([_frame(7)])


def test_a_frame_gives_back_the_message_it_was_made_of() -> None:
    encoded = b'{"type":"upsert-flow","flow":{"id":"f","status":"s"}}'
    frame = frame_of(Envelope(sequence=5, at_ms=1, encoded=encoded))
    assert frame.wire == b"event: upsert-flow\nid: 5\ndata: " + encoded + b"\n\n"
    assert frame.encoded == encoded
