"""A HelmRelease -> its node and relationships. Pure: the same input gives the same output, nothing raises."""

from flow_adapter_flux.core.chart import ChartProblem
from flow_adapter_flux.core.region import SOURCE, Region
from flow_adapter_flux.core.release import Installed, Release
from flow_adapter_flux.core.release_status import is_outdated, release_status
from flow_adapter_flux.core.waiting import NOTHING, Waiting
from flow_adapter_flux.core.wording import worded
from flow_contract import FlowNode, Relationship

BLUEPRINT_PREFIX = "bp-"
"""Left out of a family that is made of a name."""

_ACTION = "Progressing"
"""Reason of Ready=Unknown while Helm runs; its transition is when the action began."""


def map_release(
    release: Release, *, region: Region, waiting: Waiting = NOTHING, chart_problem: ChartProblem | None = None
) -> FlowNode:
    """The release's node. What the contract has no field for goes into `meta`, absent when it is not so."""
    status = release_status(release)
    started_at, ended_at = _times(release)
    return FlowNode(
        id=region.id_of(release.key),
        flow_id=region.flow_id,
        label=release.key.name,
        status=status,
        family=release.family or release.key.name.removeprefix(BLUEPRINT_PREFIX) or release.key.name,
        region=region.node_id,
        started_at=started_at,
        ended_at=ended_at,
        meta=_meta(release, status=status, region=region, waiting=waiting, chart_problem=chart_problem),
    )


def relationships_of(release: Release, region: Region) -> tuple[Relationship, ...]:
    """`contains` to the region's node, and one `finish-to-start` for each dependency."""
    node_id = region.id_of(release.key)
    contains = Relationship(from_id=node_id, to_id=region.node_id, type="contains", condition="always")
    return (
        contains,
        *(
            Relationship(
                from_id=region.id_of(dependency.key),
                to_id=node_id,
                type="finish-to-start",
                condition="on-success",
            )
            for dependency in release.depends_on
        ),
    )


def _meta(
    release: Release, *, status: str, region: Region, waiting: Waiting, chart_problem: ChartProblem | None
) -> dict[str, object]:
    ready = release.ready
    reason, message = (ready.reason, ready.message) if ready else (None, None)
    if ready is None and chart_problem is not None:
        reason, message = chart_problem.reason, chart_problem.message
    # After a success Flux forgets its counters one write later: said then, they would only flicker.
    counted = status != "succeeded"
    fields: dict[str, object] = {
        "source": SOURCE,
        "namespace": release.key.namespace,
        "reason": reason and worded(reason),
        "message": message and worded(message),
        "chart": release.chart,
        "version": _version(release),
        "attempts": _attempts(release) if counted else None,
        "failures": release.failures if counted else None,
        "suspended": release.suspended,
        "stalled": release.stalled,
        "retrying": release.retrying,
        "outdated": is_outdated(release),
        "deleting": release.deleting,
        "waitingFor": [region.id_of(blocker) for blocker in waiting.blockers],
        "mistakes": list(waiting.mistakes),
        "chartProblem": _chart_problem(chart_problem),
        **dict(release.labels),
    }
    meta = {name: value for name, value in fields.items() if value}
    generations = {"generation": release.generation, "observedGeneration": release.observed_generation}
    return meta | {name: value for name, value in generations.items() if value is not None}


def _chart_problem(problem: ChartProblem | None) -> dict[str, object] | None:
    if problem is None:
        return None
    said: dict[str, object] = {"reason": worded(problem.reason)}
    if problem.message:
        said["message"] = worded(problem.message)
    if problem.since is not None:
        said["since"] = problem.since
    return said


def _version(release: Release) -> str | None:
    """The chart version tried last, without the digest that an OCI source adds; else the one asked for."""
    attempted = release.attempted_revision
    return attempted.partition("+")[0][:253] if attempted else release.chart_version


def _attempts(release: Release) -> int:
    """Helm actions begun for the state wanted now: those that failed, and the one that runs."""
    ready = release.ready
    running = ready is not None and ready.status == "Unknown" and ready.reason == _ACTION
    return release.failed_attempts + running


def _times(release: Release) -> tuple[int | None, int | None]:
    """When the newest Helm action began and ended; `None` for what has not happened.

    Not Ready's transition for the end: that moves for later trouble with dependencies too.
    """
    ready = release.ready
    if ready is not None and ready.status == "Unknown" and ready.reason == _ACTION:
        return ready.changed_at, None
    started_at = _began(release.installed)
    undecided = ready is not None and ready.status == "Unknown"
    if undecided or release.released is None or started_at is None:
        return started_at, None
    ended_at = release.released.changed_at
    return started_at, ended_at if ended_at is not None and ended_at >= started_at else None


def _began(installed: Installed | None) -> int | None:
    """Helm keeps `firstDeployed` through upgrades: it is the start of revision 1 only."""
    if installed is None:
        return None
    if installed.version is not None and installed.version > 1:
        return installed.last_deployed
    return installed.first_deployed
