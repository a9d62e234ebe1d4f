"""The state of a flow, folded from its messages. Source: the contract, "Messages".

Invariants: a node or relationship keeps its place when it is updated; folding a message twice is folding it
once; the state never depends on what a ring still holds.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Generic, TypeVar, assert_never

import msgspec
from msgspec import Struct

from flow_contract import (
    DeleteNodes,
    DeleteRels,
    FlowInstance,
    FlowMessage,
    FlowNode,
    Relationship,
    Snapshot,
    UpsertFlow,
    UpsertNodes,
    UpsertRels,
    rollup,
)

T = TypeVar("T", FlowNode, Relationship)

_encode = msgspec.json.encode


class StateImage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A flow's whole state as plain data, as a store keeps it."""

    header: FlowInstance | None = None
    nodes: tuple[FlowNode, ...] = ()
    relationships: tuple[Relationship, ...] = ()


class Held(Struct, Generic[T], eq=False):
    """A node or relationship with its JSON, which is made when first needed and kept until it changes."""

    value: T
    kept: bytes | None = None

    @property
    def encoded(self) -> bytes:
        """The value's JSON."""
        if self.kept is None:
            self.kept = _encode(self.value)
        return self.kept


class FlowState:
    """Header, nodes and relationships; changed only by `fold`."""

    def __init__(self, image: StateImage | None = None) -> None:
        """The empty state, or the state that an image shows."""
        self.header: FlowInstance | None = None
        # Plain tuples, equal to the natural keys: a named one costs as much as the rest of an upsert.
        self.nodes: dict[tuple[str, str], Held[FlowNode]] = {}
        self.relationships: dict[tuple[str, str, str], Held[Relationship]] = {}
        self._keys_of_id: dict[str, set[tuple[str, str]]] = {}
        self._touching: dict[str, set[tuple[str, str, str]]] = {}
        if image is not None:
            self.header = image.header
            self._put_nodes(image.nodes)
            self._put_relationships(image.relationships)

    def image(self) -> StateImage:
        """The state as plain data; shares the nodes and relationships, which are frozen."""
        return StateImage(
            header=self.header,
            nodes=tuple(held.value for held in self.nodes.values()),
            relationships=tuple(held.value for held in self.relationships.values()),
        )

    def fold(self, message: FlowMessage) -> None:
        """Apply one message."""
        match message:
            case UpsertNodes(nodes=nodes):
                self._put_nodes(nodes)
            case UpsertRels(relationships=relationships):
                self._put_relationships(relationships)
            case UpsertFlow(flow=flow):
                self.header = _declared(flow)
            case DeleteNodes(ids=ids):
                for node_id in ids:
                    self._remove_node(node_id)
            case DeleteRels(pairs=pairs):
                for pair in pairs:
                    self._remove_relationship(pair.key)
            case Snapshot(flow=flow, nodes=nodes, relationships=relationships):
                self.__init__(StateImage(header=_declared(flow), nodes=nodes, relationships=relationships))
            case _:
                assert_never(message)

    def rollup(self) -> str:
        """The worst status of all nodes. Source: the contract, "Rollup"."""
        return rollup({(held.value.status, held.value.suspended) for held in self.nodes.values()})

    def counts(self) -> dict[str, int]:
        """Nodes by status, without those that contain others and those suspended on purpose."""
        parents = {to_id for _, to_id, kind in self.relationships if kind == "contains"}
        return dict(
            Counter(
                held.value.status
                for held in self.nodes.values()
                if not held.value.suspended and held.value.id not in parents
            )
        )

    def _put_nodes(self, nodes: Iterable[FlowNode]) -> None:
        held = self.nodes
        for node in nodes:
            key = (node.flow_id, node.id)
            if key not in held:
                self._keys_of_id.setdefault(node.id, set()).add(key)
            held[key] = Held(node)

    def _put_relationships(self, relationships: Iterable[Relationship]) -> None:
        for relationship in relationships:
            key = (relationship.from_id, relationship.to_id, relationship.type)
            if key not in self.relationships:
                self._touching.setdefault(relationship.from_id, set()).add(key)
                self._touching.setdefault(relationship.to_id, set()).add(key)
            self.relationships[key] = Held(relationship)

    def _remove_node(self, node_id: str) -> None:
        for key in self._keys_of_id.pop(node_id, ()):
            del self.nodes[key]
        for key in list(self._touching.get(node_id, ())):
            self._remove_relationship(key)

    def _remove_relationship(self, key: tuple[str, str, str]) -> None:
        if self.relationships.pop(key, None) is None:
            return
        for end in {key[0], key[1]}:
            touching = self._touching[end]
            touching.discard(key)
            if not touching:
                del self._touching[end]


def _declared(header: FlowInstance) -> FlowInstance | None:
    """The header, unless it was derived, here or by another server: that is for reading, never kept."""
    return None if header.meta is not None and header.meta.get("derived") is True else header


def snapshot_json(state: FlowState, *, header: FlowInstance) -> bytes:
    """The state as a `snapshot` message, joined from the bytes kept for each node and relationship."""
    return b'{"type":"snapshot","flow":%b,"nodes":[%b],"relationships":[%b]}' % (
        _encode(header),
        b",".join([held.encoded for held in state.nodes.values()]),
        b",".join([held.encoded for held in state.relationships.values()]),
    )


def derived_header(flow_id: str, *, status: str, started_at_ms: int) -> FlowInstance:
    """The header of a flow for which no emitter has declared one. Source: the contract, "The stream"."""
    return FlowInstance(id=flow_id, status=status, started_at=started_at_ms, meta={"derived": True})
