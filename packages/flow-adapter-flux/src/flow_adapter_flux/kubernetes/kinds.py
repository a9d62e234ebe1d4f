"""The kinds of objects that are watched, and how one of each is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flow_adapter_flux.core.chart import Chart, read_chart
from flow_adapter_flux.core.release import Release, Unreadable, read_release

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[T]):
    """A kind in the API: its paths, and `read`, which never raises."""

    name: str
    group: str
    version: str
    plural: str
    read: Callable[[object], T | Unreadable]

    def path(self, namespace: str) -> str:
        """Where it is listed and watched, in one namespace or, with `""`, in all."""
        place = f"namespaces/{namespace}/" if namespace else ""
        return f"apis/{self.group}/{self.version}/{place}{self.plural}"


HELM_RELEASES: Kind[Release] = Kind(
    name="HelmRelease",
    group="helm.toolkit.fluxcd.io",
    version="v2",
    plural="helmreleases",
    read=read_release,
)
HELM_CHARTS: Kind[Chart] = Kind(
    name="HelmChart",
    group="source.toolkit.fluxcd.io",
    version="v1",
    plural="helmcharts",
    read=read_chart,
)
