"""The state at a sequence, folded, as far as the history leaves nothing open."""

from bisect import bisect_right, insort
from collections import defaultdict
from math import inf

from flow_simulator.checker.operations import History, Operation
from flow_simulator.checker.picture import Picture


class ExactFold:
    """Folds what surely happened in the order in which it surely did, from one asked sequence to the next."""

    def __init__(self, history: History) -> None:
        """Learn the order: batches by their last sequence, each in its own order."""
        ends: dict[int, float] = defaultdict(float)
        for operation in history.operations:
            ends[operation.unit] = max(ends[operation.unit], operation.hi)
        ordered = [one for one in history.operations if _has_place(one)]
        self._ordered = sorted(ordered, key=lambda one: (ends[one.unit], one.index))
        self._until = min((one.lo for one in history.operations if not _has_place(one)), default=inf)
        self._asked: list[float] = []
        self._known: dict[float, tuple[Picture, int]] = {}

    def at(self, sequence: float) -> Picture | None:
        """The state at a sequence, not to be changed; `None` when it is not known for sure."""
        if sequence > self._until:
            return None
        before = bisect_right(self._asked, sequence)
        picture, place = self._known[self._asked[before - 1]] if before else (Picture(), 0)
        picture = picture.copied()
        while place < len(self._ordered) and self._ordered[place].hi <= sequence:
            message = self._ordered[place].message
            if message is None:
                picture = Picture()
            else:
                picture.fold(message)
            place += 1
        if place < len(self._ordered) and self._ordered[place].lo < sequence:
            return None
        if sequence not in self._known:
            insort(self._asked, sequence)
        self._known[sequence] = picture, place
        return picture


def _has_place(operation: Operation) -> bool:
    """Whether it surely happened, and is known to stand before or after everything else that did."""
    if operation.kind == "message":
        return operation.certain and operation.hi < inf
    return operation.sequence is not None
