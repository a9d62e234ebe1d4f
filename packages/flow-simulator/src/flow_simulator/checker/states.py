"""Verdicts 1 and 3: each state that somebody was shown is what the history leads to.

Where every operation up to a state has a known sequence, the checker folds them itself and compares
everything, the order included. Elsewhere it compares key by key with what can be there.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import inf

from flow_simulator.checker.entries import Connecting, Framed, Json, SnapshotTaken
from flow_simulator.checker.exact_fold import ExactFold
from flow_simulator.checker.explanation import Effects, Moment
from flow_simulator.checker.finding import Finding, Verdict, name_of, told
from flow_simulator.checker.halves import halves
from flow_simulator.checker.operations import History
from flow_simulator.checker.picture import Picture, fingerprint, fingerprint_of, is_derived

NOTHING: Json = {"type": "snapshot", "nodes": [], "relationships": []}


class States:
    """What states of one flow can be."""

    def __init__(self, history: History) -> None:
        """Learn from the history."""
        self._effects = Effects(history)
        self._exact = ExactFold(history)

    def problems(self, picture: Picture, moment: Moment, *, settled: bool = False) -> Iterator[str]:
        """What is wrong with a state seen at a moment, one sentence each.

        A reader may stand between two messages of a batch; a `settled` state holds batches as a whole.
        """
        expected = self._exact.at(moment.sequence)
        if expected is not None and moment.since_ns == -inf and expected.same_as(picture):
            return
        wrong = [told(one) for one in self._effects.wrong(picture, moment)]
        yield from wrong
        if settled and not wrong:
            yield from halves(self._effects, picture, moment)
        if not wrong and expected is not None:
            yield from _differences_in_order(picture, expected)


def check_final_snapshot(history: History, states: States, taken: SnapshotTaken) -> Iterator[Finding]:
    """Verdict 1. The last acknowledgement must come from the server's life that gave the snapshot."""
    who = "the final snapshot" + ("" if taken.seq is None else f" at {taken.seq}")
    snapshot = NOTHING if taken.body is None else json.loads(taken.body)
    picture = Picture() if taken.body is None else Picture.of(snapshot)
    known = [one for one in history.operations if one.sequence is not None and one.ended_ns < taken.asked_ns]
    last = max(known, key=lambda one: one.hi, default=None)
    sequence = inf if taken.seq is None else max(taken.seq, 0 if last is None else last.hi)
    moment = Moment(sequence=sequence, since_ns=taken.asked_ns)
    problems = [
        *(
            []
            if last is None or sequence == (taken.seq or inf)
            else [f"is older than {last.name} at {last.hi}"]
        ),
        *states.problems(picture, moment, settled=True),
        *_problems_of_form(history.flow, snapshot, picture),
    ]
    for problem in problems:
        yield Finding(verdict=Verdict.SNAPSHOT, flow=history.flow, who=who, problem=problem)


def check_readers(history: History, states: States) -> Iterator[Finding]:
    """Verdict 3: each snapshot a reader got, and what it made of it up to its last frame."""
    frames: dict[str, list[Framed]] = defaultdict(list)
    for frame in history.frames:
        frames[frame.reader].append(frame)
    posted = {
        fingerprint(one.message)
        for one in history.operations
        if one.message is not None and one.message["type"] == "snapshot"
    }
    asked = {(one.reader, one.connection): one for one in history.connections}
    for reader, its in frames.items():
        for problem in _reader_problems(history, states, its, asked, posted):
            yield Finding(verdict=Verdict.READERS, flow=history.flow, who=reader, problem=problem)


def _reader_problems(
    history: History,
    states: States,
    frames: Iterable[Framed],
    asked: dict[tuple[str, int], Connecting],
    posted: set[bytes],
) -> Iterator[str]:
    picture: Picture | None = None
    last: int | None = None
    checked = True
    connection = 0
    for frame in frames:
        message = json.loads(frame.data)
        if frame.connection != connection and asked[frame.reader, frame.connection].rewound:
            picture = None  # it was thrown elsewhere: what it had is no base for what comes now
        connection = frame.connection
        if frame.event != "snapshot":
            if picture is None:
                continue  # verdict 4 says that a first frame must be a snapshot
            picture.fold(message)
            last, checked = frame.id, False
            continue
        if not checked and picture is not None and last is not None:
            yield from _at(last, states.problems(picture, Moment(sequence=last)), "its fold")
        picture, last, checked = Picture.of(message), frame.id, True
        if frame.id is None:
            yield from _without_id(history, picture, asked[frame.reader, frame.connection].at_ns)
        else:
            yield from _at(frame.id, states.problems(picture, Moment(sequence=frame.id)), "the snapshot")
        if fingerprint_of(frame.data) not in posted:  # one that was posted is passed on as it came
            yield from _problems_of_form(history.flow, message, picture)
    if not checked and picture is not None and last is not None:
        yield from _at(last, states.problems(picture, Moment(sequence=last)), "its fold")


def _at(sequence: int, problems: Iterable[str], what: str) -> Iterator[str]:
    return (f"{what} at {sequence}: {problem}" for problem in problems)


def _without_id(history: History, picture: Picture, asked_ns: int) -> Iterator[str]:
    """A snapshot without a sequence is that of a flow nobody has fed, or that is gone again."""
    if picture.keys():
        yield "a snapshot without an id is not empty"
    gone = any(operation.kind != "message" for operation in history.operations)
    before = [operation for operation in history.operations if operation.ended_ns < asked_ns]
    if before and not gone:
        yield f"an empty snapshot without an id, though {before[0].name} was acknowledged before"


def _problems_of_form(flow: str, snapshot: Json, picture: Picture) -> Iterator[str]:
    """What must hold for any snapshot by itself."""
    for name, held in (("nodes", picture.nodes), ("relationships", picture.relationships)):
        if len(snapshot[name]) != len(held):
            yield f"a key stands twice in {name}"
    header = snapshot.get("flow")
    if header is not None and header["id"] != flow:
        yield f"the header is of flow {header['id']!r}"
    if header is not None and is_derived(header) and header["status"] != picture.status():
        yield f"the derived status is {header['status']!r}, its nodes give {picture.status()!r}"


def _differences_in_order(picture: Picture, expected: Picture) -> Iterator[str]:
    for name, shown, wanted in (
        ("nodes", list(picture.nodes), list(expected.nodes)),
        ("relationships", list(picture.relationships), list(expected.relationships)),
    ):
        if set(shown) != set(wanted):
            some = [name_of(key) for key in sorted({*shown} ^ {*wanted})]
            yield f"{name} are not those of the fold: {', '.join(some[:5])}"
        elif shown != wanted:
            at = next(i for i, (one, other) in enumerate(zip(shown, wanted, strict=True)) if one != other)
            yield f"{name} are out of order: {name_of(shown[at])} stands where {name_of(wanted[at])} should"
