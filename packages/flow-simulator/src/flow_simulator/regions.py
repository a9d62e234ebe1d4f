"""Regions of one installation: names, roles, seeds, and which of them has the release that fails for good."""

from collections.abc import Sequence
from dataclasses import dataclass

from flow_simulator.flux.plan import FAILS_FOR_GOOD, Plan, bootstrap_plan
from flow_simulator.flux.roles import Role

REGIONS = ("fsn1", "hel1", "nbg1")


@dataclass(frozen=True, kw_only=True)
class Region:
    """One region and its script."""

    key: str
    role: Role
    plan: Plan


def planned_regions(names: Sequence[str] = REGIONS, *, seed: int = 1) -> list[Region]:
    """The first is the primary one; in the last of several a release fails for good and some wait for it."""
    regions: list[Region] = []
    for index, name in enumerate(names):
        role = Role.SECONDARY if index else Role.PRIMARY
        fails = FAILS_FOR_GOOD if index and index == len(names) - 1 else None
        plan = bootstrap_plan(seed=seed * 1000 + index, role=role, fails_for_good=fails)
        regions.append(Region(key=name, role=role, plan=plan))
    return regions
