import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_adapter_flux.core.chart import ChartProblem
from flow_adapter_flux.core.mapper import map_release, relationships_of
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import Release, read_release
from flow_contract import UpsertNodes, UpsertRels, decode_message, encode_message

from .objects import (
    FAILED,
    READY,
    RECONCILING,
    RETRYING,
    RUNNING,
    STALLED,
    T0,
    T0_MS,
    UNDONE,
    condition,
    helm_release,
    release,
)

REGION = Region(flow_id="flow", key="fsn1", cluster="c")
EVERYWHERE = Region(flow_id="flow", key="fsn1", cluster="c", namespace="")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def meta_of(read: Release, **extra: Any) -> dict[str, Any]:
    return map_release(read, region=REGION, **extra).meta or {}


def test_a_release_becomes_a_node_with_the_contract_s_ids_and_words() -> None:
    node = map_release(
        release(
            "bp-cilium", labels={"catalyst.openova.io/family": " infra "}, conditions=[READY], observed=1
        ),
        region=REGION,
    )
    assert (node.id, node.flow_id, node.label, node.status) == (
        "fsn1/bp-cilium",
        "flow",
        "bp-cilium",
        "succeeded",
    )
    assert (node.family, node.region) == ("infra", "fsn1")


@pytest.mark.parametrize(
    ("name", "label", "family"),
    [
        ("bp-cilium", None, "cilium"),
        ("cilium", None, "cilium"),
        ("bp-", None, "bp-"),
        ("bp-bp-x", None, "bp-x"),
        ("bp-x", "  ", "x"),
        ("bp-x", "net", "net"),
    ],
)
def test_family_is_the_label_or_the_name_less_its_prefix(name: str, label: str | None, family: str) -> None:
    labels = {} if label is None else {"catalyst.openova.io/family": label}
    assert map_release(release(name, labels=labels), region=REGION).family == family


def test_a_blank_region_is_the_default_one() -> None:
    region = Region(flow_id="flow", key="  ", cluster="c")
    assert map_release(release("a"), region=region).id == "default/a"
    assert region.node([]).id == "default"


@pytest.mark.parametrize(
    ("region", "namespace", "node_id"),
    [
        (REGION, "flux-system", "fsn1/a"),
        (EVERYWHERE, "flux-system", "fsn1/a"),
        (EVERYWHERE, "apps", "fsn1/apps/a"),
        (Region(flow_id="flow", key="fsn1", cluster="c", namespace="apps"), "apps", "fsn1/a"),
    ],
)
def test_ids_carry_the_namespace_only_where_it_is_not_the_usual_one(
    region: Region, namespace: str, node_id: str
) -> None:
    assert map_release(release("a", namespace=namespace), region=region).id == node_id


def test_relationships_are_one_to_the_region_and_one_for_each_dependency() -> None:
    read = release("c", depends_on=["a", {"name": "b", "namespace": "apps"}, "a"])
    contains, *dependencies = relationships_of(read, REGION)
    assert (contains.from_id, contains.to_id, contains.type, contains.condition) == (
        "fsn1/c",
        "fsn1",
        "contains",
        "always",
    )
    assert [(rel.from_id, rel.to_id, rel.type, rel.condition) for rel in dependencies] == [
        ("fsn1/a", "fsn1/c", "finish-to-start", "on-success"),
        ("fsn1/apps/b", "fsn1/c", "finish-to-start", "on-success"),
    ]


def test_meta_is_right_through_every_row_of_a_life() -> None:
    begun: dict[str, Any] = {"lastAttemptedRevision": "1.2.3"}
    history = [{"version": 1, "firstDeployed": T0, "lastDeployed": T0, "status": "deployed"}]
    later = condition("Released", "True", "InstallSucceeded", at="2026-01-31T12:01:00Z")
    failure: dict[str, Any] = {**begun, "failures": 1, "installFailures": 1, "history": history}

    created = map_release(release("a"), region=REGION)
    assert created.meta == {
        "source": "flux",
        "namespace": "flux-system",
        "chart": "a",
        "version": "1.2.3",
        "generation": 1,
        "observedGeneration": -1,
    }
    running = map_release(release("a", conditions=[RUNNING, RECONCILING], **begun), region=REGION)
    assert (running.started_at, running.ended_at) == (T0_MS, None)
    assert running.meta is not None
    assert running.meta["attempts"] == 1
    assert running.meta["message"] == "Running 'install' action with timeout of …"
    first_write = release("a", conditions=[READY, RECONCILING, later], history=history, **begun)
    done = map_release(
        release("a", conditions=[READY, later], history=history, observed=1, **begun), region=REGION
    )
    assert (done.started_at, done.ended_at) == (T0_MS, T0_MS + 60_000)
    assert meta_of(first_write).get("outdated") is True
    assert done.meta is not None
    assert not {"attempts", "failures", "outdated", "retrying"} & done.meta.keys()
    failed = meta_of(release("a", conditions=[FAILED, condition("Released", "False", "x")], **failure))
    assert (failed["attempts"], failed["failures"]) == (1, 1)
    undone = meta_of(release("a", conditions=[UNDONE, RETRYING], **failure))
    assert (undone["attempts"], undone["retrying"]) == (1, True)
    again = meta_of(release("a", conditions=[RUNNING, RECONCILING], **failure))
    assert again["attempts"] == 2
    lost = map_release(
        release("a", conditions=[FAILED, STALLED], observed=1, failures=3, installFailures=3), region=REGION
    )
    assert lost.status == "failed"
    assert lost.meta is not None
    assert (lost.meta["attempts"], lost.meta["stalled"], lost.meta["reason"]) == (3, True, "InstallFailed")


def test_an_upgrade_has_its_own_start_and_end() -> None:
    history = [{"version": 2, "firstDeployed": T0, "lastDeployed": "2026-02-01T12:00:00Z"}]
    released = condition("Released", "True", "UpgradeSucceeded", at="2026-02-01T12:00:30Z")
    node = map_release(release("a", conditions=[READY, released], history=history), region=REGION)
    assert (node.started_at, node.ended_at) == (T0_MS + 86_400_000, T0_MS + 86_430_000)


def test_what_is_suspended_deleted_or_behind_says_so() -> None:
    decoded = helm_release("a", spec={"suspend": True}, conditions=[READY], generation=3, observed=2)
    decoded["metadata"]["deletionTimestamp"] = T0
    read = read_release(decoded)
    assert isinstance(read, Release)
    meta = meta_of(read)
    assert (meta["suspended"], meta["deleting"], meta["outdated"]) == (True, True, True)
    assert (meta["generation"], meta["observedGeneration"]) == (3, 2)


def test_a_release_by_reference_has_its_version_without_the_digest() -> None:
    spec = {"chart": None, "chartRef": {"kind": "OCIRepository", "name": "bp-oci"}}
    meta = meta_of(release("a", spec=spec, lastAttemptedRevision="1.4.0+0123456789ab"))
    assert (meta["chart"], meta["version"]) == ("bp-oci", "1.4.0")


def test_the_platform_s_labels_are_in_meta() -> None:
    labels = {
        "catalyst.openova.io/slot": "01a",
        "catalyst.openova.io/component": "net",
        "catalyst.openova.io/region-role": "primary",
        "other": "x",
    }
    meta = meta_of(release("a", labels=labels))
    assert (meta["slot"], meta["component"], meta["region-role"]) == ("01a", "net", "primary")
    assert "other" not in meta


def test_a_chart_that_cannot_be_pulled_is_told_before_the_release_says_anything() -> None:
    problem = ChartProblem(reason="ChartPullError", message="no such chart, retry in 3s", since=T0_MS)
    meta = meta_of(release("a", conditions=[RECONCILING]), chart_problem=problem)
    assert (meta["reason"], meta["message"]) == ("ChartPullError", "no such chart, retry in …")
    assert meta["chartProblem"] == {
        "reason": "ChartPullError",
        "message": "no such chart, retry in …",
        "since": T0_MS,
    }


@given(JSON)
def test_any_json_is_read_without_an_exception(decoded: object) -> None:
    read_release(decoded)


def _damage(within: Any, draw: st.DrawFn) -> None:
    keys: list[Any] = list(within) if isinstance(within, dict) else list(range(len(within)))  # pyright: ignore[reportUnknownArgumentType]
    if not keys:
        return
    key = draw(st.sampled_from(keys))
    if isinstance(within[key], dict | list) and draw(st.booleans()):
        _damage(within[key], draw)
    else:
        within[key] = draw(JSON)


@st.composite
def damaged(draw: st.DrawFn) -> object:
    """A whole release in which up to five values anywhere are something else."""
    decoded = json.loads(
        json.dumps(
            helm_release(
                "a",
                depends_on=["b", {"name": "c", "namespace": "d", "readyExpr": "true"}],
                conditions=[FAILED, STALLED, RETRYING, condition("Released", "False", "x")],
                labels={"catalyst.openova.io/family": "f", "kustomize.toolkit.fluxcd.io/name": "k"},
                history=[{"version": 1, "firstDeployed": T0, "lastDeployed": T0}],
                failures=1,
                helmChart="flux-system/flux-system-a",
            )
        )
    )
    for _ in range(draw(st.integers(0, 5))):
        _damage(decoded, draw)
    return decoded


@given(damaged())
def test_whatever_is_damaged_what_comes_out_is_within_the_contract(decoded: object) -> None:
    read = read_release(decoded)
    if isinstance(read, Release):
        node = map_release(read, region=EVERYWHERE)
        assert map_release(read, region=EVERYWHERE) == node
        message = UpsertNodes(nodes=(node,))
        assert decode_message(encode_message(message)) == message
        related = UpsertRels(relationships=relationships_of(read, EVERYWHERE))
        assert decode_message(encode_message(related)) == related
