"""One release inside the simulated Flux: conditions, history and counters, and the status they make. Pure."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from flow_simulator.flux.conditions import Conditions
from flow_simulator.flux.plan import INTERVAL_S, ReleasePlan

JsonObject = dict[str, Any]
Action = Literal["install", "upgrade"]
SOURCE = "openova-catalog"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _go_duration(seconds: float) -> str:
    return f"{int(seconds) // 60}m{int(seconds) % 60}s"


@dataclass(kw_only=True)
class Release:
    """What helm-controller and source-controller know of one release."""

    plan: ReleasePlan
    version: str
    conditions: Conditions = field(default_factory=Conditions)
    chart_conditions: Conditions = field(default_factory=Conditions)
    generation: int = 1
    observed: int = -1
    chart_ready: bool = False
    chart_generation: int = 1
    history: list[JsonObject] = field(default_factory=list[JsonObject])
    failures: int = 0
    install_failures: int = 0
    upgrade_failures: int = 0
    attempts: int = 0
    attempted: Action | None = None
    action_began: str = ""
    """When the newest Helm action began, as it is written."""
    revision: int = 0
    picked_up: bool = False
    queued: bool = False
    busy: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.plan.namespace, self.plan.name

    @property
    def chart_name(self) -> str:
        """The HelmChart's name."""
        return f"{self.plan.namespace}-{self.plan.name}"

    @property
    def timeout(self) -> str:
        """The timeout as Flux's messages say it: `5m0s`."""
        return _go_duration(self.plan.timeout_s)

    @property
    def released_as(self) -> str:
        """The Helm release as Flux's messages say it: `namespace/name.v1`."""
        return f"{self.plan.target_namespace}/{self.plan.name}.v{self.revision}"

    @property
    def is_ready(self) -> bool:
        """What a dependent asks: ready, and observed at its current generation."""
        return self.observed == self.generation and self.conditions.is_true("Ready")

    def set(self, kind: str, status: str, reason: str, message: str, *, at: str) -> None:
        """Set a condition at the release's generation."""
        self.conditions.set(kind, status, reason, message, at=at, generation=self.generation)

    def remember(self, *, status: str) -> None:
        """Put the newest Helm release on top of the history; an install begins it anew.

        Helm dates a release by when its action began, not by when it ended.
        """
        first = self.action_began
        if self.attempted == "install":
            self.history.clear()
        elif self.history:
            first = self.history[0]["firstDeployed"]
            self.history[0] = self.history[0] | {"status": "superseded"}
        entry = {
            "name": self.plan.name,
            "namespace": self.plan.target_namespace,
            "version": self.revision,
            "status": status,
            "chartName": self.plan.chart,
            "chartVersion": self.version,
            "appVersion": self.version,
            "configDigest": f"sha256:{_digest(self.plan.name)}",
            "digest": f"sha256:{_digest(self.released_as + status)}",
            "firstDeployed": first,
            "lastDeployed": self.action_began,
        }
        self.history.insert(0, entry)

    def status(self) -> JsonObject:
        """The HelmRelease's status."""
        status: JsonObject = {"observedGeneration": self.observed}
        if self.picked_up:
            status["conditions"] = self.conditions.listed()
            if not self.plan.chart_ref:
                status["helmChart"] = f"{self.plan.namespace}/{self.chart_name}"
        if self.attempted is not None:
            status["storageNamespace"] = self.plan.target_namespace
            status["lastAttemptedGeneration"] = self.generation
            status["lastAttemptedReleaseAction"] = self.attempted
            status["lastAttemptedRevision"] = self._revision()
            status["lastAttemptedConfigDigest"] = f"sha256:{_digest(self.plan.name)}"
        counters = {
            "failures": self.failures,
            "installFailures": self.install_failures,
            "upgradeFailures": self.upgrade_failures,
        }
        status |= {name: count for name, count in counters.items() if count}
        if self.history:
            status["history"] = [dict(entry) for entry in self.history]
        return status

    def body(self) -> JsonObject:
        """The HelmRelease as somebody applies it."""
        plan = self.plan
        spec: JsonObject = {
            "interval": f"{int(INTERVAL_S) // 60}m",
            "timeout": _go_duration(plan.timeout_s),
            "releaseName": plan.name.removeprefix("bp-"),
            "targetNamespace": plan.target_namespace,
        }
        if plan.chart_ref:
            spec["chartRef"] = {"kind": "OCIRepository", "name": plan.chart}
        else:
            source = {"kind": "HelmRepository", "name": SOURCE, "namespace": plan.namespace}
            spec["chart"] = {"spec": {"chart": plan.chart, "version": self.version, "sourceRef": source}}
        if plan.depends_on:
            spec["dependsOn"] = [{"name": name} for name in plan.depends_on]
        if plan.suspended:
            spec["suspend"] = True
        if plan.retries:
            spec["install"] = {"remediation": {"retries": plan.retries}}
        metadata: JsonObject = {"name": plan.name, "namespace": plan.namespace}
        if plan.labels:
            metadata["labels"] = dict(plan.labels)
        return {
            "apiVersion": "helm.toolkit.fluxcd.io/v2",
            "kind": "HelmRelease",
            "metadata": metadata,
            "spec": spec,
        }

    def chart_body(self) -> JsonObject:
        """The HelmChart that helm-controller makes for it."""
        labels = {
            "helm.toolkit.fluxcd.io/name": self.plan.name,
            "helm.toolkit.fluxcd.io/namespace": self.plan.namespace,
        }
        spec = {
            "chart": self.plan.chart,
            "version": self.version,
            "interval": f"{int(INTERVAL_S) // 60}m",
            "sourceRef": {"kind": "HelmRepository", "name": SOURCE},
        }
        return {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "HelmChart",
            "metadata": {"name": self.chart_name, "namespace": self.plan.namespace, "labels": labels},
            "spec": spec,
        }

    def chart_status(self) -> JsonObject:
        """The HelmChart's status."""
        observed = self.chart_generation if self.chart_conditions.listed() else -1
        status: JsonObject = {"observedGeneration": observed, "conditions": self.chart_conditions.listed()}
        if self.chart_ready:
            status["observedChartName"] = self.plan.chart
            status["artifact"] = {"revision": self.version, "digest": f"sha256:{_digest(self.version)}"}
        return status

    def _revision(self) -> str:
        if self.plan.chart_ref:
            return f"{self.version}+{_digest(self.plan.chart)[:12]}"
        return self.version
