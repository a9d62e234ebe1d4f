"""Thirty days of Flux's own noise: every healthy release is reconciled at every interval."""

from random import Random
from typing import Any

from flow_adapter_flux.core.mirror import Mirror
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import Release, read_release

from .objects import READY, Json, condition, helm_release

RELEASES = 67
DAYS = 30
INTERVAL_S = 900


def quiet(number: int) -> Json:
    name = f"bp-{number:02}"
    return helm_release(
        name,
        depends_on=[f"bp-{other:02}" for other in (number - 1, number - 7) if other >= 0],
        conditions=[READY, condition("Released", "True", "InstallSucceeded")],
        observed=1,
        history=[{"version": 1, "firstDeployed": "2026-01-31T11:59:00Z"}],
        lastAttemptedRevision="1.2.3",
        helmChart=f"flux-system/flux-system-{name}",
    )


def reconciling(decoded: Json, at: str) -> Json:
    """The first of the two writes of an interval; the second takes the condition away again."""
    status: dict[str, Any] = decoded["status"]
    busy = condition("Reconciling", "True", "Progressing", "Fulfilling prerequisites", at=at)
    return {**decoded, "status": {**status, "conditions": [busy, *status["conditions"]]}}


def test_thirty_days_of_reconciling_are_not_one_message() -> None:
    objects = [quiet(number) for number in range(RELEASES)]
    mirror = Mirror(Region(flow_id="flow", key="fsn1", cluster="c"))
    mirror.replace_releases([read for read in map(read_release, objects) if isinstance(read, Release)])
    assert len(mirror.releases) == RELEASES
    version = mirror.version
    random = Random(1)
    order = [number for number in range(RELEASES) for _ in range(DAYS * 86400 // INTERVAL_S)]
    random.shuffle(order)
    sent = 0
    for turn, number in enumerate(order):
        decoded = objects[number]
        decoded["metadata"]["resourceVersion"] = str(turn)
        day, hour = 1 + turn * DAYS // len(order) % 28, turn % 24
        for seen in (reconciling(decoded, f"2026-02-{day:02}T{hour:02}:00:00Z"), decoded):
            read = read_release(seen)
            assert isinstance(read, Release)
            sent += len(mirror.apply(read))
    assert (sent, mirror.version) == (0, version)
