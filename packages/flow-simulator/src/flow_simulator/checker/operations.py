"""What was done to a flow, and where in its log each of it can stand.

The checker does not know the server's log. It knows what was asked, what was answered and what readers saw,
and from that for each operation the sequences between which it must stand: `lo < sequence <= hi`. For an
acknowledged message that is one sequence; for a request without an answer almost anything.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf
from typing import Literal

from flow_simulator.checker.entries import Connecting, Disconnected, Entry, Framed, Json
from flow_simulator.checker.picture import fingerprint, fingerprint_of
from flow_simulator.checker.requests import Request, requests_of


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One message, one DELETE, or the loss of all state when an epoch ends."""

    name: str
    kind: Literal["message", "delete", "loss"]
    message: Json | None = None
    unit: int
    """Number of the request; its messages stand together, in order."""
    index: int = 0
    lo: float = 0
    hi: float = inf
    certain: bool
    """Whether it was surely applied."""
    began_ns: int = 0
    ended_ns: float = inf
    epoch: str | None = None

    @property
    def sequence(self) -> int | None:
        """Its sequence, when that is known."""
        return int(self.hi) if self.certain and self.hi == self.lo + 1 else None


@dataclass(frozen=True, kw_only=True)
class History:
    """Everything that the logs tell about one flow."""

    flow: str
    requests: Sequence[Request]
    operations: Sequence[Operation]
    connections: Sequence[Connecting]
    frames: Sequence[Framed]
    """What all readers of the flow got, by time."""
    ends: Sequence[Disconnected]
    """How their connections ended."""
    deletions: Sequence[Operation]
    """The DELETEs that were acknowledged."""
    sequences: Sequence[int]
    """Every sequence that somebody was told of, ascending, each once."""


def history_of(flow: str, entries: Iterable[Entry], *, late_ns: int) -> History:
    """Read the logs for one flow; up to `late_ns` after a request failed a server may still apply it."""
    entries = sorted(entries, key=lambda entry: entry.at_ns)
    requests = requests_of(flow, entries)
    connections = [entry for entry in entries if isinstance(entry, Connecting) and entry.flow == flow]
    ours = {(entry.reader, entry.connection) for entry in connections}
    frames = [
        entry for entry in entries if isinstance(entry, Framed) and (entry.reader, entry.connection) in ours
    ]
    ends = [
        entry
        for entry in entries
        if isinstance(entry, Disconnected) and (entry.reader, entry.connection) in ours
    ]
    acknowledged = {
        answer.seq for request in requests for answer in request.answers if answer.seq is not None
    }
    seen = {frame.id for frame in frames if frame.id is not None and frame.event != "snapshot"}
    sequences = sorted(acknowledged | seen)
    operations = _operations(requests, frames, late_ns=late_ns)
    return History(
        flow=flow,
        requests=requests,
        operations=operations,
        deletions=[one for one in operations if one.kind == "delete" and one.certain],
        connections=connections,
        frames=frames,
        ends=ends,
        sequences=sequences,
    )


def _operations(requests: Sequence[Request], frames: Sequence[Framed], *, late_ns: int) -> list[Operation]:
    seen_at = _where_seen(requests, frames)
    times = _Times(requests, late_ns=late_ns)
    operations: list[Operation] = []
    for unit, request in enumerate(requests):
        if request.refused:
            continue
        if request.messages:
            operations += _messages(unit, request, times, seen_at)
        else:
            operations.append(_delete(unit, request, times))
    return operations + _losses(requests, first_unit=len(requests))


def _messages(unit: int, request: Request, times: "_Times", seen_at: dict[bytes, int]) -> list[Operation]:
    answer = request.acknowledged
    exact = [seen_at.get(fingerprint(message)) for message in request.messages]
    if answer is None or answer.seq is None:
        lo, hi = times.bounds(request)
    else:
        exact[-1] = answer.seq
        lo, hi = times.last_acknowledged_before(answer.seq), answer.seq
    return [
        Operation(
            name=request.name if len(exact) == 1 else f"{request.name}[{index}]",
            kind="message",
            message=message,
            unit=unit,
            index=index,
            lo=lo if sequence is None else sequence - 1,
            hi=hi if sequence is None else sequence,
            certain=answer is not None or sequence is not None,
            began_ns=request.began_ns,
            ended_ns=inf if answer is None else request.ended_ns,
            epoch=None if answer is None else answer.epoch,
        )
        for index, (message, sequence) in enumerate(zip(request.messages, exact, strict=True))
    ]


def _delete(unit: int, request: Request, times: "_Times") -> Operation:
    answer = request.acknowledged
    lo, hi = times.bounds(request)
    return Operation(
        name=f"DELETE of {request.name}",
        kind="delete",
        unit=unit,
        lo=lo,
        hi=hi,
        certain=answer is not None,
        ended_ns=inf if answer is None else request.ended_ns,
    )


def _where_seen(requests: Sequence[Request], frames: Sequence[Framed]) -> dict[bytes, int]:
    """Fingerprint -> sequence, of messages that were posted once and seen under one sequence."""
    posted = Counter(fingerprint(message) for request in requests for message in request.messages)
    seen: dict[bytes, set[int]] = defaultdict(set)
    for data, sequence in {(frame.data, frame.id) for frame in frames if frame.event != "snapshot"}:
        if sequence is not None:
            seen[fingerprint_of(data)].add(sequence)
    return {print_: min(at) for print_, at in seen.items() if len(at) == 1 and posted[print_] == 1}


class _Times:
    """Between which sequences a request stands, by the acknowledgements before and after it."""

    def __init__(self, requests: Sequence[Request], *, late_ns: int) -> None:
        self._late_ns = late_ns
        answers = [
            (request, answer) for request in requests if (answer := request.acknowledged) and answer.seq
        ]
        by_end = sorted((answer.at_ns, answer.seq or 0) for _, answer in answers)
        self._ends = [at for at, _ in by_end]
        self._highest = list(accumulate((seq for _, seq in by_end), max))
        by_start = sorted(
            (request.began_ns, (answer.seq or 0) - len(request.messages)) for request, answer in answers
        )
        self._starts = [at for at, _ in by_start]
        self._lowest = list(accumulate((seq for _, seq in reversed(by_start)), min))[::-1]

        self._acknowledged = sorted(answer.seq or 0 for _, answer in answers)

    def last_acknowledged_before(self, sequence: int) -> int:
        """The end of the batch before the one that ends at `sequence`, as far as known; 0 when none is."""
        at = bisect_left(self._acknowledged, sequence)
        return self._acknowledged[at - 1] if at else 0

    def bounds(self, request: Request) -> tuple[float, float]:
        late_ns = self._late_ns if request.acknowledged is None else 0
        before = bisect_left(self._ends, request.began_ns)
        after = bisect_left(self._starts, request.ended_ns + late_ns)
        lo = self._highest[before - 1] if before else 0
        hi = self._lowest[after] if after < len(self._lowest) else inf
        return lo, hi


def _losses(requests: Sequence[Request], *, first_unit: int) -> list[Operation]:
    """Where the epoch changed, all state may have been lost: an operation that nobody asked for."""
    answers = [(request, answer) for request in requests if (answer := request.acknowledged) and answer.seq]
    answers.sort(key=lambda pair: pair[1].seq or 0)
    return [
        Operation(
            name=f"loss between {before.name} and {after.name}",
            kind="loss",
            unit=first_unit + number,
            lo=old.seq or 0,
            hi=(new.seq or 0) - len(after.messages),
            certain=False,
        )
        for number, ((before, old), (after, new)) in enumerate(pairwise(answers))
        if old.epoch != new.epoch
    ]
