"""Verdict 4: after a cursor come exactly the messages after it, no gap, none twice, or one snapshot."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from flow_simulator.checker.entries import Connecting, Framed
from flow_simulator.checker.finding import Finding, Verdict
from flow_simulator.checker.operations import History
from flow_simulator.checker.picture import fingerprint, fingerprint_of


def check_resumes(history: History) -> Iterator[Finding]:
    """What is wrong with the order and completeness of each reader's frames."""
    frames: dict[tuple[str, int], list[Framed]] = defaultdict(list)
    for frame in history.frames:
        frames[frame.reader, frame.connection].append(frame)
    for end in history.ends:
        if end.malformed:
            yield _finding(history, end.reader, end.reason)
    batches = _Batches(history)
    runs: dict[str, list[Framed]] = defaultdict(list)
    seen: dict[str, int | None] = defaultdict(lambda: None)
    for connection in history.connections:
        its = frames.get((connection.reader, connection.connection), [])
        asked, last = connection.last_event_id, seen[connection.reader]
        rewound_to = asked if connection.rewound else None
        if connection.rewound:
            runs[connection.reader].clear()
        if asked not in {None, last} and not connection.rewound:
            yield _finding(history, connection.reader, f"asked for what is after {asked}, has seen {last}")
        seen[connection.reader] = next((frame.id for frame in reversed(its) if frame.id is not None), asked)
        for problem in _connection_problems(history, connection, its):
            yield _finding(history, connection.reader, problem)
        for frame in its:
            if frame.event == "snapshot":
                runs[connection.reader].clear()
            runs[connection.reader].append(frame)
            if problem := batches.problem(frame, runs[connection.reader], rewound_to):
                yield _finding(history, connection.reader, problem)


def _finding(history: History, reader: str, problem: str) -> Finding:
    return Finding(verdict=Verdict.RESUMES, flow=history.flow, who=reader, problem=problem)


def _connection_problems(history: History, connection: Connecting, frames: Sequence[Framed]) -> Iterator[str]:
    cursor = connection.last_event_id
    if cursor is None and frames and frames[0].event != "snapshot":
        yield f"the first frame of a new stream is {frames[0].event} {frames[0].id}, expected a snapshot"
        cursor = frames[0].id
    after = f"after Last-Event-ID {cursor}" if connection.last_event_id is not None else "in a new stream"
    previous: Framed | None = None
    for frame in frames:
        if frame.event == "snapshot":
            yield from _snapshot_problems(frame, cursor, previous)
        elif frame.id is None:
            yield f"a frame {frame.event} without an id"
        elif cursor is not None:
            yield from _message_problems(history, frame.id, cursor, after)
        elif previous is not None:
            yield from _problems_after_nothing(history, frame.id, previous)
        cursor = frame.id if frame.id is not None or frame.event == "snapshot" else cursor
        previous = frame
        after = f"after {cursor}"


def _snapshot_problems(frame: Framed, cursor: int | None, previous: Framed | None) -> Iterator[str]:
    if frame.id is None:
        if previous is not None:
            yield "a snapshot without an id in the middle of a stream"
        return
    if cursor is not None and frame.id < cursor:
        yield f"a snapshot at {frame.id} after the cursor {cursor}, expected a higher one"
    if previous is not None and previous.event == "snapshot" and previous.id == frame.id:
        yield f"the snapshot at {frame.id} twice"


def _message_problems(history: History, sequence: int, cursor: int, after: str) -> Iterator[str]:
    if sequence == cursor:
        yield f"{sequence} came twice"
        return
    if sequence < cursor:
        yield f"{sequence} came after {cursor}"
        return
    following = bisect_right(history.sequences, cursor)
    missed: list[int] = []
    while following < len(history.sequences) and history.sequences[following] < sequence:
        missed.append(history.sequences[following])
        following += 1
    if missed:
        more = f" and {len(missed) - 5} more" if len(missed) > 5 else ""
        listed = ", ".join(map(str, missed[:5]))
        yield f"{sequence} came {after}, missing {listed}{more}"
    for operation in history.deletions:
        if cursor <= operation.lo and operation.hi < sequence:
            yield f"{sequence} came {after} without a snapshot, across {operation.name}"


def _problems_after_nothing(history: History, sequence: int, empty: Framed) -> Iterator[str]:
    """After the snapshot of a flow that nobody had fed comes the first message that is posted then."""
    missed = [
        str(operation.sequence)
        for operation in history.operations
        if operation.sequence is not None and operation.began_ns > empty.at_ns and operation.hi < sequence
    ]
    if missed:
        yield f"{sequence} came after an empty snapshot, missing {', '.join(missed[:5])}"


class _Batches:
    """The batches that were acknowledged, by the sequence that closes them: their frames stand together."""

    def __init__(self, history: History) -> None:
        self._closed_by: dict[int, tuple[str, list[bytes]]] = {}
        for request in history.requests:
            answer = request.acknowledged
            if answer is not None and answer.seq is not None and request.messages:
                self._closed_by[answer.seq] = request.name, [fingerprint(one) for one in request.messages]

    def problem(self, frame: Framed, run: Sequence[Framed], rewound_to: int | None) -> str | None:
        """What is wrong with the batch that a frame closes, given all frames since the last snapshot.

        Without one, the run begins after `rewound_to`.
        """
        if frame.event == "snapshot" or frame.id not in self._closed_by:
            return None
        name, wanted = self._closed_by[frame.id]
        tail = [one for one in run[-len(wanted) :] if one.event != "snapshot"]
        found = [fingerprint_of(one.data) for one in tail]
        # A snapshot, or a chosen cursor, may stand within a batch, except at a sequence that closes one; an
        # empty snapshot has no sequence, and stands before all batches.
        start = run[0].id if run[0].event == "snapshot" else rewound_to
        may_begin_within = start is not None and start not in self._closed_by
        if found == wanted or (may_begin_within and found == wanted[-len(found) :]):
            return None
        return f"the batch of {name}, closed by {frame.id}, is not whole or not in order"
