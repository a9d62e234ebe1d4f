import msgspec
import pytest

from flow_contract import (
    DeleteRels,
    FlowInstance,
    FlowNode,
    NodeKey,
    Relationship,
    RelationshipKey,
    RelationshipPair,
    UpsertFlow,
    decode_message,
    encode_message,
)


def node(**fields: object) -> FlowNode:
    base = {"id": "a/b", "flowId": "f", "label": "l", "status": "s"}
    return msgspec.convert(base | fields, FlowNode)


def test_a_node_is_known_by_flow_and_id() -> None:
    assert node().key == NodeKey(flow_id="f", id="a/b")
    assert node(flowId="a", id="b/f").key != node(flowId="a/b", id="f").key


def test_a_relationship_and_the_pair_that_deletes_it_have_one_key() -> None:
    relationship = Relationship(from_id="a", to_id="b", to_flow_id="x", type="contains", lag=2.5)
    pair = RelationshipPair(from_id="a", to_id="b", type="contains")
    assert relationship.key == pair.key == RelationshipKey(from_id="a", to_id="b", type="contains")
    assert decode_message(encode_message(DeleteRels(pairs=(pair,)))) == DeleteRels(pairs=(pair,))


@pytest.mark.parametrize(
    ("meta", "suspended"),
    [
        (None, False),
        ({}, False),
        ({"suspended": True}, True),
        ({"suspended": 1}, False),
        ({"suspended": "true"}, False),
    ],
)
def test_a_node_is_suspended_only_when_its_meta_says_true(meta: object, suspended: bool) -> None:
    assert node(meta=meta).suspended is suspended


@pytest.mark.parametrize(
    "times", [{"startedAt": 5.0}, {"startedAt": 5, "endedAt": 6.0}, {"startedAt": 5.0, "endedAt": 6.0}]
)
def test_times_without_a_fraction_are_integers_once_decoded(times: dict[str, float]) -> None:
    started_at, ended_at = node(**times).started_at, node(**times).ended_at
    assert (type(started_at), started_at) == (int, 5)
    assert ended_at is None or (type(ended_at), ended_at) == (int, 6)


def test_values_are_frozen_and_take_keywords_only() -> None:
    flow = FlowInstance(id="f", status="s", started_at=1)
    with pytest.raises(AttributeError):
        flow.status = "t"  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(TypeError):
        UpsertFlow(flow)  # type: ignore[misc]  # pyright: ignore[reportCallIssue]
