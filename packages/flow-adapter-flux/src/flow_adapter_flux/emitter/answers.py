"""The flow server's answers, in our words."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from flow_adapter_flux.core.reading import is_mapping
from flow_adapter_flux.core.retry_after import retry_after_s


class ServerFailure(Exception):
    """The server did not take what was sent, and may later. `outcome` is how logs and metrics call it.

    `retry_after_s` and `healthy_s` are read by `core.delays`.
    """

    def __init__(self, outcome: str, problem: str, *, retry_after_s: float = 0.0) -> None:
        """Keep the parts as attributes; the text is made of them."""
        super().__init__(f"{outcome}: {problem}")
        self.outcome = outcome
        self.problem = problem
        self.retry_after_s = retry_after_s
        self.healthy_s = 0.0


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The batch is stored; `epoch` is the life of the server's state."""

    epoch: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The server will never take message `index` of the batch; `None`: it does not say which one."""

    index: int | None
    path: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class TooLarge:
    """The batch is over the server's limit."""


_INDEXED = re.compile(r"\$\[(\d{1,6})\]")


def read_answer(status: int, body: bytes, *, retry_after: str | None) -> Accepted | Refused | TooLarge:
    """What an answer to a POST means. Raises `ServerFailure` for whatever may go better later."""
    said = _decoded(body)
    if status == 200:
        epoch = said.get("epoch")
        if isinstance(said.get("seq"), int) and isinstance(epoch, str):
            return Accepted(epoch=epoch)
        raise ServerFailure("unreadable", "expected a sequence and an epoch in a 200 answer")
    if status == 413:
        return TooLarge()
    if status == 400 and (refused := _refused(said)) is not None:
        return refused
    raise failure_of(status, body, retry_after=retry_after)


def failure_of(status: int, body: bytes, *, retry_after: str | None) -> ServerFailure:
    """The failure that a status is, other than the ones a batch can be changed for."""
    outcome = {401: "no rights", 403: "no rights", 429: "throttled"}.get(status, "unexpected")
    if status >= 500:
        outcome = "failed"
    text = body[:300].decode("utf-8", "replace").strip()
    return ServerFailure(
        outcome,
        f"HTTP {status} {text}".rstrip(),
        retry_after_s=retry_after_s(retry_after, now=datetime.now(UTC)),
    )


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return said if is_mapping(said) else {}


def _refused(said: dict[str, Any]) -> Refused | None:
    """A contract error names a path below `$`; a 400 of somebody in between does not, and is no verdict."""
    for place in (said, *(value for value in said.values() if is_mapping(value))):
        path, problem = place.get("path"), place.get("problem")
        if isinstance(path, str) and path.startswith("$"):
            indexed = _INDEXED.match(path)
            return Refused(
                index=int(indexed[1]) if indexed else None,
                path=path[:300],
                problem=problem[:300] if isinstance(problem, str) else "not said",
            )
    return None
