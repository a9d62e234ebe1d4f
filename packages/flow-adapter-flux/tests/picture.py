"""A server's picture, kept the plainest way: what the contract says each message does."""

from collections.abc import Iterable

from flow_contract import (
    DeleteNodes,
    DeleteRels,
    FlowInstance,
    FlowMessage,
    FlowNode,
    Relationship,
    RelationshipKey,
    Snapshot,
    UpsertNodes,
    UpsertRels,
    rollup,
)


class Picture:
    def __init__(self, nodes: Iterable[FlowNode] = (), relationships: Iterable[Relationship] = ()) -> None:
        self.nodes = {node.id: node for node in nodes}
        self.relationships: dict[RelationshipKey, Relationship] = {rel.key: rel for rel in relationships}

    def take(self, messages: Iterable[FlowMessage]) -> None:
        for message in messages:
            match message:
                case UpsertNodes(nodes=nodes):
                    self.nodes.update({node.id: node for node in nodes})
                case UpsertRels(relationships=relationships):
                    self.relationships.update({rel.key: rel for rel in relationships})
                case DeleteNodes(ids=ids):
                    for node_id in ids:
                        self.nodes.pop(node_id, None)
                        for key in [key for key in self.relationships if node_id in {key.from_id, key.to_id}]:
                            del self.relationships[key]
                case DeleteRels(pairs=pairs):
                    for pair in pairs:
                        self.relationships.pop(pair.key, None)
                case _:
                    raise AssertionError(f"an adapter never sends {type(message).__name__}")

    def snapshot(self, flow_id: str) -> Snapshot:
        status = rollup((node.status, node.suspended) for node in self.nodes.values())
        return Snapshot(
            flow=FlowInstance(id=flow_id, status=status, started_at=0, meta={"derived": True}),
            nodes=tuple(self.nodes.values()),
            relationships=tuple(self.relationships.values()),
        )
