"""A region of a flow: which ids are its own, and the node that stands for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from flow_adapter_flux.core.release import ObjectKey
from flow_contract import FlowNode, rollup

SOURCE = "flux"
"""`meta.source` of every node that an adapter sends."""

HOME_NAMESPACE = "flux-system"
"""Where Flux keeps releases by convention; when all namespaces are watched its releases have the short id."""

DEFAULT_KEY = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """`key` is the region's node id, a blank one is `default`; `namespace` the watched one, `""` for all.

    `cluster` tells clusters apart: two with one key would otherwise delete each other's nodes.
    """

    flow_id: str
    key: str
    cluster: str
    namespace: str = HOME_NAMESPACE

    @property
    def node_id(self) -> str:
        """Id of the region's own node."""
        return self.key.strip() or DEFAULT_KEY

    def id_of(self, release: ObjectKey) -> str:
        """Id of a release's node, whether or not there is such a release."""
        if release.namespace == (self.namespace or HOME_NAMESPACE):
            return f"{self.node_id}/{release.name}"
        return f"{self.node_id}/{release.namespace}/{release.name}"

    def sees(self, release: ObjectKey) -> bool:
        """Whether a release there would be listed."""
        return self.namespace in {"", release.namespace}

    def owns(self, node_id: str) -> bool:
        """Whether an id is the region's or below it; `REGION_KEY` itself has no slash."""
        return node_id == self.node_id or node_id.startswith(f"{self.node_id}/")

    def node(self, states: Iterable[tuple[str, bool]]) -> FlowNode:
        """The region's node: the rollup of its releases' states, each (status, suspended on purpose) once."""
        statuses = list(states)
        meta: dict[str, object] = {"source": SOURCE, "cluster": self.cluster}
        if statuses and all(suspended for _, suspended in statuses):
            meta["suspended"] = True
        return FlowNode(
            id=self.node_id,
            flow_id=self.flow_id,
            label=self.node_id,
            status=rollup(statuses),
            family="region",
            region=self.node_id,
            meta=meta,
        )
