"""The recorded exchanges: one JSON object a line, in the order of scenario and step."""

from pathlib import Path
from typing import Any

import msgspec


class RecordedRequest(msgspec.Struct, frozen=True):
    """A request as it was sent; a body in parentheses was left out of the recording."""

    method: str
    path: str
    headers: dict[str, str] = {}
    body: Any = None


class RecordedResponse(msgspec.Struct, frozen=True):
    """An answer: all headers but Date and Audit-Id; the body as JSON, or as text where it was text."""

    status: int
    headers: dict[str, str] = {}
    body: Any = None


class RecordedLine(msgspec.Struct, frozen=True):
    """A watch's line, `t` seconds after the request."""

    t: float
    line: dict[str, Any]


class Exchange(msgspec.Struct, frozen=True):
    """One record. Without a request it is something that happened to the server."""

    scenario: str
    step: int
    note: str
    at: float
    request: RecordedRequest | None = None
    response: RecordedResponse | None = None
    watch: list[RecordedLine] | None = None
    end: str | None = None
    end_t: float | None = None
    error: str | None = None

    @property
    def name(self) -> str:
        """`scenario, step n`: how reports and exceptions name it."""
        return f"{self.scenario}, step {self.step}"


def scenarios(path: Path) -> dict[str, list[Exchange]]:
    """All exchanges by scenario, in recorded order."""
    found: dict[str, list[Exchange]] = {}
    for text in path.read_bytes().splitlines():
        exchange = msgspec.json.decode(text, type=Exchange)
        found.setdefault(exchange.scenario, []).append(exchange)
    return found
