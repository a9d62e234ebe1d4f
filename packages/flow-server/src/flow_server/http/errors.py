"""Our exceptions as HTTP answers: the only place that knows which status an error has.

Every error body is JSON: `status`, `error` (a sentence), and for a body that breaks the contract `path`,
`problem` and, where it helps, `found`.
"""

from collections.abc import Mapping

import msgspec

from flow_contract import ContractError, shown
from flow_server.http.caching import DATA_HEADERS
from flow_server.http.flow_path import BadPathError
from flow_server.limits import FlowTooLarge, LimitReached
from flow_server.store import BatchTooLarge, StoreError, StoreFull, StoreUnavailable


class HttpError(Exception):
    """A request that is answered with an error of our own."""

    def __init__(
        self,
        status: int,
        problem: str,
        *,
        reason: str,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`problem` is a sentence for a person, `reason` a word for the metrics."""
        super().__init__(problem)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an error."""

    status: int
    error: str
    path: str | None = None
    problem: str | None = None
    found: str | None = None


class ErrorAnswer(msgspec.Struct, frozen=True):
    """Status, headers and body of an error, and a word for the metrics."""

    status: int
    headers: dict[str, str]
    body: bytes
    reason: str


def unknown_path(path: str) -> HttpError:
    """404 of what is not there, for anybody."""
    return HttpError(404, f"no such path: {shown(path)}", reason="unknown path")


def unknown_flow(flow_id: str) -> HttpError:
    """404 of a flow that was never fed, or was deleted."""
    return HttpError(404, f"no flow {shown(flow_id)}: never fed, or deleted", reason="unknown flow")


def answer_to(error: Exception) -> ErrorAnswer | None:
    """The answer to an exception of ours; `None` for any other, which is a bug and becomes a 500."""
    match error:
        case ContractError(path=path, problem=problem, found=found):
            body = Problem(400, str(error), path, problem, found)
            return _answer(body, reason="contract")
        case HttpError():
            return _answer(Problem(error.status, str(error)), reason=error.reason, headers=error.headers)
        case FlowTooLarge(setting=setting):
            return _answer(Problem(422, str(error)), reason=setting)
        case LimitReached(setting=setting):
            headers = {"Retry-After": "5"}
            return _answer(Problem(503, str(error)), reason=setting, headers=headers)
        case BadPathError():
            return _answer(Problem(400, str(error)), reason="path")
        case BatchTooLarge():
            return _answer(Problem(413, str(error)), reason="too large for the store")
        case StoreFull():
            return _answer(Problem(507, str(error)), reason="store full")
        case StoreUnavailable(retry_after_s=retry_after_s):
            headers = {"Retry-After": str(retry_after_s)}
            return _answer(Problem(503, str(error)), reason="store unavailable", headers=headers)
        case StoreError():
            return _answer(Problem(503, str(error)), reason="store", headers={"Retry-After": "1"})
        case _:
            return None


def _answer(problem: Problem, *, reason: str, headers: Mapping[str, str] | None = None) -> ErrorAnswer:
    return ErrorAnswer(
        problem.status,
        {"Content-Type": "application/json", **DATA_HEADERS, **(headers or {})},
        msgspec.json.encode(problem),
        reason,
    )
