"""What will happen in one region: drawn once from a seed, so that the same seed gives the same run. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from flow_simulator.flux.kit import KitRelease, bootstrap_kit
from flow_simulator.flux.roles import Role

INTERVAL_S = 900.0
"""`spec.interval`: how often a healthy release is looked at again."""
TIMEOUT_S = 300.0
"""`spec.timeout` of a Helm action."""

RETRIES_AND_SUCCEEDS = "bp-harbor"
FAILS_FOR_GOOD = "bp-opentelemetry-operator"
"""Two releases, one behind the other, wait for it: a modest part of the graph."""
CHART_FAILS = ("bp-seaweedfs", "bp-coraza")
"""Charts that cannot be pulled for 90 s: of one that waits anyway, and of one that lacks nothing else."""
CHART_FAILURE_S = 90.0
LATE = ("bp-coraza", "bp-syft-grype")
"""Created ten minutes after the others."""
LATE_S = 600.0
UPGRADED = "bp-syft-grype"
UPGRADED_S = 1110.0
CHART_REF = "bp-vcluster-helmrepo"
"""Names an OCIRepository itself, so that no HelmChart is made for it."""


@dataclass(frozen=True, kw_only=True)
class ReleasePlan:
    """The fate of one release; seconds are Flux's."""

    name: str
    namespace: str
    target_namespace: str
    chart: str
    version: str
    labels: dict[str, str]
    depends_on: tuple[str, ...]
    suspended: bool = False
    chart_ref: bool = False
    created_s: float = 0.0
    chart_pull_s: float = 4.0
    chart_failure_s: float = 0.0
    install_s: float = 40.0
    failing_attempts: int = 0
    """So many attempts end by their timeout; more than `retries`: it fails for good."""
    retries: int = 0
    timeout_s: float = TIMEOUT_S
    upgrade_s: float | None = None
    noise_jitter: float = 0.0
    """Part of the interval, -0.1 to 0.1, by which this release's noise is off."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One region's bootstrap."""

    releases: tuple[ReleasePlan, ...]
    concurrent: int = 4
    poll_s: float = 30.0
    """How often a release looks at its dependencies again (`--requeue-dependency`)."""
    seed: int = 0


def bootstrap_plan(
    *,
    seed: int,
    role: Role = Role.PRIMARY,
    fails_for_good: str | None = None,
    kit: Sequence[KitRelease] | None = None,
) -> Plan:
    """The script of a bootstrap of about 20 minutes; `fails_for_good`: a release that never gets ready."""
    random = Random(seed)
    releases = [
        _planned(release, random, role=role, fails_for_good=fails_for_good)
        for release in (bootstrap_kit() if kit is None else kit)
    ]
    return Plan(releases=tuple(releases), seed=seed)


def _planned(release: KitRelease, random: Random, *, role: Role, fails_for_good: str | None) -> ReleasePlan:
    name = release.name
    install_s = random.uniform(20.0, 68.0) + (random.uniform(10.0, 45.0) if random.random() < 0.2 else 0.0)
    chart_pull_s = random.uniform(2.0, 8.0)
    noise_jitter = random.uniform(-0.1, 0.1)
    failing, retries, timeout_s = 0, 0, TIMEOUT_S
    if name == RETRIES_AND_SUCCEEDS:
        failing, retries, timeout_s = random.choice((1, 2)), 2, 120.0
    if name == fails_for_good:
        failing, retries, timeout_s = 2, 1, 180.0
    return ReleasePlan(
        name=name,
        namespace=release.namespace,
        target_namespace=release.target_namespace,
        chart=release.chart,
        version=release.version or "0.1.0",
        labels=release.labels,
        depends_on=tuple(release.depends_on),
        suspended=release.suspended(role),
        chart_ref=name == CHART_REF,
        created_s=LATE_S if name in LATE else 0.0,
        chart_pull_s=chart_pull_s,
        chart_failure_s=CHART_FAILURE_S if name in CHART_FAILS else 0.0,
        install_s=install_s,
        failing_attempts=failing,
        retries=retries,
        timeout_s=timeout_s,
        upgrade_s=UPGRADED_S if name == UPGRADED else None,
        noise_jitter=noise_jitter,
    )
