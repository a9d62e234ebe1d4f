"""The kinds that this API serves: their names on the wire and what the server adds to new objects."""

from dataclasses import dataclass
from typing import Any, TypeGuard

JsonObject = dict[str, Any]
"""A JSON object as decoded: what is in it is whatever a client sent."""


def is_object(value: Any) -> TypeGuard[JsonObject]:
    """Whether a decoded JSON value is an object; its names are always strings."""
    return isinstance(value, dict)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One kind: `helmreleases` in `helm.toolkit.fluxcd.io/v2` is `HelmRelease`."""

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    custom: bool = True
    """Whether a CustomResourceDefinition makes it exist; built-in kinds are always there."""

    @property
    def api_version(self) -> str:
        """`group/version`, as in `apiVersion`."""
        return f"{self.group}/{self.version}"

    @property
    def full_name(self) -> str:
        """`plural.group`: in error messages, and the name of its CustomResourceDefinition."""
        return f"{self.plural}.{self.group}"


HELM_RELEASES = Resource(
    group="helm.toolkit.fluxcd.io",
    version="v2",
    plural="helmreleases",
    singular="helmrelease",
    kind="HelmRelease",
    short_names=("hr",),
    categories=("all", "fluxcd", "fluxcd-appliers"),
)
HELM_CHARTS = Resource(
    group="source.toolkit.fluxcd.io",
    version="v1",
    plural="helmcharts",
    singular="helmchart",
    kind="HelmChart",
    short_names=("hc",),
    categories=("all", "fluxcd", "fluxcd-sources"),
)
LEASES = Resource(
    group="coordination.k8s.io",
    version="v1",
    plural="leases",
    singular="lease",
    kind="Lease",
    custom=False,
)
RESOURCES = (HELM_RELEASES, HELM_CHARTS, LEASES)
"""Every kind with objects in the store."""

BUILT_IN_GROUPS = ("apiregistration.k8s.io", "apps", "apiextensions.k8s.io", LEASES.group)
"""Groups whose unknown resources are answered by a Status object; elsewhere 404 is plain text."""


def resource_named(name: str) -> Resource:
    """The resource with that plural name. Raises ValueError, naming the ones there are."""
    for resource in RESOURCES:
        if resource.plural == name:
            return resource
    expected = ", ".join(resource.plural for resource in RESOURCES)
    raise ValueError(f"unknown resource {name!r}, expected one of {expected}")


def resource_of(body: JsonObject) -> Resource:
    """The resource that `apiVersion` and `kind` of an object name. Raises ValueError."""
    for resource in RESOURCES:
        if (body.get("apiVersion"), body.get("kind")) == (resource.api_version, resource.kind):
            return resource
    raise ValueError(f"no resource for apiVersion {body.get('apiVersion')!r}, kind {body.get('kind')!r}")


def add_defaults(resource: Resource, body: JsonObject) -> None:
    """Fill in, in place, what Flux's definitions default: `observedGeneration: -1`, `reconcileStrategy`."""
    if not resource.custom:
        return
    status = body.setdefault("status", {})
    if is_object(status):
        status.setdefault("observedGeneration", -1)
    spec = body.get("spec")
    if resource is HELM_RELEASES and is_object(spec):
        chart = spec.get("chart")
        spec = chart.get("spec") if is_object(chart) else None
    if is_object(spec):
        spec.setdefault("reconcileStrategy", "ChartVersion")
