"""Conditions of a HelmRelease -> status. The rules are the contract's, first match wins."""

from flow_adapter_flux.core.release import Release

FAILED_REASONS = frozenset({"InstallFailed", "UpgradeFailed", "RetriesExhausted"})
"""Reasons of Ready=False that mean failure; the contract's words. helm-controller itself says Stalled."""


def release_status(release: Release) -> str:
    """`pending`, `running`, `succeeded` or `failed`."""
    ready = release.ready
    if ready is None:
        return "pending"
    if release.stalled and ready.status in {"False", "Unknown"}:
        return "failed"  # out of retries: Ready may keep a reason like RollbackSucceeded
    if ready.status == "True":
        return "succeeded"
    if ready.status == "False" and ready.reason in FAILED_REASONS:
        return "failed"
    return "running"


def is_ready(release: Release) -> bool:
    """Whether helm-controller lets dependents start: Ready is true of the newest generation."""
    return (
        release.ready is not None
        and release.ready.status == "True"
        and release.generation == release.observed_generation
    )


def is_waiting(release: Release) -> bool:
    """Whether dependencies can be what holds it up: not suspended, not decided, no Helm action running."""
    if release.suspended or release.deleting:
        return False
    if release.ready is None:
        return True
    return release.ready.status == "False" and release_status(release) == "running"


def is_outdated(release: Release) -> bool:
    """Whether Ready=True is about an older generation than the one wanted."""
    return (
        release.ready is not None
        and release.ready.status == "True"
        and release.generation is not None
        and release.observed_generation is not None
        and release.observed_generation < release.generation
    )
