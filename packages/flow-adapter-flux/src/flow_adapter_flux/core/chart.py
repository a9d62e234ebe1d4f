"""A HelmChart as far as it matters here: what keeps it from being pulled, and for which release.

Source: `source.toolkit.fluxcd.io/v1`. The object lives in its source's namespace and is created before
dependencies are checked, so a chart that cannot be pulled shows here first.
"""

from dataclasses import dataclass

from flow_adapter_flux.core.reading import Reading, described, is_mapping
from flow_adapter_flux.core.release import Condition, ObjectKey, Unreadable, read_conditions, read_key

OWNER_LABELS = ("helm.toolkit.fluxcd.io/namespace", "helm.toolkit.fluxcd.io/name")
"""Labels that name the release a HelmChart was made for; its own name cannot be split safely."""

NOT_FETCHED = ("FetchFailed", "BuildFailed", "Stalled")
"""Conditions that are true while a chart cannot be had; they say why when Ready is not there yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartProblem:
    """Why a chart is not there: source-controller's reason and message, since when in Unix milliseconds."""

    reason: str
    message: str | None = None
    since: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A HelmChart: `owner` is the release it was made for, `problem` is `None` while all is well with it.

    `problems` names the parts that could not be read and were left out."""

    key: ObjectKey
    owner: ObjectKey | None = None
    problem: ChartProblem | None = None
    problems: tuple[str, ...] = ()


def read_chart(decoded: object) -> Chart | Unreadable:
    """The chart in a decoded object. Never raises, whatever the object looks like."""
    if not is_mapping(decoded):
        return Unreadable(problem=f"$: expected an object, found {described(decoded)}")
    reading = Reading()
    metadata = reading.mapping(decoded.get("metadata"), "metadata")
    key = read_key(metadata)
    if isinstance(key, Unreadable):
        return key
    labels = reading.mapping(metadata.get("labels"), "metadata.labels")
    owner = [reading.text(labels.get(label), "metadata.labels", label) for label in OWNER_LABELS]
    conditions = read_conditions(reading, reading.mapping(decoded.get("status"), "status"))
    return Chart(
        key=key,
        owner=ObjectKey(owner[0], owner[1]) if owner[0] and owner[1] else None,
        problem=_problem(conditions),
        problems=tuple(reading.problems),
    )


def _problem(conditions: dict[str, Condition]) -> ChartProblem | None:
    ready = conditions.get("Ready")
    if ready is not None and ready.status == "True":
        return None
    failing = next((c for kind in NOT_FETCHED if (c := conditions.get(kind)) and c.status == "True"), None)
    told = ready if ready is not None and ready.status == "False" else failing
    if told is None:
        return None
    since = [condition.changed_at for condition in (failing, told) if condition and condition.changed_at]
    return ChartProblem(
        reason=told.reason or "NotReady", message=told.message, since=min(since) if since else None
    )
