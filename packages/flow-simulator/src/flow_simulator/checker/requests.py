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
    batch: tuple[str, str]
    """Equal for requests that are one batch sent again."""
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
    batches: dict[tuple[str, str], list[Posting | Deleting]] = defaultdict(list)
    answers: dict[tuple[str, int], Answered] = {}
    for entry in entries:
        if isinstance(entry, Posting | Deleting) and entry.flow == flow:
            key = entry.key if isinstance(entry, Posting) else None
            batches[entry.writer, f"serial {entry.serial}" if key is None else f"key {key}"].append(entry)
        elif isinstance(entry, Answered):
            answers[entry.writer, entry.serial] = entry
    requests: list[Request] = []
    for batch, attempts in batches.items():
        for part in _applied_apart(sorted(attempts, key=lambda attempt: attempt.at_ns), answers):
            requests.append(_request(batch, part, answers))
            if len(part) > 1 and _forgets(batches.values(), answers):
                requests += _forgotten(batch, part, answers)
    return sorted(requests, key=lambda request: request.began_ns)


def _forgets(batches: Iterable[list[Posting | Deleting]], answers: dict[tuple[str, int], Answered]) -> bool:
    """Whether the server may have forgotten keys: the flow was deleted, or state was lost."""
    epochs: set[str | None] = set()
    for batch in batches:
        for attempt in batch:
            answer = answers.get((attempt.writer, attempt.serial))
            if isinstance(attempt, Deleting):
                return True
            if answer is not None and answer.accepted:
                epochs.add(answer.epoch)
    return len(epochs) > 1


def _forgotten(
    batch: tuple[str, str], attempts: list[Posting | Deleting], answers: dict[tuple[str, int], Answered]
) -> Iterable[Request]:
    """Attempts without an answer may each have been applied by a server that then forgot it."""
    for attempt in attempts:
        answer = answers.get((attempt.writer, attempt.serial))
        if answer is None or not (answer.accepted or answer.refused):
            yield _request(batch, [attempt], answers)


def _applied_apart(
    attempts: list[Posting | Deleting], answers: dict[tuple[str, int], Answered]
) -> Iterable[list[Posting | Deleting]]:
    """A batch that was answered two sequences was applied twice: verdict 2 says whether it may have been."""
    part: list[Posting | Deleting] = []
    sequence: int | None = None
    for attempt in attempts:
        answer = answers.get((attempt.writer, attempt.serial))
        if answer is not None and answer.seq is not None:
            if sequence is not None and answer.seq != sequence:
                yield part
                part = []
            sequence = answer.seq
        part.append(attempt)
    yield part


def _request(
    batch: tuple[str, str], attempts: list[Posting | Deleting], answers: dict[tuple[str, int], Answered]
) -> Request:
    first = attempts[0]
    found = [answers.get((attempt.writer, attempt.serial)) for attempt in attempts]
    return Request(
        name=f"{first.writer} #{first.serial}",
        batch=batch,
        messages=tuple(map(normal_form, first.messages)) if isinstance(first, Posting) else (),
        began_ns=first.at_ns,
        attempts=len(attempts),
        answers=tuple(answer for answer in found if answer is not None),
    )
