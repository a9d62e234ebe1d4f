"""The server's snapshot against the mirror: what to send so that our region is right, and nothing else.

Several regions feed one flow, so a region never sends a `snapshot`: it would wipe the others.
"""

from dataclasses import dataclass

from flow_adapter_flux.core.mirror import Mirror
from flow_adapter_flux.core.outbox import Key
from flow_adapter_flux.core.region import SOURCE, Region
from flow_contract import (
    DeleteNodes,
    DeleteRels,
    FlowMessage,
    FlowNode,
    Relationship,
    RelationshipKey,
    RelationshipPair,
    Snapshot,
    UpsertNodes,
    UpsertRels,
)

OWN_TYPES = ("contains", "finish-to-start")
"""Types of relationships that an adapter declares."""


@dataclass(frozen=True, kw_only=True)
class Repair:
    """`messages` make the server's picture of our region the mirror's; `held` are the keys it has of it.

    `other_cluster` is the id of another cluster that speaks for the same region: then nothing is deleted.
    """

    messages: tuple[FlowMessage, ...]
    held: frozenset[Key]
    other_cluster: str | None = None


def repair(mirror: Mirror, snapshot: Snapshot | None, *, may_delete: bool = True) -> Repair:
    """Compare with what the server holds; `None`: it does not know the flow."""
    region = mirror.region
    nodes = {node.id: node for node in _own_nodes(snapshot, region)}
    relationships = {rel.key: rel for rel in _own_relationships(snapshot, mirror)}
    other = _other_cluster(nodes.get(region.node_id), region)
    messages: list[FlowMessage] = []
    if may_delete and other is None:
        messages += [
            DeleteRels(pairs=(RelationshipPair(from_id=key.from_id, to_id=key.to_id, type=rel.type),))
            for key, rel in relationships.items()
            if key not in mirror.relationships
        ]
        gone = [node_id for node_id in nodes if node_id not in mirror.nodes and node_id != region.node_id]
        messages += [DeleteNodes(ids=(node_id,)) for node_id in gone]
        taken_along = {key for key in relationships if key.from_id in gone or key.to_id in gone}
    else:
        taken_along = set[RelationshipKey]()
    messages += [
        UpsertNodes(nodes=(node,)) for node_id, node in mirror.nodes.items() if nodes.get(node_id) != node
    ]
    messages += [
        UpsertRels(relationships=(rel,))
        for key, rel in mirror.relationships.items()
        if relationships.get(key) != rel or key in taken_along
    ]
    return Repair(messages=tuple(messages), held=frozenset((*nodes, *relationships)), other_cluster=other)


def _own_nodes(snapshot: Snapshot | None, region: Region) -> list[FlowNode]:
    """Nodes of our region that an adapter sent."""
    if snapshot is None:
        return []
    return [node for node in snapshot.nodes if region.owns(node.id) and _is_ours(node, region)]


def _own_relationships(snapshot: Snapshot | None, mirror: Mirror) -> list[Relationship]:
    """Relationships that the mirror has, and others within our region.

    An end that is no node (yet) counts as ours, since its id says so; one that is somebody else's does not.
    """
    region = mirror.region
    if snapshot is None:
        return []
    foreign = {node.id for node in snapshot.nodes if not _is_ours(node, region)} - mirror.nodes.keys()
    return [
        rel
        for rel in snapshot.relationships
        if rel.key in mirror.relationships
        or (
            rel.type in OWN_TYPES
            and region.owns(rel.from_id)
            and region.owns(rel.to_id)
            and not foreign & {rel.from_id, rel.to_id}
        )
    ]


def _is_ours(node: FlowNode, region: Region) -> bool:
    return node.flow_id == region.flow_id and node.meta is not None and node.meta.get("source") == SOURCE


def _other_cluster(node: FlowNode | None, region: Region) -> str | None:
    cluster = node.meta.get("cluster") if node is not None and node.meta else None
    return cluster if isinstance(cluster, str) and cluster != region.cluster else None
