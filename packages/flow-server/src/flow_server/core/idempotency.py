"""Which answers a flow gave to which `Idempotency-Key`, for a while."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

A = TypeVar("A")


class RecentAnswers(Generic[A]):
    """Answers by key, at most `entries`, each for `age_ms`; the caller says what time it is, in Unix ms."""

    def __init__(self, *, entries: int, age_ms: int) -> None:
        """Nothing remembered yet."""
        self._entries = entries
        self._age_ms = age_ms
        self._answers: OrderedDict[str, tuple[int, A]] = OrderedDict()

    def __len__(self) -> int:
        """How many answers are remembered."""
        return len(self._answers)

    def get(self, key: str, *, now_ms: int) -> A | None:
        """The answer given to `key`; `None` when there was none or it is too old."""
        self.forget_old(now_ms)
        remembered = self._answers.get(key)
        return None if remembered is None else remembered[1]

    def put(self, key: str, answer: A, *, now_ms: int) -> None:
        """Remember an answer; the oldest goes when there are too many."""
        self.forget_old(now_ms)
        self._answers[key] = (now_ms, answer)
        self._answers.move_to_end(key)
        while len(self._answers) > self._entries:
            self._answers.popitem(last=False)

    def remembered(self) -> Iterator[tuple[str, int, A]]:
        """Key, time of the answer in Unix ms, and the answer, oldest first; a store may keep them."""
        for key, (at_ms, answer) in self._answers.items():
            yield key, at_ms, answer

    def forget_old(self, now_ms: int) -> None:
        """Drop what is too old."""
        while self._answers:
            key, (at_ms, _) = next(iter(self._answers.items()))
            if now_ms - at_ms < self._age_ms:
                return
            del self._answers[key]


class FlowAnswers(Generic[A]):
    """Recent answers of every flow. A deletion forgets none: a batch sent again after it stays undone."""

    def __init__(self, *, entries: int, age_ms: int) -> None:
        """Nothing remembered yet; the bounds hold for each flow."""
        self._entries = entries
        self._age_ms = age_ms
        self._flows: dict[str, RecentAnswers[A]] = {}

    def get(self, flow_id: str, key: str, *, now_ms: int) -> A | None:
        """The answer given to `key` on this flow, if it is remembered."""
        answers = self._flows.get(flow_id)
        return None if answers is None else answers.get(key, now_ms=now_ms)

    def put(self, flow_id: str, key: str, answer: A, *, now_ms: int) -> None:
        """Remember an answer."""
        answers = self._flows.get(flow_id)
        if answers is None:
            answers = self._flows[flow_id] = RecentAnswers(entries=self._entries, age_ms=self._age_ms)
        answers.put(key, answer, now_ms=now_ms)

    def forget_old(self, *, now_ms: int) -> None:
        """Drop flows of which nothing is remembered any more; worth a call when a flow is deleted."""
        for flow_id, answers in list(self._flows.items()):
            answers.forget_old(now_ms)
            if not answers:
                del self._flows[flow_id]
