"""The request rules in force: which one applies to a request, and when it ends. Pure; the clock is given."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from flow_simulator.kubernetes.faults import Rule
from flow_simulator.kubernetes.requests import Request, target_of


def verb_and_resource(request: Request) -> tuple[str, str]:
    """The verb as RBAC names it and the plural; `path` and nothing for what is no resource."""
    target = target_of(request.path)
    if target is None:
        return "path", ""
    action = target.action(request)
    return action.verb, action.resource


@dataclass(slots=True)
class _InForce:
    rule: Rule
    until_s: float
    left: float


class Rules:
    """Rules in the order they came; the first that fits a request is used up by one."""

    def __init__(self, *, elapsed_s: Callable[[], float]) -> None:
        """`elapsed_s` is the server's own clock."""
        self._elapsed_s = elapsed_s
        self._in_force: list[_InForce] = []

    def add(self, rule: Rule) -> None:
        """Put a rule in force."""
        until_s = math.inf if rule.for_s is None else self._elapsed_s() + rule.for_s
        self._in_force.append(_InForce(rule, until_s, math.inf if rule.times is None else rule.times))

    def clear(self) -> None:
        """Lift them all."""
        self._in_force.clear()

    def active(self) -> list[Rule]:
        """The rules in force, oldest first."""
        now = self._elapsed_s()
        self._in_force = [entry for entry in self._in_force if entry.left > 0 and now < entry.until_s]
        return [entry.rule for entry in self._in_force]

    def take(self, request: Request) -> Rule | None:
        """The rule for this request, counted as used."""
        self.active()
        verb, resource = verb_and_resource(request)
        for entry in self._in_force:
            rule = entry.rule
            if (not rule.verbs or verb in rule.verbs) and rule.resource in ("", resource):
                entry.left -= 1
                return rule
        return None
