"""A flow's state as the checker sees it: plain JSON objects by key, folded on its own.

This fold shares nothing with the server's on purpose: a mistake would have to be made twice to stay unseen.
"""

import json
from functools import lru_cache
from typing import Any, NamedTuple, cast

import msgspec

from flow_contract import decode_message, encode_message, rollup
from flow_simulator.checker.entries import Json


class HeaderKey(NamedTuple):
    """The one header of a flow."""

    kind: str = "header"


class NodeKey(NamedTuple):
    """Natural key of a node."""

    flow_id: str
    id: str


class RelationshipKey(NamedTuple):
    """Natural key of a relationship."""

    from_id: str
    to_id: str
    type: str


Key = HeaderKey | NodeKey | RelationshipKey
HEADER = HeaderKey()


def node_key(node: Json) -> NodeKey:
    """The key under which a node is held."""
    return NodeKey(node["flowId"], node["id"])


def relationship_key(relationship: Json) -> RelationshipKey:
    """The key under which a relationship is held, also of a pair to delete."""
    return RelationshipKey(relationship["fromId"], relationship["toId"], relationship["type"])


def normal_form(message: Json) -> Json:
    """The message as a server passes it on: nothing unknown, no null, no lag of 0, whole times."""
    return json.loads(encode_message(decode_message(msgspec.json.encode(message))))


@lru_cache(maxsize=65_536)
def fingerprint_of(data: str) -> bytes:
    """The fingerprint of a frame's data; many readers get the same."""
    return fingerprint(json.loads(data))


def fingerprint(message: Json) -> bytes:
    """Bytes that are equal exactly for messages that are equal as JSON values."""
    return msgspec.json.encode(_with_plain_numbers(message), order="deterministic")


def _with_plain_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        members = cast("Json", value)
        return {key: _with_plain_numbers(one) for key, one in members.items()}
    return (
        [_with_plain_numbers(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value
    )


class Picture:
    """Header, nodes and relationships in the order of their first appearance."""

    def __init__(self) -> None:
        """Nothing: a flow that nobody has fed."""
        self.header: Json | None = None
        """The declared header; a derived one counts as none."""
        self.nodes: dict[NodeKey, Json] = {}
        self.relationships: dict[RelationshipKey, Json] = {}

    @classmethod
    def of(cls, snapshot: Json) -> "Picture":
        """What a `snapshot` message shows."""
        picture = cls()
        picture.fold(snapshot)
        return picture

    def copied(self) -> "Picture":
        """Another picture of the same; the objects are shared."""
        copy = Picture()
        copy.header, copy.nodes, copy.relationships = self.header, dict(self.nodes), dict(self.relationships)
        return copy

    def same_as(self, other: "Picture") -> bool:
        """Whether the other one shows the same in the same order."""
        return (
            self.header == other.header
            and list(self.nodes.items()) == list(other.nodes.items())
            and list(self.relationships.items()) == list(other.relationships.items())
        )

    def fold(self, message: Json) -> None:
        """Apply one message. Raises KeyError for one of unknown type."""
        match message["type"]:
            case "snapshot":
                self.header = None if is_derived(message["flow"]) else message["flow"]
                self.nodes = {node_key(node): node for node in message["nodes"]}
                self.relationships = {relationship_key(one): one for one in message["relationships"]}
            case "upsert-flow":
                self.header = message["flow"]
            case "upsert-nodes":
                self.nodes.update((node_key(node), node) for node in message["nodes"])
            case "upsert-rels":
                self.relationships.update((relationship_key(one), one) for one in message["relationships"])
            case "delete-nodes":
                gone = set(message["ids"])
                self.nodes = {key: node for key, node in self.nodes.items() if key.id not in gone}
                self.relationships = {
                    key: one
                    for key, one in self.relationships.items()
                    if key.from_id not in gone and key.to_id not in gone
                }
            case "delete-rels":
                for pair in message["pairs"]:
                    self.relationships.pop(relationship_key(pair), None)
            case unknown:
                raise KeyError(unknown)

    def value(self, key: Key) -> Json | None:
        """What is held under a key."""
        match key:
            case HeaderKey():
                return self.header
            case NodeKey():
                return self.nodes.get(key)
            case RelationshipKey():
                return self.relationships.get(key)

    def keys(self) -> set[Key]:
        """All keys under which something is held."""
        return {*([HEADER] if self.header is not None else []), *self.nodes, *self.relationships}

    def status(self) -> str:
        """The status of a derived header. Source: the contract, "Rollup"."""
        return rollup(
            (node["status"], node.get("meta", {}).get("suspended") is True) for node in self.nodes.values()
        )


def is_derived(header: Json) -> bool:
    """Whether the server made the header because nobody declared one."""
    return header.get("meta", {}).get("derived") is True
