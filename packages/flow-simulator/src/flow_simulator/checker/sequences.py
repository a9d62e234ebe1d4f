"""Verdict 2: sequences grow strictly, over all lives of the server, and none is used twice."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from flow_simulator.checker.entries import Answered
from flow_simulator.checker.finding import Finding, Verdict, shortened
from flow_simulator.checker.operations import History
from flow_simulator.checker.picture import fingerprint, fingerprint_of
from flow_simulator.checker.requests import Request

SAFE_INTEGER = 2**53


def check_sequences(history: History) -> Iterator[Finding]:
    """What is wrong with the sequences that writers were answered and readers saw."""
    for who, problem in (
        *_answers(history),
        *_applied_twice(history),
        *_growth(history),
        *_answered_twice(history),
        *_frames_with_one_sequence(history),
        *_acknowledged_and_seen(history),
        *_stored_more_often(history),
    ):
        yield Finding(verdict=Verdict.SEQUENCES, flow=history.flow, who=who, problem=problem)


def _acknowledgements(history: History) -> Iterator[tuple[Request, Answered]]:
    for request in history.requests:
        if request.messages:
            yield from ((request, answer) for answer in request.answers if answer.accepted)


def _answers(history: History) -> Iterator[tuple[str, str]]:
    """Each answer by itself."""
    for request, answer in _acknowledgements(history):
        if answer.seq is None or not 0 < answer.seq < SAFE_INTEGER:
            yield request.name, f"was answered the sequence {answer.seq}"
        if answer.count != len(request.messages):
            yield request.name, f"was answered a count of {answer.count} for {len(request.messages)} messages"


def _applied_twice(history: History) -> Iterator[tuple[str, str]]:
    """A batch has one sequence, but across a DELETE or a loss a server may have forgotten which it had."""
    answered: dict[tuple[str, str], tuple[str, int]] = {}
    for request, answer in _acknowledgements(history):
        name, sequence = answered.get(request.batch, (request.name, answer.seq or 0))
        answered[request.batch] = request.name, answer.seq or 0
        first, second = sorted((sequence, answer.seq or 0))
        forgot = any(
            operation.kind != "message" and operation.lo < second and operation.hi > first
            for operation in history.operations
        )
        if first != second and not forgot:
            yield name, f"one batch was answered different sequences: {first} and {second}"


def _growth(history: History) -> Iterator[tuple[str, str]]:
    """What begins after an answer stands after it, with room for all its messages."""
    answered = [(request, answer.seq or 0, answer.at_ns) for request, answer in _acknowledgements(history)]
    by_end = sorted(answered, key=lambda one: one[2])
    highest, highest_name, done = 0, "", 0
    for request, sequence, _ in sorted(answered, key=lambda one: one[0].began_ns):
        while done < len(by_end) and by_end[done][2] < request.began_ns:
            if by_end[done][1] > highest:
                highest, highest_name = by_end[done][1], by_end[done][0].name
            done += 1
        if sequence < highest + len(request.messages):
            wanted = f"more than {highest} of {highest_name}, which was answered before it began"
            yield (
                request.name,
                f"its last of {len(request.messages)} got the sequence {sequence}, expected {wanted}",
            )


def _answered_twice(history: History) -> Iterator[tuple[str, str]]:
    by_sequence: dict[int, set[str]] = defaultdict(set)
    for request, answer in _acknowledgements(history):
        by_sequence[answer.seq or 0].add(request.name)
    for sequence, names in by_sequence.items():
        if len(names) > 1:
            yield " and ".join(sorted(names)), f"were both answered the sequence {sequence}"


def _frames_with_one_sequence(history: History) -> Iterator[tuple[str, str]]:
    """A message's frame has the same bytes for everybody."""
    first: dict[int, tuple[str, str, str]] = {}
    for frame in history.frames:
        if frame.event == "snapshot" or frame.id is None:
            continue
        reader, event, data = first.setdefault(frame.id, (frame.reader, frame.event, frame.data))
        if (event, data) != (frame.event, frame.data):
            yield (
                frame.reader,
                f"sequence {frame.id} has other bytes than {reader} saw: {frame.data} and {data}",
            )


def _acknowledged_and_seen(history: History) -> Iterator[tuple[str, str]]:
    """What was seen at an acknowledged sequence is the message that got it."""
    last = {
        answer.seq: (request.name, request.messages[-1]) for request, answer in _acknowledgements(history)
    }
    for frame in history.frames:
        if frame.event == "snapshot" or frame.id not in last:
            continue
        name, message = last[frame.id]
        if fingerprint_of(frame.data) != fingerprint(message):
            yield frame.reader, f"saw {frame.data} at {frame.id}, which {name} got for {shortened(message)}"


def _stored_more_often(history: History) -> Iterator[tuple[str, str]]:
    """A message is stored once for each time it was posted; once per batch, however often that was sent.

    Across a DELETE or a loss of state a server may have forgotten which batches it knew.
    """
    forgot = any(operation.kind != "message" for operation in history.operations)
    allowed: Counter[bytes] = Counter()
    for request in history.requests:
        for message in request.messages:
            allowed[fingerprint(message)] += request.attempts if forgot else 1
    seen: dict[bytes, set[int]] = defaultdict(set)
    shown: dict[bytes, str] = {}
    for frame in history.frames:
        if frame.event != "snapshot" and frame.id is not None:
            print_ = fingerprint_of(frame.data)
            seen[print_].add(frame.id)
            shown[print_] = frame.data
    for print_, sequences in seen.items():
        if 0 < allowed[print_] < len(sequences):
            yield (
                "the log",
                f"{shown[print_]} stands at {sorted(sequences)}, but was posted {allowed[print_]} times",
            )
