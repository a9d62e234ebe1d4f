"""A flow with its readers: whatever the cursor and the pauses, a reader ends with the writer's state."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flow_contract import FlowNode, UpsertNodes, decode_message, encode_message
from flow_server.core.envelope import Envelope
from flow_server.core.fold import FlowState
from flow_server.flow import CHUNK_BYTES, SNAPSHOTS_IN_FLIGHT, Flow, RingBounds
from flow_server.store import Restored


def _envelope(sequence: int, *, node: int, pad: int = 0) -> Envelope:
    value = FlowNode(id=f"n{node}", flow_id="f", label="l", status=f"s{sequence}", meta={"pad": "x" * pad})
    message = UpsertNodes(nodes=(value,))
    return Envelope(sequence=sequence, at_ms=sequence * 10, encoded=encode_message(message), message=message)


def _flow(*, entries: int = 4, size_bytes: int = 10**9, floor: int = 100) -> Flow:
    return Flow("f", floor=floor, first_at_ms=1000, bounds=RingBounds(entries=entries, size_bytes=size_bytes))


def _fold_wire(state: FlowState, wire: bytes) -> list[tuple[str, int]]:
    seen: list[tuple[str, int]] = []
    for frame in wire.decode().split("\n\n")[:-1]:
        event, sequence, data = (line.split(": ", 1)[1] for line in frame.split("\n"))
        state.fold(decode_message(data.encode()))
        seen.append((event, int(sequence)))
    return seen


_batches = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.booleans()), min_size=1, max_size=40)


@given(batches=_batches, entries=st.integers(1, 6), start=st.none() | st.integers(90, 130))
def test_a_reader_ends_with_the_writers_state_whatever_its_cursor_and_pauses(
    batches: list[tuple[int, int, bool]], entries: int, start: int | None
) -> None:
    flow = _flow(entries=entries)
    reader, cursor = FlowState(), None
    sequences: list[int] = []
    seen: list[tuple[str, int]] = []
    last = 100
    for step, node, reads in [*batches, (1, 0, True)]:
        last += step
        flow.apply([_envelope(last, node=node)])
        sequences.append(last)
        while reads and cursor != flow.last:
            chunk = None if cursor is None else flow.frames_after(cursor)
            chunk = chunk or flow.snapshot_frame()
            seen += _fold_wire(reader, chunk.wire)
            cursor = chunk.cursor
    assert reader.image().nodes == flow.state.image().nodes
    ids = [sequence for _, sequence in seen]
    assert ids == sorted(set(ids)), "ids only grow"
    for (_, before), (event, after) in pairwise(seen):
        skipped = [sequence for sequence in sequences if before < sequence < after]
        assert not skipped or event == "snapshot", "a gap only before a snapshot"
    if start is not None and flow.floor <= start < flow.last:
        replay = flow.frames_after(start)
        assert replay is not None
        assert [id_ for _, id_ in _fold_wire(FlowState(), replay.wire)] == [s for s in sequences if s > start]


@given(count=st.integers(1, 30), entries=st.integers(1, 8), limit=st.integers(1, 8))
def test_history_from_the_base_on_leads_to_the_state(count: int, entries: int, limit: int) -> None:
    flow = _flow(entries=entries)
    for number in range(count):
        flow.apply([_envelope(101 + number, node=number % 5)])
    state, after, pages = FlowState(), None, 0
    while True:
        lines = flow.history(after, limit=limit)
        if pages == 0:
            assert lines[0].seq == flow.floor
        for line in lines:
            state.fold(decode_message(bytes(line.message)))
            after = line.seq
        pages += 1
        if after == flow.last:
            break
    assert state.image().nodes == flow.state.image().nodes
    assert flow.history(flow.last, limit=limit) == []


def test_history_lines_carry_the_time_of_receipt() -> None:
    flow = _flow(entries=2)
    for number in range(3):
        flow.apply([_envelope(101 + number, node=number)])
    assert [(line.seq, line.at) for line in flow.history(None, limit=10)] == [
        (101, 1010),
        (102, 1020),
        (103, 1030),
    ]


def test_readers_at_one_cursor_share_the_joined_bytes() -> None:
    flow = _flow(entries=100)
    for number in range(3):
        flow.apply([_envelope(101 + number, node=number)])
    first, again = flow.frames_after(100), flow.frames_after(100)
    assert first is again
    assert flow.snapshot_frame() is flow.snapshot_frame()


def test_a_chunk_stays_within_its_bound_unless_one_frame_is_larger() -> None:
    flow = _flow(entries=100)
    for number in range(9):
        flow.apply([_envelope(101 + number, node=number, pad=CHUNK_BYTES // 4)])
    flow.apply([_envelope(110, node=1, pad=CHUNK_BYTES * 2)])
    cursor, sizes = 100, list[int]()
    while cursor != flow.last:
        chunk = flow.frames_after(cursor)
        assert chunk is not None
        assert chunk.cursor is not None
        assert len(chunk.wire) <= CHUNK_BYTES or chunk.frames == 1
        sizes.append(chunk.frames)
        cursor = chunk.cursor
    assert sizes == [3, 3, 3, 1]


def test_slow_readers_keep_few_versions_of_a_snapshot_alive() -> None:
    flow = _flow(entries=1000)
    held = list[Any]()
    for number in range(50):
        flow.apply([_envelope(101 + number, node=number)])
        held.append(flow.snapshot_frame())
    assert len({id(chunk) for chunk in held}) == SNAPSHOTS_IN_FLIGHT
    newest = held[-1]
    rest = flow.frames_after(newest.cursor)
    assert rest is not None
    reader = FlowState()
    _fold_wire(reader, newest.wire + rest.wire)
    assert reader.image().nodes == flow.state.image().nodes
    held.clear()
    del newest, rest
    assert flow.snapshot_frame().cursor == flow.last


@given(count=st.integers(1, 20), entries=st.integers(1, 8), later=st.integers(0, 8))
def test_a_restored_flow_is_the_flow(count: int, entries: int, later: int) -> None:
    flow = _flow(entries=entries)
    log = [_envelope(101 + number, node=number % 5) for number in range(count + later)]
    for envelope in log[:count]:
        flow.apply([envelope])
    checkpoint = flow.checkpoint()
    for envelope in log[count:]:
        flow.apply([envelope])
    kept = tuple(
        Envelope(sequence=envelope.sequence, at_ms=envelope.at_ms, encoded=envelope.encoded)
        for envelope in log
        if envelope.sequence > checkpoint.base_sequence
    )
    restored = Flow.restored(
        Restored(flow_id="f", checkpoint=checkpoint, envelopes=kept),
        bounds=RingBounds(entries=entries, size_bytes=10**9),
    )
    assert (restored.floor, restored.last, restored.first_at_ms) == (flow.floor, flow.last, flow.first_at_ms)
    assert json.loads(restored.snapshot()) == json.loads(flow.snapshot())
    assert restored.history(None, limit=100) == flow.history(None, limit=100)
