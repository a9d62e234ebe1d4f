"""HelmCharts: what is wrong with one, and whose it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_adapter_flux.core.chart import Chart, ChartProblem, read_chart
from flow_adapter_flux.core.mirror import Mirror
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import ObjectKey, Unreadable

from .objects import T0_MS, Json, chart, condition, helm_chart, release

PULLED = condition("Ready", "True", "ChartPullSucceeded", "pulled 'bp-a' chart with version '1.2.3'")
FETCH_FAILED = condition("FetchFailed", "True", "ChartPullError", "404", at="2026-01-31T11:59:00Z")


@pytest.mark.parametrize(
    ("conditions", "problem"),
    [
        ([], None),
        ([PULLED], None),
        ([condition("Ready", "Unknown", "Progressing", "building artifact")], None),
        ([condition("Reconciling", "True", "Progressing")], None),
        (
            [condition("Ready", "False", "ChartPullError", "404")],
            ChartProblem(reason="ChartPullError", message="404", since=T0_MS),
        ),
        (
            [condition("Ready", "False", "ChartPullError", "404 again"), FETCH_FAILED],
            ChartProblem(reason="ChartPullError", message="404 again", since=T0_MS - 60_000),
        ),
        ([FETCH_FAILED], ChartProblem(reason="ChartPullError", message="404", since=T0_MS - 60_000)),
        (
            [condition("Stalled", "True", "InvalidChartReference", "no such chart")],
            ChartProblem(reason="InvalidChartReference", message="no such chart", since=T0_MS),
        ),
        ([PULLED, FETCH_FAILED], None),
        ([condition("FetchFailed", "False", "")], None),
        ([{"type": "Ready", "status": "False"}], ChartProblem(reason="NotReady")),
    ],
)
def test_what_keeps_a_chart_away_is_known_with_its_reason_and_since_when(
    conditions: list[Json], problem: ChartProblem | None
) -> None:
    assert chart("a", conditions=conditions).problem == problem


def test_its_release_is_named_by_labels_and_never_by_splitting_its_name() -> None:
    named = chart("flux-system-bp-a", owner=("apps", "bp-a"))
    assert named.owner == ObjectKey("apps", "bp-a")
    assert chart("flux-system-bp-a").owner is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists))
def test_any_json_is_read_without_an_exception(decoded: object) -> None:
    assert isinstance(read_chart(decoded), Unreadable)


def test_what_cannot_be_read_of_a_chart_is_left_out_and_named() -> None:
    decoded = helm_chart("a", conditions=[PULLED])
    decoded["status"]["conditions"] = "Ready"
    read = read_chart(decoded)
    assert isinstance(read, Chart)
    assert read.problems == ('status.conditions: expected an array, found "Ready"',)


def test_a_release_by_chart_reference_shows_the_trouble_of_that_chart() -> None:
    mirror = Mirror(Region(flow_id="flow", key="r", cluster="c"))
    mirror.replace_releases(
        [
            release("same", spec={"chart": None, "chartRef": {"kind": "HelmChart", "name": "shared"}}),
            release(
                "other",
                spec={
                    "chart": None,
                    "chartRef": {"kind": "HelmChart", "name": "shared", "namespace": "apps"},
                },
            ),
            release("oci", spec={"chart": None, "chartRef": {"kind": "OCIRepository", "name": "shared"}}),
        ]
    )
    mirror.apply_chart(chart("shared", conditions=[FETCH_FAILED]))
    troubled = {node.label for node in mirror.nodes.values() if "chartProblem" in (node.meta or {})}
    assert troubled == {"same"}
    mirror.apply_chart(chart("shared", namespace="apps", conditions=[FETCH_FAILED]))
    troubled = {node.label for node in mirror.nodes.values() if "chartProblem" in (node.meta or {})}
    assert troubled == {"same", "other"}
