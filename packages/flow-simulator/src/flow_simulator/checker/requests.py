"""From log lines to requests: a batch, or a DELETE, with all attempts at it and the answers to them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from flow_simulator.checker.entries import Answered, Deleting, Entry, Json, Posting
from flow_simulator.checker.picture import normal_form


@dataclass(frozen=True, kw_only=True)
class Request:
    """One batch or DELETE."""

    name: str
    """Writer and serial of the first attempt, as findings name it."""
    messages: tuple[Json, ...]
    """In normal form; empty for a DELETE."""
    began_ns: int
    attempts: int
    answers: tuple[Answered, ...]

    @property
    def acknowledged(self) -> Answered | None:
        """The first answer that says it was applied."""
        return next((answer for answer in self.answers if answer.accepted), None)

    @property
    def refused(self) -> bool:
        """Whether no attempt can have been applied."""
        return len(self.answers) == self.attempts and all(answer.refused for answer in self.answers)

    @property
    def ended_ns(self) -> float:
        """When it was over: acknowledged, or its last attempt given up; never for one that was cut off."""
        if self.acknowledged is not None:
            return self.acknowledged.at_ns
        answered = len(self.answers) == self.attempts
        return max(answer.at_ns for answer in self.answers) if answered else inf


def requests_of(flow: str, entries: Iterable[Entry]) -> list[Request]:
    """The requests about one flow, by the time of their first attempt; attempts with one key are one."""
    attempts: dict[tuple[str, str], list[Posting | Deleting]] = defaultdict(list)
    answers: dict[tuple[str, int], Answered] = {}
    for entry in entries:
        if isinstance(entry, Posting | Deleting) and entry.flow == flow:
            key = entry.key if isinstance(entry, Posting) else None
            attempts[entry.writer, f"serial {entry.serial}" if key is None else f"key {key}"].append(entry)
        elif isinstance(entry, Answered):
            answers[entry.writer, entry.serial] = entry
    requests = [_request(group, answers) for group in attempts.values()]
    return sorted(requests, key=lambda request: request.began_ns)


def _request(attempts: list[Posting | Deleting], answers: dict[tuple[str, int], Answered]) -> Request:
    attempts.sort(key=lambda attempt: attempt.at_ns)
    first = attempts[0]
    found = [answers.get((attempt.writer, attempt.serial)) for attempt in attempts]
    return Request(
        name=f"{first.writer} #{first.serial}",
        messages=tuple(map(normal_form, first.messages)) if isinstance(first, Posting) else (),
        began_ns=first.at_ns,
        attempts=len(attempts),
        answers=tuple(answer for answer in found if answer is not None),
    )
