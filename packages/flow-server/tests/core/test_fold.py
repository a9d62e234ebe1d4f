"""The fold, against the contract's vectors and against its own laws."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_contract import (
    DeleteNodes,
    DeleteRels,
    FlowInstance,
    FlowMessage,
    FlowNode,
    Relationship,
    RelationshipPair,
    Snapshot,
    UpsertFlow,
    UpsertNodes,
    UpsertRels,
    decode_message,
    rollup,
)
from flow_server.core.fold import FlowState, StateImage, derived_header, snapshot_json

VECTORS = Path(__file__).parents[3] / "flow-contract" / "vectors" / "fold"
CASES = [case for path in sorted(VECTORS.glob("*.json")) for case in json.loads(path.read_text())]


def _snapshot_of(state: FlowState, case: dict[str, Any]) -> Any:
    # A derived header's startedAt is the flow's first message; a reader keeps the one it was told.
    started_at_ms = case["state"]["flow"]["startedAt"]
    header = state.header or derived_header(
        case["flowId"], status=state.rollup(), started_at_ms=started_at_ms
    )
    return json.loads(snapshot_json(state, header=header))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_messages_lead_to_the_state_of_the_vector(case: dict[str, Any]) -> None:
    state = FlowState()
    for message in case["messages"]:
        state.fold(decode_message(json.dumps(message).encode()))
    assert _snapshot_of(state, case) == case["state"]
    if case["messages"]:
        state.fold(decode_message(json.dumps(case["messages"][-1]).encode()))
        assert _snapshot_of(state, case) == case["state"]


_ids = st.sampled_from(["a", "b", "c", "a/b"])
_flow_ids = st.sampled_from(["f", "g"])
_statuses = st.sampled_from(["pending", "running", "succeeded", "failed", "odd"])
_nodes = st.builds(
    FlowNode,
    id=_ids,
    flow_id=_flow_ids,
    label=st.just("l"),
    status=_statuses,
    meta=st.none() | st.fixed_dictionaries({"suspended": st.booleans()}),
)
_types = st.sampled_from(["contains", "finish-to-start", "triggers"])
_rels = st.builds(Relationship, from_id=_ids, to_id=_ids, type=_types, lag=st.sampled_from([0.0, 2.5]))
_pairs = st.builds(RelationshipPair, from_id=_ids, to_id=_ids, type=_types)
_flows = st.builds(FlowInstance, id=st.just("f"), status=_statuses, started_at=st.just(1))


def _tuples(values: st.SearchStrategy[Any], *, least: int = 1) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, min_size=least, max_size=4).map(tuple)


messages: st.SearchStrategy[FlowMessage] = st.one_of(
    st.builds(UpsertNodes, nodes=_tuples(_nodes)),
    st.builds(UpsertRels, relationships=_tuples(_rels)),
    st.builds(DeleteNodes, ids=_tuples(_ids)),
    st.builds(DeleteRels, pairs=_tuples(_pairs)),
    st.builds(UpsertFlow, flow=_flows),
    st.builds(Snapshot, flow=_flows, nodes=_tuples(_nodes, least=0), relationships=_tuples(_rels, least=0)),
)


def _folded(history: list[FlowMessage], start: StateImage | None = None) -> FlowState:
    state = FlowState(start)
    for message in history:
        state.fold(message)
    return state


@given(history=st.lists(messages, max_size=12), last=messages)
def test_folding_a_message_twice_is_folding_it_once(history: list[FlowMessage], last: FlowMessage) -> None:
    assert _folded([*history, last, last]).image() == _folded([*history, last]).image()


@given(history=st.lists(messages, max_size=12), cut=st.integers(0, 12))
def test_folding_all_is_folding_the_image_and_then_the_rest(history: list[FlowMessage], cut: int) -> None:
    whole = _folded(history)
    resumed = _folded(history[cut:], _folded(history[:cut]).image())
    assert resumed.image() == whole.image()
    assert resumed.rollup() == whole.rollup()


@given(history=st.lists(messages, max_size=12))
def test_no_relationship_outlives_a_node_that_was_deleted(history: list[FlowMessage]) -> None:
    image = _folded([*history, DeleteNodes(ids=("a",))]).image()
    assert not [node for node in image.nodes if node.id == "a"]
    assert not [rel for rel in image.relationships if "a" in (rel.from_id, rel.to_id)]


@given(history=st.lists(messages, max_size=12))
def test_the_running_rollup_is_the_rollup_of_all_nodes(history: list[FlowMessage]) -> None:
    state = _folded(history)
    assert state.rollup() == rollup([(node.status, node.suspended) for node in state.image().nodes])


@given(history=st.lists(messages, max_size=12), asked_at=st.sets(st.integers(0, 11)))
def test_a_joined_snapshot_is_the_encoded_image(history: list[FlowMessage], asked_at: set[int]) -> None:
    header = FlowInstance(id="f", status="s", started_at=1)
    state = FlowState()
    for index, message in enumerate(history):
        state.fold(message)
        if index in asked_at:  # bytes that are kept must not outlive what they are of
            snapshot_json(state, header=header)
    image = state.image()
    whole = Snapshot(flow=header, nodes=image.nodes, relationships=image.relationships)
    assert snapshot_json(state, header=header) == msgspec.json.encode(whole)


def test_counts_leave_out_parents_and_suspended_nodes() -> None:
    def node(name: str, status: str, *, suspended: bool = False) -> FlowNode:
        meta = {"suspended": True} if suspended else None
        return FlowNode(id=name, flow_id="f", label=name, status=status, meta=meta)

    state = _folded(
        [
            UpsertNodes(
                nodes=(node("r", "failed"), node("r/a", "failed"), node("r/b", "pending", suspended=True))
            ),
            UpsertRels(relationships=(Relationship(from_id="r/a", to_id="r", type="contains"),)),
        ]
    )
    assert state.counts() == {"failed": 1}
