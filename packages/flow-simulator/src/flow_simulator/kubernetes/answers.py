"""What the API answers: a whole answer, one that comes later, or a watch to be run. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from flow_simulator.kubernetes.encoding import encoded
from flow_simulator.kubernetes.problems import Problem
from flow_simulator.kubernetes.resources import Resource
from flow_simulator.kubernetes.selectors import Matches

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"
_ALWAYS = (("Cache-Control", "no-cache, private"),)
_NO_SNIFF = ("X-Content-Type-Options", "nosniff")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One whole answer; `after_s`: seconds that the server takes, `close`: it closes the connection then."""

    status: int
    body: bytes
    content_type: str | None = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    after_s: float = 0.0
    close: bool = False

    def with_header(self, name: str, value: str) -> "Answer":
        """The same answer with one header more."""
        return replace(self, headers=(*self.headers, (name, value)))

    def header_lines(self) -> tuple[tuple[str, str], ...]:
        """All headers but those of the transfer."""
        content_type = () if self.content_type is None else (("Content-Type", self.content_type),)
        return (*_ALWAYS, *content_type, *self.headers)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A watch that was accepted; its stream is made from the store."""

    resource: Resource
    namespace: str
    matches: Sequence[Matches]
    start: int | None
    """Only changes above this version; `None`: first all objects there are."""
    bookmarks: bool
    mark_initial_end: bool = False
    """Whether a bookmark says that the first objects are complete."""
    timeout_s: float
    first_line: bytes | None = None
    """An ERROR line that is the whole stream."""
    after_s: float = 0.0
    headers: tuple[tuple[str, str], ...] = field(default=(("Content-Type", JSON_TYPE),))

    def header_lines(self) -> tuple[tuple[str, str], ...]:
        """All headers but those of the transfer."""
        return (*_ALWAYS, *self.headers)


def json_answer(status: int, value: object) -> Answer:
    """An answer with a JSON body."""
    return Answer(status=status, body=encoded(value))


def text_answer(status: int, text: str) -> Answer:
    """An answer in plain text."""
    return Answer(status=status, body=text.encode(), content_type=TEXT_TYPE, headers=(_NO_SNIFF,))


def not_a_path() -> Answer:
    """What a path answers that nobody serves: also a custom resource without its definition."""
    return text_answer(404, "404 page not found\n")


def problem_answer(problem: Problem) -> Answer:
    """The Status object of a refusal."""
    answer = json_answer(problem.code, problem.status())
    if problem.code == 403 and problem.details is not None and "not allowed while" not in problem.message:
        answer = answer.with_header(*_NO_SNIFF)
    if problem.retry_after_s:
        answer = answer.with_header("Retry-After", str(problem.retry_after_s))
    return replace(answer, after_s=3.0) if problem.code == 504 else answer
