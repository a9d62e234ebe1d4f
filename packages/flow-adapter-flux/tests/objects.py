"""HelmReleases and HelmCharts as an API server sends them, and the rows of a release's life."""

from typing import Any

from flow_adapter_flux.core.chart import Chart, read_chart
from flow_adapter_flux.core.release import Release, read_release

Json = dict[str, Any]

T0 = "2026-01-31T12:00:00Z"
T0_MS = 1769860800000


def condition(kind: str, status: str, reason: str, message: str = "", at: str = T0) -> Json:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at}


def helm_release(
    name: str,
    *,
    namespace: str = "flux-system",
    depends_on: list[str | Json] | None = None,
    conditions: list[Json] | None = None,
    generation: int = 1,
    observed: int = -1,
    spec: Json | None = None,
    labels: Json | None = None,
    version: int = 1,
    **status: Any,
) -> Json:
    entries = [{"name": entry} if isinstance(entry, str) else entry for entry in depends_on or []]
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "generation": generation,
            "resourceVersion": str(version),
            "labels": labels or {},
        },
        "spec": {
            "interval": "15m",
            "chart": {"spec": {"chart": name, "version": "1.2.3"}},
            **({"dependsOn": entries} if entries else {}),
            **(spec or {}),
        },
        "status": {"observedGeneration": observed, "conditions": conditions or [], **status},
    }


def release(name: str, **fields: Any) -> Release:
    read = read_release(helm_release(name, **fields))
    assert isinstance(read, Release), read
    return read


def ready(name: str, **fields: Any) -> Release:
    return release(name, conditions=[READY], observed=1, **fields)


def helm_chart(
    name: str,
    *,
    namespace: str = "flux-system",
    owner: tuple[str, str] | None = None,
    conditions: list[Json] | None = None,
) -> Json:
    labels = (
        {"helm.toolkit.fluxcd.io/namespace": owner[0], "helm.toolkit.fluxcd.io/name": owner[1]}
        if owner
        else {}
    )
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "HelmChart",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "resourceVersion": "1"},
        "status": {"conditions": conditions or []},
    }


def chart(name: str, **fields: Any) -> Chart:
    read = read_chart(helm_chart(name, **fields))
    assert isinstance(read, Chart), read
    return read


READY = condition("Ready", "True", "InstallSucceeded", "Helm install succeeded for release a.v1")
RECONCILING = condition("Reconciling", "True", "Progressing", "Fulfilling prerequisites")
RETRYING = condition("Reconciling", "True", "ProgressingWithRetry", "retrying after 5m0s")
STALLED = condition("Stalled", "True", "RetriesExceeded", "Failed to install after 3 attempt(s)")
RUNNING = condition("Ready", "Unknown", "Progressing", "Running 'install' action with timeout of 5m0s")
FAILED = condition("Ready", "False", "InstallFailed", "Helm install failed: context deadline exceeded")
UNDONE = condition("Ready", "False", "UninstallSucceeded", "Helm uninstall succeeded")


def not_ready(dependency: str) -> Json:
    return condition(
        "Ready", "False", "DependencyNotReady", f"dependency 'flux-system/{dependency}' is not ready"
    )
