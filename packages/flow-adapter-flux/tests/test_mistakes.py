"""Mistakes in `dependsOn` that Flux answers by waiting for ever, said in words."""

from typing import Any

import pytest

from flow_adapter_flux.core.mirror import Mirror
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import ObjectKey, Release

from .objects import READY, condition, not_ready, ready, release

REGION = Region(flow_id="flow", key="fsn1", cluster="c")
EVERYWHERE = Region(flow_id="flow", key="fsn1", cluster="c", namespace="")
APPLIED = {"kustomize.toolkit.fluxcd.io/name": "bootstrap-kit"}


def mistakes(region: Region, releases: list[Release], name: str = "a") -> list[str]:
    mirror = Mirror(region)
    mirror.replace_releases(releases)
    return (mirror.nodes[f"fsn1/{name}"].meta or {}).get("mistakes", [])


def waits(*depends_on: str, **fields: Any) -> Release:
    return release("a", depends_on=list(depends_on), conditions=[not_ready(depends_on[0])], **fields)


def test_a_dependency_that_does_not_exist_is_named() -> None:
    assert mistakes(REGION, [waits("ghost")]) == [
        "It depends on flux-system/ghost, and there is no HelmRelease of that name in flux-system."
    ]


def test_a_dependency_on_itself_is_said() -> None:
    assert mistakes(REGION, [waits("a")]) == ["It depends on itself, so it can never start."]


def test_a_ring_is_written_out_for_each_of_its_members() -> None:
    ring = [
        waits("b"),
        release("b", depends_on=["c"], conditions=[not_ready("c")]),
        release("c", depends_on=["a"], conditions=[not_ready("a")]),
        release("d", depends_on=["a"], conditions=[not_ready("a")]),
    ]
    sentence = "Its dependencies form a ring, so none in it can ever start: {}."
    assert mistakes(REGION, ring, "a") == [sentence.format("a → b → c → a")]
    assert mistakes(REGION, ring, "c") == [sentence.format("c → a → b → c")]
    assert mistakes(REGION, ring, "d") == []


def test_a_ring_that_is_broken_is_no_longer_said() -> None:
    mirror = Mirror(REGION)
    mirror.replace_releases([waits("b"), release("b", depends_on=["a"], conditions=[not_ready("a")])])
    assert "mistakes" in (mirror.nodes["fsn1/a"].meta or {})
    mirror.apply(release("b", conditions=[not_ready("a")]))
    assert "mistakes" not in (mirror.nodes["fsn1/a"].meta or {})


def test_a_namesake_in_another_namespace_is_pointed_out() -> None:
    assert mistakes(EVERYWHERE, [waits("db"), ready("db", namespace="apps")]) == [
        (
            "It depends on flux-system/db, and there is no HelmRelease of that name in flux-system."
            " There is one of that name in apps."
        )
    ]


def test_a_dependency_outside_the_watched_namespace_is_said_where_it_looks_like_a_mistake() -> None:
    elsewhere = {"name": "db", "namespace": "apps"}
    plain = release(
        "a", depends_on=[elsewhere], conditions=[condition("Ready", "False", "DependencyNotReady")]
    )
    assert mistakes(REGION, [plain]) == []
    assert mistakes(REGION, [plain, ready("db")]) == [
        (
            "It depends on apps/db, which is outside flux-system, the namespace watched here."
            " There is one of that name in flux-system."
        )
    ]
    message = "unable to get 'apps/db' dependency: helmreleases \"db\" not found"
    told = release(
        "a", depends_on=[elsewhere], conditions=[condition("Ready", "False", "DependencyNotReady", message)]
    )
    assert mistakes(REGION, [told]) == [
        "It depends on apps/db, which is outside flux-system, the namespace watched here."
    ]


def test_the_name_of_a_kustomization_is_recognised_by_what_it_applied() -> None:
    assert mistakes(REGION, [waits("bootstrap-kit"), ready("b", labels=APPLIED)]) == [
        (
            "It depends on flux-system/bootstrap-kit, which is the name of a Flux Kustomization;"
            " a HelmRelease can only wait for a HelmRelease."
        )
    ]


def test_a_kustomization_s_name_is_a_mistake_only_while_no_release_has_it() -> None:
    mirror = Mirror(REGION)
    mirror.replace_releases([waits("bootstrap-kit"), ready("b", labels=APPLIED)])
    mirror.apply(release("bootstrap-kit"))
    assert "mistakes" not in (mirror.nodes["fsn1/a"].meta or {})
    mirror.remove(ObjectKey("flux-system", "bootstrap-kit"))
    mirror.apply(ready("b"))
    assert (mirror.nodes["fsn1/a"].meta or {})["mistakes"] == [
        "It depends on flux-system/bootstrap-kit, and there is no HelmRelease of that name in flux-system."
    ]


@pytest.mark.parametrize(
    "healthy", [release("a", depends_on=["ghost"], conditions=[READY], observed=1), ready("a")]
)
def test_a_release_that_does_not_wait_makes_no_mistake(healthy: Release) -> None:
    assert mistakes(REGION, [healthy]) == []
