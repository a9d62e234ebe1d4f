"""A fold over plain JSON objects, as slow and obvious as possible: the second opinion on `vectors/fold`."""

from typing import Any

from flow_contract import rollup

Json = dict[str, Any]


def node_key(node: Json) -> tuple[str, ...]:
    return node["flowId"], node["id"]


def relationship_key(relationship: Json) -> tuple[str, ...]:
    return relationship["fromId"], relationship["toId"], relationship["type"]


class NaiveFlow:
    """The state of one flow: lists in order of first appearance."""

    def __init__(self, flow_id: str, at: int) -> None:
        self.flow_id = flow_id
        self.at = at
        self.header: Json | None = None
        self.nodes: list[Json] = []
        self.relationships: list[Json] = []

    def apply(self, message: Json) -> None:
        match message["type"]:
            case "snapshot":
                self.header, self.nodes, self.relationships = message["flow"], [], []
                for node in message["nodes"]:
                    self._upsert_node(node)
                for relationship in message["relationships"]:
                    self._upsert_relationship(relationship)
            case "upsert-flow":
                self.header = message["flow"]
            case "upsert-nodes":
                for node in message["nodes"]:
                    self._upsert_node(node)
            case "upsert-rels":
                for relationship in message["relationships"]:
                    self._upsert_relationship(relationship)
            case "delete-nodes":
                gone = message["ids"]
                self.nodes = [node for node in self.nodes if node["id"] not in gone]
                self.relationships = [
                    one for one in self.relationships if one["fromId"] not in gone and one["toId"] not in gone
                ]
            case "delete-rels":
                keys = [relationship_key(pair) for pair in message["pairs"]]
                self.relationships = [one for one in self.relationships if relationship_key(one) not in keys]
            case unknown:
                raise AssertionError(unknown)

    def snapshot(self) -> Json:
        return {
            "type": "snapshot",
            "flow": self._header(),
            "nodes": self.nodes,
            "relationships": self.relationships,
        }

    def _header(self) -> Json:
        declared = self.header
        if declared is not None and declared.get("meta", {}).get("derived") is not True:
            return declared
        status = rollup(
            (node["status"], node.get("meta", {}).get("suspended") is True) for node in self.nodes
        )
        started_at = self.at if declared is None else declared["startedAt"]
        return {"id": self.flow_id, "status": status, "startedAt": started_at, "meta": {"derived": True}}

    def _upsert_node(self, node: Json) -> None:
        _replace_or_append(self.nodes, node, [node_key(one) for one in self.nodes], node_key(node))

    def _upsert_relationship(self, relationship: Json) -> None:
        keys = [relationship_key(one) for one in self.relationships]
        _replace_or_append(self.relationships, relationship, keys, relationship_key(relationship))


def _replace_or_append(
    items: list[Json], item: Json, keys: list[tuple[str, ...]], key: tuple[str, ...]
) -> None:
    if key in keys:
        items[keys.index(key)] = item
    else:
        items.append(item)
