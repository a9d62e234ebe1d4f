"""Conditions as Flux keeps them: the order of the types, and when `lastTransitionTime` moves. Pure."""

from typing import Any

JsonObject = dict[str, Any]

_ORDER = ("Reconciling", "Stalled", "Ready", "Released", "Remediated", "TestSuccess")


class Conditions:
    """The conditions of one object. `lastTransitionTime` moves with status, reason or message."""

    def __init__(self) -> None:
        """None yet."""
        self._by_type: dict[str, JsonObject] = {}

    def set(self, kind: str, status: str, reason: str, message: str, *, at: str, generation: int) -> None:
        """Set one; `at` is a time as the API writes it."""
        condition = {"type": kind, "status": status, "reason": reason, "message": message}
        before = self._by_type.get(kind, {})
        if all(before.get(name) == value for name, value in condition.items()):
            at = before["lastTransitionTime"]
        self._by_type[kind] = condition | {"lastTransitionTime": at, "observedGeneration": generation}

    def drop(self, kind: str) -> None:
        """Take one away."""
        self._by_type.pop(kind, None)

    def get(self, kind: str) -> JsonObject | None:
        """One of them."""
        return self._by_type.get(kind)

    def is_true(self, kind: str) -> bool:
        """Whether it is there and `True`."""
        return self._by_type.get(kind, {}).get("status") == "True"

    def listed(self) -> list[JsonObject]:
        """As the object has them."""
        known = [kind for kind in _ORDER if kind in self._by_type]
        return [dict(self._by_type[kind]) for kind in (*known, *(k for k in self._by_type if k not in known))]
