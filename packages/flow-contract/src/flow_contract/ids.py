"""Where the ids of a message stand, and what may not stand in one. Source: the contract, "HTTP".

The contract counts `id`, `flowId`, `fromId`, `toId` and `ids`; in all other texts, `definitionId` and
`toFlowId` among them, an escaped control character is allowed.
"""

import re
from collections.abc import Iterator
from typing import assert_never

from flow_contract.messages import (
    DeleteNodes,
    DeleteRels,
    FlowMessage,
    Snapshot,
    UpsertFlow,
    UpsertNodes,
    UpsertRels,
)
from flow_contract.objects import CONTROL_CHARACTER, FlowInstance, FlowNode, Relationship, RelationshipPair

_CONTROL = re.compile(CONTROL_CHARACTER)


def has_control_character(text: str) -> bool:
    """Whether a character of Unicode's category Cc is in the text: not allowed in an id."""
    return _CONTROL.search(text) is not None


def ids_of(message: FlowMessage) -> Iterator[tuple[str, str]]:
    """Every id in a message with its path under the message (`.nodes[0].flowId`), in no promised order."""
    match message:
        case Snapshot(flow=flow, nodes=nodes, relationships=relationships):
            yield from _of_flow(flow)
            yield from _of_nodes(nodes)
            yield from _of_relationships("relationships", relationships)
        case UpsertFlow(flow=flow):
            yield from _of_flow(flow)
        case UpsertNodes(nodes=nodes):
            yield from _of_nodes(nodes)
        case UpsertRels(relationships=relationships):
            yield from _of_relationships("relationships", relationships)
        case DeleteNodes(ids=ids):
            for index, node_id in enumerate(ids):
                yield f".ids[{index}]", node_id
        case DeleteRels(pairs=pairs):
            yield from _of_relationships("pairs", pairs)
        case _:
            assert_never(message)


def _of_flow(flow: FlowInstance) -> Iterator[tuple[str, str]]:
    yield ".flow.id", flow.id
    for index, trigger in enumerate(flow.triggered_by or ()):
        yield f".flow.triggeredBy[{index}].flowId", trigger.flow_id


def _of_nodes(nodes: tuple[FlowNode, ...]) -> Iterator[tuple[str, str]]:
    for index, node in enumerate(nodes):
        yield f".nodes[{index}].id", node.id
        yield f".nodes[{index}].flowId", node.flow_id


def _of_relationships(
    name: str, relationships: tuple[Relationship, ...] | tuple[RelationshipPair, ...]
) -> Iterator[tuple[str, str]]:
    for index, relationship in enumerate(relationships):
        yield f".{name}[{index}].fromId", relationship.from_id
        yield f".{name}[{index}].toId", relationship.to_id
