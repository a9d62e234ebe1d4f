"""Reads decoded JSON of any shape: what is not as expected is left out and remembered, nothing raises."""

from datetime import datetime
from functools import lru_cache
from typing import TypeGuard, TypeVar

from flow_contract import UNSAFE_INTEGER, shown

T = TypeVar("T")

TEXT_LIMIT = 4096
"""Longest text that is read, in characters; longer ones are cut. Messages are shortened further later."""

PROBLEMS_LIMIT = 8
"""Most problems remembered of one object: enough to see what is wrong with it."""


class Reading:
    """Reads the values of one object. `problems` names each that was left out, with its path.

    Paths are given in parts, `"status", "conditions", 0, "type"`, and put together only for a problem.
    """

    def __init__(self) -> None:
        """Begin without a problem."""
        self.problems: list[str] = []

    def mapping(self, value: object, *at: str | int) -> dict[str, object]:
        """An object; empty when absent."""
        if is_mapping(value):
            return value
        return self._without(value, at, "an object", {})

    def items(self, value: object, *at: str | int) -> list[object]:
        """An array; empty when absent."""
        if _is_list(value):
            return value
        return self._without(value, at, "an array", [])

    def text(self, value: object, *at: str | int) -> str | None:
        """A text with something in it, cut after `TEXT_LIMIT` characters; `None` when absent or blank."""
        if isinstance(value, str):
            return value[:TEXT_LIMIT] if value.strip() else None
        return self._without(value, at, "a text", None)

    def whole(self, value: object, *at: str | int) -> int | None:
        """A whole number that every reader of the wire can hold; `None` when absent."""
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and -UNSAFE_INTEGER < value < UNSAFE_INTEGER
        ):
            return value
        return self._without(value, at, "a whole number", None)

    def flag(self, value: object, *at: str | int) -> bool:
        """A boolean; false when absent."""
        if isinstance(value, bool):
            return value
        return self._without(value, at, "true or false", False)

    def millis(self, value: object, *at: str | int) -> int | None:
        """A time as Kubernetes writes it (RFC 3339), in Unix milliseconds; `None` when absent."""
        if isinstance(value, str) and (millis := _millis_of(value)) is not None:
            return millis
        return self._without(value, at, "a time like 2026-01-31T12:00:00Z", None)

    def note(self, problem: str) -> None:
        """Remember a problem, the first `PROBLEMS_LIMIT` of them."""
        if len(self.problems) < PROBLEMS_LIMIT:
            self.problems.append(problem)

    def _without(self, value: object, at: tuple[str | int, ...], expected: str, fallback: T) -> T:
        if value is not None:
            self.note(f"{path_of(at)}: expected {expected}, found {described(value)}")
        return fallback


def is_mapping(value: object) -> TypeGuard[dict[str, object]]:
    """Whether a decoded value is a JSON object (its keys are then texts)."""
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


@lru_cache(maxsize=8192)  # a release's history has the same times at every change
def _millis_of(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        millis = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return millis if 0 <= millis < UNSAFE_INTEGER else None


def path_of(parts: tuple[str | int, ...]) -> str:
    """`("status", "conditions", 0, "type")` as `status.conditions[0].type`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def described(value: object) -> str:
    """A value as a problem may show it: a text escaped and cut, else only its JSON type."""
    if isinstance(value, str):
        return shown(value, limit=64)
    kind: type = type(value)
    return _JSON_TYPES.get(kind, kind.__name__)


_JSON_TYPES: dict[type, str] = {dict: "an object", list: "an array", bool: "a boolean", type(None): "nothing"}
