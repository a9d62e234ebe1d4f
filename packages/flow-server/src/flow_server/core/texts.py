"""How long a message's texts may be. A bound of this server; the contract has none."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from flow_contract import (
    ContractError,
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
    ids_of,
    shown,
)

TEXT_CHARACTERS = 4096
"""Longest id, label, status, family or region, in characters. `meta` is bounded by the body alone."""


def check_texts(messages: list[FlowMessage], *, batch: bool) -> None:
    """Refuse a text that is too long; in a batch paths begin with the index. Raises `ContractError`."""
    for index, message in enumerate(messages):
        for path, text in (*ids_of(message), *_texts_of(message)):
            if len(text) > TEXT_CHARACTERS:
                raise ContractError(
                    path=f"$[{index}]{path}" if batch else f"${path}",
                    problem=f"expected at most {TEXT_CHARACTERS} characters, there are {len(text)}",
                    found=shown(text, limit=32),
                )


def _texts_of(message: FlowMessage) -> Iterator[tuple[str, str]]:
    """Texts that are no ids, with their paths below the message."""
    match message:
        case Snapshot(flow=flow, nodes=nodes, relationships=relationships):
            yield from _of_flow(flow)
            yield from _of_nodes(nodes)
            yield from _of_relationships(relationships)
        case UpsertFlow(flow=flow):
            yield from _of_flow(flow)
        case UpsertNodes(nodes=nodes):
            yield from _of_nodes(nodes)
        case UpsertRels(relationships=relationships):
            yield from _of_relationships(relationships)
        case DeleteNodes() | DeleteRels():
            return
        case _:
            assert_never(message)


def _of_flow(flow: FlowInstance) -> Iterator[tuple[str, str]]:
    yield ".flow.status", flow.status
    yield ".flow.definitionId", flow.definition_id or ""
    yield ".flow.parentFlowId", flow.parent_flow_id or ""


def _of_nodes(nodes: Iterable[FlowNode]) -> Iterator[tuple[str, str]]:
    for index, node in enumerate(nodes):
        yield f".nodes[{index}].label", node.label
        yield f".nodes[{index}].status", node.status
        yield f".nodes[{index}].family", node.family or ""
        yield f".nodes[{index}].region", node.region or ""


def _of_relationships(relationships: Iterable[Relationship]) -> Iterator[tuple[str, str]]:
    for index, relationship in enumerate(relationships):
        yield f".relationships[{index}].fromFlowId", relationship.from_flow_id or ""
        yield f".relationships[{index}].toFlowId", relationship.to_flow_id or ""
