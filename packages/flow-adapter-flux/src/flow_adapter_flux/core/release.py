"""A HelmRelease as far as it matters here. Source: `helm.toolkit.fluxcd.io/v2`.

`read_release` takes whatever an API server sent. What changes without meaning (managed fields, versions, the
Reconciling condition that comes and goes at every interval) is not read, so two readings of a release in
which nothing happened are equal.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from flow_adapter_flux.core.reading import Reading, described, is_mapping, path_of
from flow_contract import has_control_character, shown

NAME_LIMIT = 253
"""Longest name of a Kubernetes object (RFC 1123 subdomain), in characters."""

LABELS = (
    "catalyst.openova.io/slot",
    "catalyst.openova.io/component",
    "catalyst.openova.io/region-role",
)
"""Labels that go into `meta`, under the word after the slash."""

FAMILY_LABEL = "catalyst.openova.io/family"
KUSTOMIZATION_LABEL = "kustomize.toolkit.fluxcd.io/name"
"""kustomize-controller writes the name of the Kustomization that applied an object into this label."""


class ObjectKey(NamedTuple):
    """Where an object lives."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """As kubectl and Flux's messages write it."""
        return f"{self.namespace}/{self.name}"


class Condition(NamedTuple):
    """One condition of a status; `changed_at` in Unix milliseconds."""

    status: str
    reason: str | None = None
    message: str | None = None
    changed_at: int | None = None


class Dependency(NamedTuple):
    """One entry of `spec.dependsOn`; with `ready_expr` Flux evaluates that instead of the Ready condition."""

    key: ObjectKey
    ready_expr: bool = False


class Installed(NamedTuple):
    """The newest entry of `status.history`, times in Unix milliseconds."""

    version: int | None
    first_deployed: int | None
    last_deployed: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """What the mapper knows of a HelmRelease; `None` or empty is what the object does not have.

    `problems` names the parts that could not be read and were left out.
    """

    key: ObjectKey
    family: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    kustomization: str | None = None
    suspended: bool = False
    deleting: bool = False
    generation: int | None = None
    observed_generation: int | None = None
    depends_on: tuple[Dependency, ...] = ()
    chart: str | None = None
    chart_version: str | None = None
    chart_object: ObjectKey | None = None
    attempted_revision: str | None = None
    ready: Condition | None = None
    stalled: bool = False
    released: Condition | None = None
    retrying: bool = False
    failures: int = 0
    failed_attempts: int = 0
    installed: Installed | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """An object that cannot be told apart from others: `problem` says what is missing."""

    problem: str


def read_key(metadata: dict[str, object], *, at: str = "metadata") -> ObjectKey | Unreadable:
    """Namespace and name of an object; without usable ones nothing can be said about it."""
    parts: list[str] = []
    for field in ("namespace", "name"):
        value = metadata.get(field)
        if not isinstance(value, str) or not is_name(value):
            return Unreadable(
                problem=f"{at}.{field}: expected the name of an object, found {described(value)}"
            )
        parts.append(value)
    return ObjectKey(*parts)


@lru_cache(maxsize=8192)  # the same names again and again, one for each dependency of each change
def is_name(text: str) -> bool:
    """Whether a text can stand in an id as the name of an object: not what the API server would refuse."""
    return (
        0 < len(text) <= NAME_LIMIT
        and "/" not in text
        and not has_control_character(text)
        and text == text.strip()
    )


def read_release(decoded: object) -> Release | Unreadable:
    """The release in a decoded object. Never raises, whatever the object looks like."""
    if not is_mapping(decoded):
        return Unreadable(problem=f"$: expected an object, found {described(decoded)}")
    reading = Reading()
    metadata = reading.mapping(decoded.get("metadata"), "metadata")
    key = read_key(metadata)
    if isinstance(key, Unreadable):
        return key
    spec = reading.mapping(decoded.get("spec"), "spec")
    status = reading.mapping(decoded.get("status"), "status")
    labels = reading.mapping(metadata.get("labels"), "metadata.labels")
    conditions = read_conditions(reading, status)
    reconciling = conditions.get("Reconciling")
    stalled = conditions.get("Stalled")
    chart, chart_version, chart_object = _chart(reading, spec, status, key)
    family = reading.text(labels.get(FAMILY_LABEL), "metadata.labels", FAMILY_LABEL)
    return Release(
        key=key,
        family=family.strip()[:NAME_LIMIT] if family else None,
        labels=_labels(reading, labels),
        kustomization=reading.text(labels.get(KUSTOMIZATION_LABEL), "metadata.labels", KUSTOMIZATION_LABEL),
        suspended=reading.flag(spec.get("suspend"), "spec.suspend"),
        deleting=metadata.get("deletionTimestamp") is not None,
        generation=reading.whole(metadata.get("generation"), "metadata.generation"),
        observed_generation=reading.whole(status.get("observedGeneration"), "status.observedGeneration"),
        depends_on=_depends_on(reading, spec, key),
        chart=chart,
        chart_version=chart_version,
        chart_object=chart_object,
        attempted_revision=reading.text(status.get("lastAttemptedRevision"), "status.lastAttemptedRevision"),
        ready=conditions.get("Ready"),
        stalled=stalled is not None and stalled.status == "True",
        released=conditions.get("Released"),
        retrying=reconciling is not None and reconciling.reason == "ProgressingWithRetry",
        failures=_count(reading, status, "failures"),
        failed_attempts=_count(reading, status, "installFailures")
        + _count(reading, status, "upgradeFailures"),
        installed=_installed(reading, status),
        problems=tuple(reading.problems),
    )


def _labels(reading: Reading, labels: dict[str, object]) -> tuple[tuple[str, str], ...]:
    read = ((label, reading.text(labels.get(label), "metadata.labels", label)) for label in LABELS)
    return tuple((label.rpartition("/")[2], value[:NAME_LIMIT]) for label, value in read if value)


def read_conditions(reading: Reading, status: dict[str, object]) -> dict[str, Condition]:
    """Conditions by type; of two with one type the first counts."""
    conditions: dict[str, Condition] = {}
    for index, item in enumerate(reading.items(status.get("conditions"), "status.conditions")):
        at = ("status.conditions", index)
        found = reading.mapping(item, *at)
        kind, value = (
            reading.text(found.get("type"), *at, "type"),
            reading.text(found.get("status"), *at, "status"),
        )
        if kind is None or value is None:
            continue
        if kind in conditions:
            reading.note(f"{at}.type: expected each type once, found {shown(kind, limit=64)} again")
            continue
        conditions[kind] = Condition(
            status=value,
            reason=reading.text(found.get("reason"), *at, "reason"),
            message=reading.text(found.get("message"), *at, "message"),
            changed_at=reading.millis(found.get("lastTransitionTime"), *at, "lastTransitionTime"),
        )
    return conditions


def _depends_on(reading: Reading, spec: dict[str, object], key: ObjectKey) -> tuple[Dependency, ...]:
    """Dependencies in their order, each once; the namespace defaults to the release's own."""
    found: dict[ObjectKey, Dependency] = {}
    for index, item in enumerate(reading.items(spec.get("dependsOn"), "spec.dependsOn")):
        at = ("spec.dependsOn", index)
        entry = reading.mapping(item, *at)
        wanted = read_key({**entry, "namespace": entry.get("namespace") or key.namespace}, at=path_of(at))
        if isinstance(wanted, Unreadable):
            reading.note(wanted.problem)
            continue
        expression = reading.text(entry.get("readyExpr"), *at, "readyExpr")
        found.setdefault(wanted, Dependency(key=wanted, ready_expr=expression is not None))
    return tuple(found.values())


def _chart(
    reading: Reading, spec: dict[str, object], status: dict[str, object], key: ObjectKey
) -> tuple[str | None, str | None, ObjectKey | None]:
    """Chart name, wanted version, and the HelmChart object that fetches it."""
    template = reading.mapping(
        reading.mapping(spec.get("chart"), "spec.chart").get("spec"), "spec.chart.spec"
    )
    chart = reading.text(template.get("chart"), "spec.chart.spec.chart")
    version = reading.text(template.get("version"), "spec.chart.spec.version")
    namespace, _, name = (reading.text(status.get("helmChart"), "status.helmChart") or "").partition("/")
    fetched_by = ObjectKey(namespace, name) if namespace and name else None
    reference = reading.mapping(spec.get("chartRef"), "spec.chartRef")
    if (referred := reading.text(reference.get("name"), "spec.chartRef.name")) is not None:
        chart = referred
        if reference.get("kind") == "HelmChart":
            place = reading.text(reference.get("namespace"), "spec.chartRef.namespace") or key.namespace
            fetched_by = ObjectKey(place, referred)
    return chart and chart[:NAME_LIMIT], version and version[:NAME_LIMIT], fetched_by


def _count(reading: Reading, status: dict[str, object], field: str) -> int:
    return max(reading.whole(status.get(field), "status", field) or 0, 0)


def _installed(reading: Reading, status: dict[str, object]) -> Installed | None:
    history = reading.items(status.get("history"), "status.history")
    if not history:
        return None
    at = ("status.history", 0)
    newest = reading.mapping(history[0], *at)
    return Installed(
        version=reading.whole(newest.get("version"), *at, "version"),
        first_deployed=reading.millis(newest.get("firstDeployed"), *at, "firstDeployed"),
        last_deployed=reading.millis(newest.get("lastDeployed"), *at, "lastDeployed"),
    )
