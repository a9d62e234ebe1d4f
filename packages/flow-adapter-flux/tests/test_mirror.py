from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from flow_adapter_flux.core.chart import Chart, ChartProblem
from flow_adapter_flux.core.mirror import Mirror
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import ObjectKey, Release
from flow_contract import FlowMessage

from .objects import FAILED, READY, RECONCILING, RUNNING, condition, not_ready, ready, release
from .picture import Picture

REGION = Region(flow_id="flow", key="fsn1", cluster="c")
EVERYWHERE = Region(flow_id="flow", key="fsn1", cluster="c", namespace="")

NAMES = ["a", "b", "c", "d"]
NAMESPACES = ["flux-system", "apps"]
KEYS = st.builds(ObjectKey, st.sampled_from(NAMESPACES), st.sampled_from(NAMES))
STATES = [[], [READY], [FAILED], [RUNNING], [not_ready("b")]]


@st.composite
def releases(draw: st.DrawFn) -> Release:
    key = draw(KEYS)
    kustomization = draw(st.sampled_from([None, "a", "b"]))
    fetched_by = draw(st.sampled_from([None, "flux-system/x", "apps/y"]))
    return release(
        key.name,
        namespace=key.namespace,
        depends_on=[wanted._asdict() for wanted in draw(st.lists(KEYS, max_size=3))],
        conditions=draw(st.sampled_from(STATES)),
        observed=draw(st.sampled_from([1, -1])),
        spec={"suspend": draw(st.booleans())},
        labels={"kustomize.toolkit.fluxcd.io/name": kustomization} if kustomization else {},
        **({"helmChart": fetched_by} if fetched_by else {}),
    )


RELEASES = releases()
CHARTS = st.builds(
    Chart,
    key=st.sampled_from([ObjectKey("flux-system", "x"), ObjectKey("apps", "y"), ObjectKey("apps", "z")]),
    owner=st.none() | KEYS,
    problem=st.none() | st.just(ChartProblem(reason="ChartPullError")),
)


@dataclass(frozen=True)
class Step:
    """A call of one of the mirror's methods."""

    method: str
    seen: object

    def on(self, mirror: Mirror) -> list[FlowMessage]:
        return getattr(mirror, self.method)(self.seen)


def steps() -> st.SearchStrategy[Step]:
    return st.one_of(
        st.builds(Step, st.just("apply"), RELEASES),
        st.builds(Step, st.just("remove"), KEYS),
        st.builds(Step, st.just("replace_releases"), st.lists(RELEASES, max_size=6)),
        st.builds(Step, st.just("apply_chart"), CHARTS),
        st.builds(Step, st.just("remove_chart"), CHARTS.map(lambda chart: chart.key)),
        st.builds(Step, st.just("replace_charts"), st.lists(CHARTS, max_size=3)),
    )


@settings(max_examples=300)
@given(st.sampled_from([REGION, EVERYWHERE]), st.lists(steps(), max_size=20))
def test_a_reader_of_the_messages_holds_the_mirror_s_picture_after_every_step(
    region: Region, history: list[Step]
) -> None:
    mirror, picture = Mirror(region), Picture()
    for step in history:
        version = mirror.version
        before = (dict(mirror.nodes), dict(mirror.relationships))
        picture.take(step.on(mirror))
        assert picture.nodes == mirror.nodes
        assert picture.relationships == mirror.relationships
        assert (mirror.version == version) == (before == (mirror.nodes, mirror.relationships))


@settings(max_examples=300)
@given(
    st.sampled_from([REGION, EVERYWHERE]),
    st.lists(steps(), max_size=20),
    st.lists(CHARTS, max_size=3, unique_by=lambda chart: chart.key),
)
def test_the_picture_does_not_depend_on_how_it_came_about(
    region: Region, history: list[Step], charts: list[Chart]
) -> None:
    mirror = Mirror(region)
    for step in history:
        step.on(mirror)
    mirror.replace_charts(charts)
    mirror.replace_releases(list(mirror.releases.values()))
    fresh = Mirror(region)
    fresh.replace_releases(list(mirror.releases.values()))
    fresh.replace_charts(charts)
    assert dict(fresh.nodes) == dict(mirror.nodes)
    assert dict(fresh.relationships) == dict(mirror.relationships)


@given(st.lists(RELEASES, max_size=8), st.lists(CHARTS, max_size=3))
def test_the_same_again_is_no_message(releases: list[Release], charts: list[Chart]) -> None:
    mirror = Mirror(EVERYWHERE)
    mirror.replace_releases(releases)
    mirror.replace_charts(charts)
    assert mirror.replace_releases(list(mirror.releases.values())) == []
    assert mirror.replace_charts(charts) == []
    for held in list(mirror.releases.values()):
        assert mirror.apply(held) == []


def test_the_region_is_there_from_the_first_listing_on_even_an_empty_one() -> None:
    mirror = Mirror(REGION)
    picture = Picture()
    picture.take(mirror.replace_releases([]))
    assert [(node.id, node.status) for node in picture.nodes.values()] == [("fsn1", "pending")]


def test_the_region_s_status_is_the_worst_of_its_releases() -> None:
    mirror = Mirror(REGION)
    mirror.replace_releases([ready("a"), ready("b")])
    assert mirror.nodes["fsn1"].status == "succeeded"
    mirror.apply(release("b", conditions=[FAILED]))
    assert mirror.nodes["fsn1"].status == "failed"
    mirror.apply(release("b", conditions=[FAILED], spec={"suspend": True}))
    assert mirror.nodes["fsn1"].status == "succeeded"


def test_a_region_of_suspended_releases_is_suspended() -> None:
    mirror = Mirror(REGION)
    mirror.replace_releases([release("a", spec={"suspend": True})])
    assert mirror.nodes["fsn1"].suspended
    mirror.apply(release("b"))
    assert not mirror.nodes["fsn1"].suspended


def test_after_a_deletion_the_survivors_relationships_are_sent_again() -> None:
    mirror, picture = Mirror(REGION), Picture()
    picture.take(mirror.replace_releases([ready("a"), release("b", depends_on=["a"])]))
    picture.take(mirror.remove(ObjectKey("flux-system", "a")))
    assert "fsn1/a" not in picture.nodes
    assert ("fsn1/a", "fsn1/b", "finish-to-start") in picture.relationships


def test_a_dependency_that_is_declared_no_longer_is_deleted() -> None:
    mirror, picture = Mirror(REGION), Picture()
    picture.take(mirror.replace_releases([release("a"), release("b", depends_on=["a", "c"])]))
    picture.take(mirror.apply(release("b", depends_on=["c"])))
    assert ("fsn1/a", "fsn1/b", "finish-to-start") not in picture.relationships
    assert ("fsn1/c", "fsn1/b", "finish-to-start") in picture.relationships


def test_a_release_that_reconciles_says_nothing() -> None:
    mirror = Mirror(REGION)
    mirror.replace_releases([ready("a")])
    busy = release("a", conditions=[READY, RECONCILING], observed=1, version=7)
    assert mirror.apply(busy) == []
    assert mirror.apply(ready("a", version=8)) == []


def test_a_chart_s_trouble_shows_on_the_release_it_was_made_for() -> None:
    mirror = Mirror(REGION)
    mirror.replace_releases([release("a", helmChart="catalog/flux-system-a"), release("b")])
    failing = ChartProblem(reason="ChartPullError", message="404")
    mirror.apply_chart(Chart(key=ObjectKey("catalog", "flux-system-a"), problem=failing))
    owner = ObjectKey("flux-system", "b")
    mirror.apply_chart(Chart(key=ObjectKey("catalog", "whatever"), owner=owner, problem=failing))
    for name in ("a", "b"):
        meta = mirror.nodes[f"fsn1/{name}"].meta or {}
        assert meta["chartProblem"] == {"reason": "ChartPullError", "message": "404"}
    mirror.remove_chart(ObjectKey("catalog", "whatever"))
    mirror.apply_chart(Chart(key=ObjectKey("catalog", "flux-system-a")))
    assert all("chartProblem" not in (node.meta or {}) for node in mirror.nodes.values())


def test_a_dependent_of_one_that_gets_ready_no_longer_waits_for_it() -> None:
    mirror = Mirror(REGION)
    waiting = release("c", depends_on=["a", "b"], conditions=[not_ready("a")])
    mirror.replace_releases([release("a"), release("b"), waiting])
    assert (mirror.nodes["fsn1/c"].meta or {})["waitingFor"] == ["fsn1/a", "fsn1/b"]
    mirror.apply(ready("a"))
    assert (mirror.nodes["fsn1/c"].meta or {})["waitingFor"] == ["fsn1/b"]
    mirror.apply(release("b", conditions=[READY], generation=2, observed=1))
    assert (mirror.nodes["fsn1/c"].meta or {})["waitingFor"] == ["fsn1/b"]
    mirror.apply(release("b", conditions=[READY], generation=2, observed=2))
    assert "waitingFor" not in (mirror.nodes["fsn1/c"].meta or {})


def test_a_failed_or_suspended_release_waits_for_nothing() -> None:
    mirror = Mirror(REGION)
    mirror.replace_releases(
        [
            release("a", depends_on=["x"], conditions=[FAILED]),
            release("b", depends_on=["x"], spec={"suspend": True}),
            release("c", depends_on=["x"], conditions=[RUNNING]),
            release("d", depends_on=["x"], conditions=[condition("Ready", "False", "SourceNotReady")]),
        ]
    )
    waiting = {node.label for node in mirror.nodes.values() if "waitingFor" in (node.meta or {})}
    assert waiting == {"d"}
