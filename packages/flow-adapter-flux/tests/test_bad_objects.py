"""Eighty HelmReleases that are odd, broken or worse: none harms the others, each is said once."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import ObjectKey, read_release
from flow_adapter_flux.feed import Feed
from flow_adapter_flux.metrics import Metrics
from flow_contract import UpsertNodes, decode_message, encode_message

from .objects import (
    FAILED,
    READY,
    RECONCILING,
    RUNNING,
    STALLED,
    T0,
    Json,
    condition,
    helm_release,
    not_ready,
)

LOST = "lost"
SAID = "said"
FINE = "fine"


def changed(*path: str | int, to: Any) -> Json:
    """A whole release in which one value is another."""
    decoded = copy.deepcopy(
        helm_release(
            "odd",
            depends_on=["bp-a"],
            conditions=[FAILED, condition("Released", "False", "InstallFailed")],
            history=[{"version": 1, "firstDeployed": T0, "lastDeployed": T0}],
            failures=1,
            installFailures=1,
            lastAttemptedRevision="1.2.3",
            helmChart="flux-system/flux-system-odd",
        )
    )
    here: Any = decoded
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = to
    return decoded


def without(*path: str) -> Json:
    decoded = changed("kind", to="HelmRelease")
    here: Any = decoded
    for key in path[:-1]:
        here = here[key]
    del here[path[-1]]
    return decoded


def odd(**fields: Any) -> Json:
    return helm_release("odd", **fields)


def deleted() -> Json:
    return changed("metadata", "deletionTimestamp", to=T0)


def released_at(time: Any) -> Json:
    return changed("status", "conditions", 1, "lastTransitionTime", to=time)


def depending(*entries: Any) -> Json:
    return changed("spec", "dependsOn", to=list(entries))


def unready(message: str) -> Json:
    return odd(conditions=[condition("Ready", "False", "X", message)])


LATER = "2999-01-01T00:00:00Z"
LONG = "n" * 253
CASES: list[tuple[str, object, str]] = [
    # what cannot be told apart from others is as if it were not there
    ("nothing", None, LOST),
    ("a number", 5, LOST),
    ("a text", "HelmRelease", LOST),
    ("a list", [], LOST),
    ("an empty object", {}, LOST),
    ("no metadata", without("metadata"), LOST),
    ("metadata is null", changed("metadata", to=None), LOST),
    ("metadata is a list", changed("metadata", to=[]), LOST),
    ("no name", without("metadata", "name"), LOST),
    ("the name is null", changed("metadata", "name", to=None), LOST),
    ("the name is empty", changed("metadata", "name", to=""), LOST),
    ("the name is blank", changed("metadata", "name", to=" "), LOST),
    ("the name is a number", changed("metadata", "name", to=7), LOST),
    ("the name has a slash", changed("metadata", "name", to="a/b"), LOST),
    ("the name has a NUL", changed("metadata", "name", to="a\x00"), LOST),
    ("the name has U+0085", changed("metadata", "name", to="a\x85b"), LOST),
    ("the name has a line feed", changed("metadata", "name", to="a\n"), LOST),
    ("the name is too long", changed("metadata", "name", to="n" * 254), LOST),
    ("no namespace", without("metadata", "namespace"), LOST),
    ("the namespace is a list", changed("metadata", "namespace", to=["flux-system"]), LOST),
    ("the namespace has a slash", changed("metadata", "namespace", to="a/b"), LOST),
    # what has a name is shown, and what is wrong with it is said
    ("labels are a list", changed("metadata", "labels", to=["a"]), SAID),
    ("a family of another type", changed("metadata", "labels", to={"catalyst.openova.io/family": 5}), SAID),
    ("generation is a text", changed("metadata", "generation", to="1"), SAID),
    ("generation is a fraction", changed("metadata", "generation", to=1.5), SAID),
    ("generation is huge", changed("metadata", "generation", to=2**70), SAID),
    ("generation is true", changed("metadata", "generation", to=True), SAID),
    ("spec is a text", changed("spec", to="x"), SAID),
    ("spec is a list", changed("spec", to=[]), SAID),
    ("suspend is a text", changed("spec", "suspend", to="true"), SAID),
    ("dependsOn is an object", changed("spec", "dependsOn", to={"name": "a"}), SAID),
    ("dependsOn holds a text", depending("bp-a"), SAID),
    ("dependsOn holds null", depending(None), SAID),
    ("dependsOn without a name", depending({"namespace": "a"}), SAID),
    ("dependsOn with an empty name", depending({"name": ""}), SAID),
    ("dependsOn with a slash", depending({"name": "apps/a"}), SAID),
    ("dependsOn with a number", depending({"name": 5}), SAID),
    ("dependsOn in a namespace that is a list", changed("spec", "dependsOn", 0, "namespace", to=["x"]), SAID),
    ("readyExpr is a list", changed("spec", "dependsOn", 0, "readyExpr", to=["x"]), SAID),
    ("chart is a text", changed("spec", "chart", to="bp-a"), SAID),
    ("chart.spec is a list", changed("spec", "chart", "spec", to=[1]), SAID),
    ("the chart's name is a number", changed("spec", "chart", "spec", "chart", to=5), SAID),
    ("chartRef is a text", changed("spec", "chartRef", to="x"), SAID),
    ("status is a text", changed("status", to="Ready"), SAID),
    ("status is a list", changed("status", to=[READY]), SAID),
    ("observedGeneration is a text", changed("status", "observedGeneration", to="-1"), SAID),
    ("failures are a text", changed("status", "failures", to="many"), SAID),
    ("conditions are an object", changed("status", "conditions", to={"Ready": "True"}), SAID),
    ("conditions hold texts", changed("status", "conditions", to=["Ready"]), SAID),
    ("a condition's type is a number", changed("status", "conditions", 0, "type", to=5), SAID),
    ("a condition's status is true", changed("status", "conditions", 0, "status", to=True), SAID),
    ("a condition's reason is a list", changed("status", "conditions", 0, "reason", to=["x"]), SAID),
    ("a condition's message is an object", changed("status", "conditions", 0, "message", to={"a": 1}), SAID),
    ("a condition's time is no time", released_at("soon"), SAID),
    ("a time without a zone", released_at("2026-01-31T12:00:00"), SAID),
    ("a time before 1970", released_at("1960-01-31T12:00:00Z"), SAID),
    ("a time as a number", released_at(1769860800), SAID),
    ("two Ready conditions", odd(conditions=[READY, FAILED]), SAID),
    ("two Ready conditions, the same", odd(conditions=[READY, READY]), SAID),
    ("history is an object", changed("status", "history", to={"version": 1}), SAID),
    ("history holds a text", changed("status", "history", to=["v1"]), SAID),
    ("history's version is a text", changed("status", "history", 0, "version", to="1"), SAID),
    ("history's time is no time", changed("status", "history", 0, "firstDeployed", to="yesterday"), SAID),
    ("helmChart is a list", changed("status", "helmChart", to=["a", "b"]), SAID),
    # odd, and still right
    ("no spec", without("spec"), FINE),
    ("no status", without("status"), FINE),
    ("status is null", changed("status", to=None), FINE),
    ("no conditions", odd(), FINE),
    ("conditions are null", changed("status", "conditions", to=None), FINE),
    ("no Ready condition", odd(conditions=[RECONCILING]), FINE),
    ("an unknown reason", odd(conditions=[condition("Ready", "False", "SomethingNew")]), FINE),
    ("a status in lower case", odd(conditions=[condition("Ready", "true", "x")]), FINE),
    ("an unknown condition type", odd(conditions=[condition("Mood", "Good", "x"), READY]), FINE),
    ("no time", odd(conditions=[{"type": "Ready", "status": "True"}]), FINE),
    ("a time in the future", odd(conditions=[{**RUNNING, "lastTransitionTime": LATER}]), FINE),
    ("generation behind", odd(conditions=[READY], generation=2, observed=7), FINE),
    ("Reconciling with Ready False", odd(conditions=[FAILED, RECONCILING]), FINE),
    ("stalled and suspended", odd(conditions=[FAILED, STALLED], spec={"suspend": True}), FINE),
    ("suspended without Ready", odd(spec={"suspend": True}), FINE),
    ("being deleted", deleted(), FINE),
    ("dependsOn itself", odd(depends_on=["odd"], conditions=[not_ready("odd")]), FINE),
    ("dependsOn what is absent", odd(depends_on=["ghost"], conditions=[not_ready("ghost")]), FINE),
    ("dependsOn another namespace", odd(depends_on=[{"name": "a", "namespace": "apps"}]), FINE),
    ("dependsOn duplicates", odd(depends_on=["bp-a", "bp-a"]), FINE),
    ("dependsOn null namespace", depending({"name": "bp-a", "namespace": None}), FINE),
    ("names of 253 characters", helm_release(LONG, depends_on=["d" * 253]), FINE),
    ("a name in Unicode", helm_release("ünïcode-😀"), FINE),
    ("a very long message", unready("m" * 100_000), FINE),
    ("a message with control characters", unready("a\x00\x85\u2028b"), FINE),
    ("negative failures", changed("status", "failures", to=-5), FINE),
    ("helmChart without a slash", changed("status", "helmChart", to="x"), FINE),
    ("a chart both ways", odd(spec={"chartRef": {"kind": "OCIRepository", "name": "x"}}), FINE),
]  # fmt: skip


def a_feed() -> Feed:
    return Feed(Region(flow_id="flow", key="r", cluster="c"), metrics=Metrics(), clock=lambda: 0.0)


def test_there_are_at_least_eighty() -> None:
    assert len(CASES) >= 80
    assert len({name for name, _, _ in CASES}) == len(CASES)


@pytest.mark.parametrize(("decoded", "kind"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
@pytest.mark.parametrize("way", ["listed", "watched"])
def test_an_odd_object_is_said_once_and_harms_no_other(decoded: object, kind: str, way: str) -> None:
    feed = a_feed()
    others = tuple(
        read_release(helm_release(name, conditions=[READY], observed=1)) for name in ("bp-a", "bp-b")
    )
    take: Callable[[], None] = (
        (lambda: feed.releases.replace((others[0], read_release(decoded), others[1])))
        if way == "listed"
        else (lambda: feed.releases.apply(read_release(decoded)))
    )
    with structlog.testing.capture_logs() as lines:
        feed.releases.replace(others)
        take()
        take()
    said = [line for line in lines if line["event"] == "an object cannot be read in full"]
    assert len(said) == (kind != FINE)
    assert all(problem and "expected" in problem for line in said for problem in line["problems"])
    assert {"r/bp-a", "r/bp-b"} <= feed.mirror.nodes.keys()
    assert len(feed.mirror.releases) == (2 if kind == LOST else 3)
    for node in feed.mirror.nodes.values():
        message = UpsertNodes(nodes=(node,))
        assert decode_message(encode_message(message)) == message


def test_an_odd_object_that_is_mended_and_breaks_again_is_said_again() -> None:
    feed = a_feed()
    with structlog.testing.capture_logs() as lines:
        for decoded in (changed("spec", to=5), odd(), changed("spec", to=5)):
            feed.releases.apply(read_release(decoded))
    assert len(lines) == 2


def test_an_object_that_can_no_longer_be_read_stays_as_it_was_until_a_listing() -> None:
    feed = a_feed()
    feed.releases.replace((read_release(odd()),))
    feed.releases.apply(read_release(without("metadata", "name")))
    feed.releases.remove(read_release(without("metadata", "name")))
    assert ObjectKey("flux-system", "odd") in feed.mirror.releases


def test_the_memory_of_what_was_said_is_bounded() -> None:
    feed = a_feed()
    with structlog.testing.capture_logs() as lines:
        for number in range(2500):
            decoded = changed("spec", to=5)
            decoded["metadata"]["name"] = f"odd-{number}"
            feed.releases.apply(read_release(decoded))
    assert len(lines) == 2500
