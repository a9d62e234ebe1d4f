"""Each fault that a server could have, planted into logs that are right without it, must be found."""

import json
from collections.abc import Callable

import msgspec
import pytest

from flow_simulator.checker import (
    Connecting,
    Entry,
    Finding,
    Framed,
    Posting,
    SnapshotTaken,
    Verdict,
    check,
)
from flow_simulator.checker.picture import Picture

from .model import Model, delete_nodes, node, relationship


def bootstrap() -> Model:
    """Two writers, a reader from the beginning, one that joins late, one that resumes; then a snapshot."""
    model = Model(seed=1)
    model.connect("always")
    model.read("always")
    model.post("w1", node("a", 1), node("b", 2), relationship("a", "b", 3))
    model.post("w2", node("c", 4))
    model.read("always")
    model.connect("late")
    model.connect("resuming")
    model.read("late")
    model.read("resuming")
    model.disconnect("resuming")
    model.post("w1", node("a", 5, status="succeeded"), key="k1")
    model.post("w2", delete_nodes("c"))
    model.post("w2", node("d", 6))
    model.post("w1", node("b", 7))
    model.connect("resuming")
    for reader in ("always", "late", "resuming"):
        model.read(reader)
    return model


def finished(model: Model) -> list[Entry]:
    for reader in model.readers:
        model.read(reader)
    model.take_snapshot()
    return model.entries


def frames_of(entries: list[Entry], reader: str) -> list[int]:
    """Where the reader's message frames are."""
    return [
        at
        for at, entry in enumerate(entries)
        if isinstance(entry, Framed) and entry.reader == reader and entry.event != "snapshot"
    ]


def changed(entry: Entry, **fields: object) -> Entry:
    return msgspec.structs.replace(entry, **fields)


def test_the_story_without_a_fault_raises_no_alarm() -> None:
    assert [str(finding) for finding in check(finished(bootstrap()))] == []


def drop() -> list[Entry]:
    """A reader misses a frame in the middle of its stream."""
    entries = finished(bootstrap())
    del entries[frames_of(entries, "always")[4]]
    return entries


def duplicate() -> list[Entry]:
    """A reader gets a frame twice."""
    entries = finished(bootstrap())
    at = frames_of(entries, "always")[4]
    entries.insert(at + 1, entries[at])
    return entries


def reorder() -> list[Entry]:
    """A reader gets two frames in the wrong order."""
    entries = finished(bootstrap())
    one, other = frames_of(entries, "always")[4:6]
    first, second = entries[one], entries[other]
    entries[one], entries[other] = changed(second, at_ns=first.at_ns), changed(first, at_ns=second.at_ns)
    return entries


def stale_snapshot() -> list[Entry]:
    """The final snapshot is one that was right a while ago, its sequence too."""
    model = bootstrap()
    old, sequence = json.dumps(model.snapshot()), model.sequence
    model.post("w1", node("a", 8, status="failed"))
    entries = finished(model)
    entries[-1] = changed(entries[-1], body=old, seq=sequence)
    return entries


def reused_sequence() -> list[Entry]:
    """A server that lost its state starts its sequences again."""
    model = bootstrap()
    at = model.log[0][0]
    model.restart(loses=True)
    model.sequence = model.floor = at - 1
    model.steps = (1,)
    model.post("w1", node("a", 8))
    model.connect("always")
    return finished(model)


def wrong_base() -> list[Entry]:
    """The snapshot with which a stream begins lacks what was acknowledged before its sequence."""
    entries = finished(bootstrap())
    at = next(
        at
        for at, entry in enumerate(entries)
        if isinstance(entry, Framed) and entry.reader == "late" and entry.event == "snapshot"
    )
    frame = entries[at]
    assert isinstance(frame, Framed)
    base = json.loads(frame.data)
    base["nodes"] = base["nodes"][1:]
    entries[at] = changed(entries[at], data=json.dumps(base))
    return entries


def never_posted() -> list[Entry]:
    """A reader sees a message out of nowhere."""
    entries = finished(bootstrap())
    at = frames_of(entries, "always")[-1]
    frame = entries[at]
    assert isinstance(frame, Framed)
    assert frame.id is not None
    entries.insert(at + 1, changed(frame, id=frame.id + 1, data=json.dumps(node("x", 99))))
    return entries


def epoch_without_loss() -> list[Entry]:
    """The server says that it may have lost state, and has lost nothing."""
    model = bootstrap()
    model.restart(loses=False)
    model.epoch += 1
    model.post("w1", node("e", 8))
    for reader in model.readers:
        model.connect(reader)
    return finished(model)


def loss_without_epoch() -> list[Entry]:
    """The server lost its state and does not say so."""
    model = bootstrap()
    model.restart(loses=True)
    model.epoch -= 1
    model.post("w1", node("e", 8))
    for reader in model.readers:
        model.connect(reader)
    return finished(model)


def gap_on_resume() -> list[Entry]:
    """A reader that comes back gets what is after its cursor, but for the first of it."""
    entries = finished(bootstrap())
    del entries[frames_of(entries, "resuming")[0]]
    return entries


TEN_FAULTS: list[tuple[Callable[[], list[Entry]], Verdict, str]] = [
    (drop, Verdict.RESUMES, "missing"),
    (duplicate, Verdict.RESUMES, "came twice"),
    (reorder, Verdict.RESUMES, "came after"),
    (stale_snapshot, Verdict.SNAPSHOT, "node 'a'"),
    (reused_sequence, Verdict.SEQUENCES, "got the sequence"),
    (wrong_base, Verdict.READERS, "node 'a' of 'bootstrap' is absent, expected"),
    (never_posted, Verdict.ORIGINS, "nobody posted"),
    (epoch_without_loss, Verdict.ORIGINS, "nothing was lost"),
    (loss_without_epoch, Verdict.SNAPSHOT, "is absent, expected"),
    (gap_on_resume, Verdict.RESUMES, "after Last-Event-ID"),
]


def found(entries: list[Entry], verdict: Verdict, words: str) -> list[Finding]:
    return [finding for finding in check(entries) if finding.verdict is verdict and words in finding.problem]


@pytest.mark.parametrize(
    ("fault", "verdict", "words"), TEN_FAULTS, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_planted_fault_is_found(fault: Callable[[], list[Entry]], verdict: Verdict, words: str) -> None:
    assert found(fault(), verdict, words)


def test_an_acknowledged_message_that_had_no_effect_is_named_with_its_writer_and_sequence() -> None:
    model = bootstrap()
    before = Picture.of(model.snapshot())
    sequence = model.post("w1", node("a", 8, status="failed"))
    model.picture = before
    model.log.pop()
    entries = finished(model)
    name = next(f"w1 #{entry.serial}" for entry in reversed(entries) if isinstance(entry, Posting))
    assert found(entries, Verdict.SNAPSHOT, f"({name} at {sequence})")


def test_a_request_without_an_answer_that_left_half_of_its_batch_is_found() -> None:
    model = bootstrap()
    request = model.begin("w1", node("x", 8), node("y", 9))
    model.apply(request)
    model.fail(request)
    model.read("always")
    model.post("w2", node("z", 10))
    model.picture.nodes = {key: value for key, value in model.picture.nodes.items() if key.id != "x"}
    assert found(finished(model), Verdict.SNAPSHOT, "node 'x' of 'bootstrap' is absent, expected")


def test_half_of_an_unseen_batch_without_an_answer_is_found() -> None:
    model = bootstrap()
    request = model.begin("w1", node("x", 8), node("y", 9))
    model.apply(request)
    model.fail(request)
    model.fall_out()
    model.picture.nodes = {key: value for key, value in model.picture.nodes.items() if key.id != "x"}
    model.post("w2", node("z", 10))
    assert found(finished(model), Verdict.SNAPSHOT, "half of")


def test_a_batch_stored_twice_under_one_key_is_found() -> None:
    model = bootstrap()
    first = model.begin("w1", node("x", 8), key="k2")
    model.apply(first)
    model.fail(first)
    model.keys.clear()
    model.post("w1", node("x", 8), key="k2")
    assert found(finished(model), Verdict.SEQUENCES, "but was posted 1 times")


def test_two_answers_to_one_key_that_differ_are_found() -> None:
    model = bootstrap()
    model.post("w1", node("x", 8), key="k2")
    model.keys.clear()
    model.post("w1", node("x", 8), key="k2")
    assert found(finished(model), Verdict.SEQUENCES, "one batch was answered different sequences")


def test_a_sequence_that_two_requests_were_answered_is_found() -> None:
    model = bootstrap()
    first, second = model.begin("w1", node("x", 8)), model.begin("w2", node("y", 9))
    model.apply(first)
    answer = model.apply(second)
    model.answer(first, answer)
    model.answer(second, answer)
    assert found(finished(model), Verdict.SEQUENCES, "were both answered the sequence")


def test_an_answer_with_too_little_room_for_its_batch_is_found() -> None:
    model = bootstrap()
    request = model.begin("w1", node("x", 8), node("y", 9))
    model.answer(request, (model.sequence + 1, 2))
    assert found(finished(model), Verdict.SEQUENCES, "its last of 2 got the sequence")


def test_an_answer_with_a_wrong_count_is_found() -> None:
    model = bootstrap()
    request = model.begin("w1", node("x", 8), node("y", 9))
    model.answer(request, (model.apply(request)[0], 1))
    assert found(finished(model), Verdict.SEQUENCES, "a count of 1 for 2 messages")


def test_other_bytes_for_another_reader_are_found() -> None:
    entries = finished(bootstrap())
    at = frames_of(entries, "late")[-1]
    frame = entries[at]
    assert isinstance(frame, Framed)
    entries[at] = changed(frame, data=frame.data.replace('"mark": 7', '"mark":7'))
    assert found(entries, Verdict.SEQUENCES, "other bytes")


def test_another_message_than_the_acknowledged_one_is_found() -> None:
    entries = finished(bootstrap())
    frame = entries[frames_of(entries, "late")[-1]]
    assert isinstance(frame, Framed)
    for at, entry in enumerate(entries):
        if isinstance(entry, Framed) and entry.id == frame.id and entry.event != "snapshot":
            entries[at] = changed(entry, data=json.dumps(node("a", 1)))
    assert found(entries, Verdict.SEQUENCES, "for {")


def test_a_message_of_a_batch_that_no_reader_got_is_found() -> None:
    model = bootstrap()
    model.post("w1", node("x", 8), node("y", 9), node("z", 10))
    del model.log[-2]
    assert found(finished(model), Verdict.RESUMES, "is not whole or not in order")


def test_a_batch_in_another_order_is_found() -> None:
    model = bootstrap()
    model.post("w1", node("x", 8), node("y", 9), node("z", 10))
    (one, first), (other, second) = model.log[-3:-1]
    model.log[-3:-1] = [(one, second), (other, first)]
    assert found(finished(model), Verdict.RESUMES, "is not whole or not in order")


def test_a_refused_message_that_is_seen_is_found() -> None:
    model = bootstrap()
    request = model.begin("w1", node("x", 8))
    model.apply(request)
    model.fail(request, status=400)
    findings = check(finished(model))
    assert any("which was refused" in finding.problem for finding in findings)
    assert any(finding.verdict is Verdict.SNAPSHOT for finding in findings)


def test_a_state_that_comes_back_after_its_deletion_is_found() -> None:
    model = bootstrap()
    picture = model.picture
    model.delete()
    model.picture, model.fed = picture, True
    model.post("w1", node("x", 8))
    for reader in model.readers:
        model.connect(reader)
    findings = check(finished(model))
    assert {finding.verdict for finding in findings} >= {Verdict.SNAPSHOT, Verdict.READERS}


def test_a_cursor_from_before_a_deletion_that_is_replayed_is_found() -> None:
    model = bootstrap()
    log, floor = model.log, model.floor
    model.delete()
    model.post("w1", node("x", 8))
    model.log, model.floor = [*log, *model.log], floor
    model.connect("always")
    assert found(finished(model), Verdict.RESUMES, "across DELETE")


def test_nodes_out_of_order_are_found() -> None:
    model = bootstrap()
    model.picture.nodes = dict(reversed(model.picture.nodes.items()))
    assert found(finished(model), Verdict.SNAPSHOT, "nodes are out of order")


def test_a_wrong_derived_status_is_found() -> None:
    entries = finished(bootstrap())
    taken = entries[-1]
    assert isinstance(taken, SnapshotTaken)
    assert taken.body is not None
    body = json.loads(taken.body)
    body["flow"]["status"] = "succeeded"
    entries[-1] = changed(taken, body=json.dumps(body))
    assert found(entries, Verdict.SNAPSHOT, "the derived status is 'succeeded', its nodes give 'running'")


def test_a_key_that_stands_twice_in_a_snapshot_is_found() -> None:
    entries = finished(bootstrap())
    taken = entries[-1]
    assert isinstance(taken, SnapshotTaken)
    assert taken.body is not None
    body = json.loads(taken.body)
    body["nodes"].append(body["nodes"][0])
    entries[-1] = changed(taken, body=json.dumps(body))
    assert found(entries, Verdict.SNAPSHOT, "a key stands twice in nodes")


def test_an_acknowledged_flow_that_is_gone_is_found() -> None:
    entries = finished(bootstrap())
    entries[-1] = changed(entries[-1], body=None, seq=None)
    assert found(entries, Verdict.SNAPSHOT, "is absent, expected")


def test_a_snapshot_below_the_cursor_is_found() -> None:
    model = bootstrap()
    model.connect("late")
    model.readers["late"].fresh = True
    model.read("late", frames=1)
    last = model.entries[-1]
    assert isinstance(last, Framed)
    assert last.id is not None
    model.entries[-1] = changed(last, id=last.id - 1)
    assert found(finished(model), Verdict.RESUMES, "expected a higher one")


def test_a_stream_that_begins_without_a_snapshot_is_found() -> None:
    model = bootstrap()
    model.connect("new")
    model.readers["new"].fresh = False
    model.readers["new"].position = model.log[0][0]
    assert found(finished(model), Verdict.RESUMES, "expected a snapshot")


def test_an_empty_snapshot_of_a_flow_that_was_fed_is_found() -> None:
    model = bootstrap()
    picture = model.picture
    model.connect("new")
    model.fed, model.picture = False, Picture()
    model.read("new", frames=1)
    model.fed, model.picture = True, picture
    assert found(finished(model), Verdict.READERS, "was acknowledged before")


def test_an_epoch_that_comes_back_is_found() -> None:
    model = bootstrap()
    for epoch in (2, 1):
        model.epoch = epoch
        model.post("w1", node("x", 7 + epoch))
    assert found(finished(model), Verdict.ORIGINS, "came back after another one")


def test_findings_name_flow_and_reader() -> None:
    (finding, *_) = found(drop(), Verdict.RESUMES, "missing")
    assert str(finding).startswith("resumes of flow bootstrap: always: ")


def test_another_flow_is_another_history() -> None:
    entries = finished(bootstrap())
    model = bootstrap()
    model.post("w1", node("a", 8, status="failed"))
    for entry in finished(model):
        if isinstance(entry, Posting | Connecting | SnapshotTaken):
            entry = changed(entry, flow="other")  # noqa: PLW2901
        for name in ("writer", "reader"):
            if hasattr(entry, name):
                entry = changed(entry, **{name: f"other {getattr(entry, name)}"})  # noqa: PLW2901
        entries.append(entry)
    # The other flow's snapshots name the wrong flow; the first flow stays as right as it was.
    assert {finding.flow for finding in check(entries)} == {"other"}


def test_a_reader_that_is_thrown_to_any_cursor_is_held_to_what_comes_after_it() -> None:
    model = bootstrap()
    for sequence, _ in [*model.log]:
        model.connect("late", to=sequence)
        model.read("late")
    entries = finished(model)
    assert [str(finding) for finding in check(entries)] == []
    # The last throws left it two frames, one and none: without the first of the two there is a gap.
    del entries[frames_of(entries, "late")[-3]]
    assert found(entries, Verdict.RESUMES, "missing")


def test_a_reader_that_claims_a_cursor_it_never_had_is_found() -> None:
    model = bootstrap()
    model.connect("late", to=model.log[0][0])
    entries = finished(model)
    at = next(at for at, entry in enumerate(entries) if isinstance(entry, Connecting) and entry.rewound)
    entries[at] = changed(entries[at], rewound=False)
    assert found(entries, Verdict.RESUMES, "asked for what is after")


@pytest.mark.parametrize(("late_s", "verdicts"), [(5.0, {Verdict.READERS}), (20.0, set[Verdict]())])
def test_a_delete_that_failed_may_be_applied_as_late_as_is_said_and_no_later(
    late_s: float, verdicts: set[Verdict]
) -> None:
    model = bootstrap()
    model.delete(answered=False, applied=False)
    model.now += 10_000_000_000
    model.post("w1", node("lost", 8))
    model.remove()
    model.post("w1", node("x", 9))
    model.connect("late")
    findings = check(finished(model), late_s=late_s)
    assert {finding.verdict for finding in findings} >= verdicts
    assert bool(findings) == bool(verdicts), findings
