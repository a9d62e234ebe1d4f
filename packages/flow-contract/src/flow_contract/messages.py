"""The six messages, a union tagged by `type`. Source: the contract, "Messages".

`match` on the class and close the match with `assert_never`: a seventh message is then a type error.
"""

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from flow_contract.objects import FlowInstance, FlowNode, Id, Relationship, RelationshipPair

if TYPE_CHECKING:
    OptionalNodes = tuple[FlowNode, ...]
    OptionalRelationships = tuple[Relationship, ...]
else:
    OptionalNodes = tuple[FlowNode, ...] | None  # `null` is read as absent; `__post_init__` makes it ()
    OptionalRelationships = tuple[Relationship, ...] | None


class Snapshot(Struct, frozen=True, kw_only=True, tag_field="type", tag="snapshot"):
    """Replaces everything held for the flow. Both lists are always on the wire, also when empty."""

    flow: FlowInstance
    nodes: OptionalNodes = ()
    relationships: OptionalRelationships = ()

    def __post_init__(self) -> None:  # noqa: D105
        if self.nodes is None:  # pyright: ignore[reportUnnecessaryComparison]
            force_setattr(self, "nodes", ())
        if self.relationships is None:  # pyright: ignore[reportUnnecessaryComparison]
            force_setattr(self, "relationships", ())


class UpsertFlow(Struct, frozen=True, kw_only=True, tag_field="type", tag="upsert-flow"):
    """Replaces the header."""

    flow: FlowInstance


class UpsertNodes(Struct, frozen=True, kw_only=True, tag_field="type", tag="upsert-nodes"):
    """Each node replaces the one with its key."""

    nodes: Annotated[tuple[FlowNode, ...], Meta(min_length=1)]


class UpsertRels(Struct, frozen=True, kw_only=True, tag_field="type", tag="upsert-rels"):
    """Each relationship replaces the one with its key."""

    relationships: Annotated[tuple[Relationship, ...], Meta(min_length=1)]


class DeleteNodes(Struct, frozen=True, kw_only=True, tag_field="type", tag="delete-nodes"):
    """Removes every node with one of these ids, and every relationship from or to them."""

    ids: Annotated[tuple[Id, ...], Meta(min_length=1)]


class DeleteRels(Struct, frozen=True, kw_only=True, tag_field="type", tag="delete-rels"):
    """Removes these relationships."""

    pairs: Annotated[tuple[RelationshipPair, ...], Meta(min_length=1)]


FlowMessage = Snapshot | UpsertFlow | UpsertNodes | UpsertRels | DeleteNodes | DeleteRels
"""What emitters send, servers keep and readers get."""

MESSAGE_TYPES: dict[type[FlowMessage], str] = {
    Snapshot: "snapshot",
    UpsertFlow: "upsert-flow",
    UpsertNodes: "upsert-nodes",
    UpsertRels: "upsert-rels",
    DeleteNodes: "delete-nodes",
    DeleteRels: "delete-rels",
}
"""Message class -> its `type` on the wire, which is also the name of its server-sent event."""
