from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flow_adapter_flux.core.mirror import Mirror
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.repair import repair
from flow_contract import FlowNode, Relationship, RelationshipKey

from .objects import READY, ready, release
from .picture import Picture

REGION = Region(flow_id="flow", key="r", cluster="ours")
IDS = ["r", "r/a", "r/b", "r/ns/c", "r2", "r2/a", "other", "r-x", "R/a"]
METAS: list[dict[str, Any] | None] = [
    None,
    {},
    {"source": "flux"},
    {"source": "flux", "cluster": "ours"},
    {"source": "argo"},
]
NODES = st.builds(
    FlowNode,
    id=st.sampled_from(IDS),
    flow_id=st.sampled_from(["flow", "flow", "flow", "elsewhere"]),
    label=st.just("x"),
    status=st.sampled_from(["running", "failed"]),
    family=st.none(),
    region=st.none(),
    started_at=st.none(),
    ended_at=st.none(),
    meta=st.sampled_from(METAS),
)
RELATIONSHIPS = st.builds(
    Relationship,
    from_id=st.sampled_from(IDS),
    to_id=st.sampled_from(IDS),
    from_flow_id=st.none(),
    to_flow_id=st.none(),
    type=st.sampled_from(["contains", "finish-to-start", "triggers"]),
    condition=st.none(),
    lag=st.sampled_from([0.0, 5.0]),
)
MIRRORED = st.lists(
    st.builds(
        release,
        st.sampled_from(["a", "b", "d"]),
        depends_on=st.lists(st.sampled_from(["a", "b", "x"]), max_size=2),
        conditions=st.sampled_from([[], [READY]]),
    ),
    max_size=3,
)


def mirror_of(releases: list[Any]) -> Mirror:
    mirror = Mirror(REGION)
    mirror.replace_releases(releases)
    return mirror


def is_ours(node: FlowNode) -> bool:
    inside = node.id == "r" or node.id.startswith("r/")
    return inside and node.flow_id == "flow" and (node.meta or {}).get("source") == "flux"


@settings(max_examples=300)
@given(
    MIRRORED, st.lists(NODES, max_size=6, unique_by=lambda node: node.id), st.lists(RELATIONSHIPS, max_size=8)
)
def test_after_a_repair_our_region_is_the_mirror_and_nothing_else_has_changed(
    releases: list[Any], nodes: list[FlowNode], relationships: list[Relationship]
) -> None:
    mirror = mirror_of(releases)
    server = Picture(nodes, relationships)
    others = {node.id: node for node in nodes if not is_ours(node) and node.id not in mirror.nodes}
    found = repair(mirror, server.snapshot("flow"))
    server.take(found.messages)
    for node_id, node in mirror.nodes.items():
        assert server.nodes[node_id] == node
    for key, relationship in mirror.relationships.items():
        assert server.relationships[key] == relationship
    assert {node_id: server.nodes.get(node_id) for node_id in others} == others
    left = {node.id for node in server.nodes.values() if is_ours(node)}
    assert left == set(mirror.nodes)
    again = repair(mirror, server.snapshot("flow"))
    assert again.messages == ()


@given(MIRRORED)
def test_an_unknown_flow_is_filled_and_an_equal_one_left_alone(releases: list[Any]) -> None:
    mirror = mirror_of(releases)
    server = Picture()
    found = repair(mirror, None)
    server.take(found.messages)
    assert found.held == frozenset()
    assert (server.nodes, server.relationships) == (mirror.nodes, mirror.relationships)
    assert repair(mirror, server.snapshot("flow")).messages == ()


def test_a_relationship_of_others_within_our_region_stays() -> None:
    mirror = mirror_of([ready("a")])
    foreign = FlowNode(id="r/job", flow_id="flow", label="job", status="running", meta={"source": "argo"})
    between = Relationship(from_id="r/a", to_id="r/job", type="finish-to-start")
    triggers = Relationship(from_id="r/a", to_id="r", type="triggers")
    server = Picture([*mirror.nodes.values(), foreign], [*mirror.relationships.values(), between, triggers])
    assert repair(mirror, server.snapshot("flow")).messages == ()


def test_a_lost_release_takes_its_relationships_along() -> None:
    mirror = mirror_of([ready("a")])
    lost = mirror_of([ready("a"), release("b", depends_on=["a"])])
    server = Picture(lost.nodes.values(), lost.relationships.values())
    server.take(repair(mirror, server.snapshot("flow")).messages)
    assert server.nodes == mirror.nodes
    assert server.relationships == mirror.relationships


def test_the_region_s_own_node_is_deleted_by_nobody() -> None:
    mirror = Mirror(REGION)
    server = Picture([REGION.node([])])
    assert repair(mirror, server.snapshot("flow")).messages == ()


def test_with_another_cluster_s_id_nothing_is_deleted() -> None:
    mirror = mirror_of([ready("a")])
    theirs = Mirror(Region(flow_id="flow", key="r", cluster="theirs"))
    theirs.replace_releases([ready("z", depends_on=["y"])])
    server = Picture(theirs.nodes.values(), theirs.relationships.values())
    found = repair(mirror, server.snapshot("flow"))
    assert found.other_cluster == "theirs"
    server.take(found.messages)
    assert {"r/a", "r/z"} <= server.nodes.keys()
    assert RelationshipKey("r/y", "r/z", "finish-to-start") in server.relationships
    assert server.nodes["r"] == mirror.nodes["r"]
    kept = repair(mirror, server.snapshot("flow"), may_delete=False)
    assert kept.messages == ()
