"""Any message that the contract allows, for hypothesis."""

from typing import Any, get_args

from hypothesis import strategies as st

from flow_contract import (
    UNSAFE_INTEGER,
    DeleteNodes,
    DeleteRels,
    FlowInstance,
    FlowMessage,
    FlowNode,
    Relationship,
    RelationshipPair,
    Snapshot,
    Trigger,
    UpsertFlow,
    UpsertNodes,
    UpsertRels,
)
from flow_contract.objects import Condition, Outcome, RelationshipType

characters = st.characters(exclude_categories=["Cs"])  # surrogates have no place in UTF-8
texts = st.text(characters, min_size=1, max_size=8)
ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
times = st.integers(0, UNSAFE_INTEGER - 1)
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(characters, max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(characters, max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
metas = st.dictionaries(st.text(characters, max_size=8), values, max_size=4)

flows = st.builds(
    FlowInstance,
    id=ids,
    definition_id=st.none() | texts,
    parent_flow_id=st.none() | texts,
    triggered_by=st.none()
    | st.lists(st.builds(Trigger, flow_id=ids, when=st.sampled_from(get_args(Outcome))), max_size=3).map(
        tuple
    ),
    status=texts,
    started_at=times,
    ended_at=st.none() | times,
    meta=st.none() | metas,
)
nodes = st.builds(
    FlowNode,
    id=ids,
    flow_id=ids,
    label=texts,
    status=texts,
    family=st.none() | texts,
    region=st.none() | texts,
    started_at=st.none() | times,
    ended_at=st.none() | times,
    meta=st.none() | metas,
)
relationship_types = st.sampled_from(get_args(RelationshipType))
relationships = st.builds(
    Relationship,
    from_id=ids,
    to_id=ids,
    from_flow_id=st.none() | texts,
    to_flow_id=st.none() | texts,
    type=relationship_types,
    condition=st.none() | st.sampled_from(get_args(Condition)),
    lag=st.floats(0, UNSAFE_INTEGER, exclude_max=True),
)
pairs = st.builds(RelationshipPair, from_id=ids, to_id=ids, type=relationship_types)


def some(items: st.SearchStrategy[Any], *, least: int = 1) -> st.SearchStrategy[Any]:
    return st.lists(items, min_size=least, max_size=4).map(tuple)


messages: st.SearchStrategy[FlowMessage] = st.one_of(
    st.builds(Snapshot, flow=flows, nodes=some(nodes, least=0), relationships=some(relationships, least=0)),
    st.builds(UpsertFlow, flow=flows),
    st.builds(UpsertNodes, nodes=some(nodes)),
    st.builds(UpsertRels, relationships=some(relationships)),
    st.builds(DeleteNodes, ids=some(ids)),
    st.builds(DeleteRels, pairs=some(pairs)),
)
