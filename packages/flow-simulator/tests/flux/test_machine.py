"""The simulated Flux in virtual time: each row of a release's life, and what holds for every run."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow_simulator.flux.machine import Flux
from flow_simulator.flux.plan import (
    CHART_FAILS,
    CHART_REF,
    FAILS_FOR_GOOD,
    LATE_S,
    UPGRADED,
    UPGRADED_S,
    Plan,
    ReleasePlan,
    bootstrap_plan,
)
from flow_simulator.flux.roles import Role
from flow_simulator.flux.writes import Create, Patch, SetStatus, Write
from flow_simulator.regions import planned_regions

HOUR_S = 3600.0


def stamp(moment_s: float) -> str:
    return f"{moment_s:.2f}"


def run(plan: Plan, until_s: float = HOUR_S) -> list[Write]:
    return Flux(plan, stamp=stamp).run_until(until_s)


def planned(name: str, *depends_on: str, **more: Any) -> ReleasePlan:
    fields: dict[str, Any] = {
        "namespace": "flux-system",
        "target_namespace": "apps",
        "chart": name,
        "version": "1.2.3",
        "labels": {},
        "depends_on": depends_on,
    }
    return ReleasePlan(name=name, **(fields | more))


def statuses(writes: list[Write], name: str) -> list[dict[str, Any]]:
    return [w.status for w in writes if isinstance(w, SetStatus) and w.name == name]


def conditions(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {condition["type"]: condition for condition in status.get("conditions", [])}


def life(writes: list[Write], name: str) -> list[tuple[str, str, str]]:
    """(Ready status and reason, what else is there and True) of each status write."""
    found: list[tuple[str, str, str]] = []
    for status in statuses(writes, name):
        by_type = conditions(status)
        ready = by_type.get("Ready", {"status": "-", "reason": "-"})
        others = " ".join(k for k, c in by_type.items() if c["status"] == "True" and k != "Ready")
        found.append((ready["status"], ready["reason"], others))
    return found


def test_a_clean_release_goes_through_its_rows() -> None:
    writes = run(Plan(releases=(planned("a"),)), until_s=200)
    assert life(writes, "a") == [
        ("-", "-", "Reconciling"),
        ("False", "SourceNotReady", "Reconciling"),
        ("Unknown", "Progressing", "Reconciling"),
        ("True", "InstallSucceeded", "Reconciling Released"),
        ("True", "InstallSucceeded", "Released"),
    ]
    last, before = statuses(writes, "a")[-1], statuses(writes, "a")[-2]
    assert (before["observedGeneration"], last["observedGeneration"]) == (-1, 1)
    assert last["history"][0]["status"] == "deployed"
    assert last["helmChart"] == "flux-system/flux-system-a"


def test_a_release_waits_for_the_first_dependency_that_is_not_ready_and_names_it() -> None:
    plan = Plan(releases=(planned("a"), planned("b", install_s=100), planned("c", "a", "b", "gone")))
    writes = run(plan, until_s=500)
    messages = [
        conditions(status)["Ready"]["message"]
        for status in statuses(writes, "c")
        if "Ready" in conditions(status)
    ]
    assert messages == [
        "dependency 'flux-system/a' is not ready",
        "dependency 'flux-system/b' is not ready",
        "unable to get 'flux-system/gone' dependency: helmreleases.helm.toolkit.fluxcd.io \"gone\" not found",
    ]


def test_a_release_with_retries_is_undone_and_tried_again() -> None:
    writes = run(Plan(releases=(planned("a", failing_attempts=1, retries=2),)), until_s=800)
    assert life(writes, "a")[2:] == [
        ("Unknown", "Progressing", "Reconciling"),
        ("False", "InstallFailed", "Reconciling"),
        ("False", "InstallFailed", "Reconciling"),
        ("False", "UninstallSucceeded", "Reconciling Remediated"),
        ("Unknown", "Progressing", "Reconciling Remediated"),
        ("True", "InstallSucceeded", "Reconciling Released"),
        ("True", "InstallSucceeded", "Released"),
    ]
    failed = statuses(writes, "a")[3]
    assert (failed["failures"], failed["installFailures"], failed["history"][0]["status"]) == (1, 1, "failed")
    assert "failures" not in statuses(writes, "a")[-1]


def test_a_release_out_of_retries_is_stalled_for_good_and_its_dependents_wait() -> None:
    releases = (planned("a", failing_attempts=9, retries=1), planned("b", "a"))
    writes = run(Plan(releases=releases), until_s=10 * HOUR_S)
    assert life(writes, "a")[-1] == ("False", "InstallFailed", "Stalled Remediated")
    last = statuses(writes, "a")[-1]
    assert conditions(last)["Stalled"]["message"] == "Failed to install after 2 attempt(s)"
    assert last["observedGeneration"] == 1
    assert life(writes, "b") == [("-", "-", "Reconciling"), ("False", "DependencyNotReady", "Reconciling")]


def test_a_suspended_release_only_has_its_generation_observed() -> None:
    writes = run(Plan(releases=(planned("a", suspended=True),)))
    assert statuses(writes, "a") == [{"observedGeneration": 1}]


def test_a_chart_that_cannot_be_pulled_shows_on_chart_and_release() -> None:
    writes = run(Plan(releases=(planned("a", chart_failure_s=90),)), until_s=300)
    chart = [(conditions(s)["Ready"]["status"], conditions(s)["Ready"]["reason"]) for s in
             statuses(writes, "flux-system-a")]  # fmt: skip
    assert chart == [
        ("Unknown", "Progressing"),
        ("False", "ChartPullError"),
        ("True", "ChartPullSucceeded"),
    ]
    assert any("chart pull error" in str(status) for status in statuses(writes, "a"))
    assert life(writes, "a")[-1][0] == "True"


def test_a_release_with_a_chart_reference_has_no_chart() -> None:
    writes = run(Plan(releases=(planned("a", chart_ref=True),)), until_s=200)
    assert not [w for w in writes if isinstance(w, Create) and w.kind == "helmcharts"]
    last = statuses(writes, "a")[-1]
    assert "helmChart" not in last
    assert last["lastAttemptedRevision"].startswith("1.2.3+")


def test_an_upgrade_keeps_the_first_deployment_and_counts_on() -> None:
    writes = run(Plan(releases=(planned("a", upgrade_s=300),)), until_s=600)
    assert ("Unknown", "Progressing", "Reconciling Released") in life(writes, "a")
    assert life(writes, "a")[-1] == ("True", "UpgradeSucceeded", "Released")
    newest, oldest = statuses(writes, "a")[-1]["history"]
    assert (newest["version"], newest["status"]) == (2, "deployed")
    assert (oldest["version"], oldest["status"]) == (1, "superseded")
    assert newest["firstDeployed"] == oldest["firstDeployed"]
    assert statuses(writes, "a")[-1]["observedGeneration"] == 2


def test_noise_changes_nothing_but_reconciling() -> None:
    flux = Flux(Plan(releases=(planned("a", noise_jitter=0.1),)), stamp=stamp)
    settled = statuses(flux.run_until(200), "a")[-1]
    noise = flux.run_until(200 + 4 * 990)
    assert len(noise) == 8
    for appears, goes in zip(noise[::2], noise[1::2], strict=True):
        assert isinstance(appears, SetStatus)
        assert isinstance(goes, SetStatus)
        assert set(conditions(appears.status)) - set(conditions(settled)) == {"Reconciling"}
        assert goes.status == settled


def test_a_forgotten_release_writes_nothing_more() -> None:
    flux = Flux(Plan(releases=(planned("a"),)), stamp=stamp)
    flux.run_until(10)
    flux.forget("flux-system", "a")
    assert flux.run_until(HOUR_S) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_bootstrap_takes_about_twenty_minutes_and_ends_as_planned(seed: int) -> None:
    for region in planned_regions(seed=seed):
        flux = Flux(region.plan, stamp=stamp)
        flux.run_until(10 * 60)
        assert not all(r.is_ready or r.plan.suspended for r in flux.releases.values())
        flux.run_until(25 * 60)
        waiting = {r.plan.name for r in flux.releases.values() if not (r.is_ready or r.plan.suspended)}
        blocked = {FAILS_FOR_GOOD, "bp-opentelemetry", "bp-alloy"}
        assert waiting == (blocked if region.key == "nbg1" else set())


def test_the_script_has_all_its_parts() -> None:
    writes = run(bootstrap_plan(seed=1, role=Role.SECONDARY, fails_for_good=FAILS_FOR_GOOD))
    created = {w.body["metadata"]["name"]: w.at_s for w in writes if isinstance(w, Create)}
    assert sorted(set(created.values()))[0] == 0
    assert created[UPGRADED] == LATE_S
    upgrade = [w.at_s for w in writes if isinstance(w, Patch) and "spec" in w.patch and w.name == UPGRADED]
    assert upgrade == [UPGRADED_S]
    assert f"flux-system-{CHART_REF}" not in created
    for name in CHART_FAILS:
        assert "ChartPullError" in str(statuses(writes, f"flux-system-{name}"))
    assert ("False", "UninstallSucceeded", "Reconciling Remediated") in life(writes, "bp-harbor")
    assert 900 < len([w for w in writes if w.at_s < 1300]) + len(writes) < 2400


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    assert run(bootstrap_plan(seed=7)) == run(bootstrap_plan(seed=7))
    assert run(bootstrap_plan(seed=7)) != run(bootstrap_plan(seed=8))
    first, second, third = (region.plan for region in planned_regions(seed=1))
    assert replace(second, seed=0) != replace(third, seed=0) != replace(first, seed=0)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_never_more_than_four_install_and_none_before_its_dependencies(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 14))
    names = [f"r{number}" for number in range(count)]
    no_names: st.SearchStrategy[list[str]] = st.just([])
    releases: list[ReleasePlan] = []
    for index, name in enumerate(names):
        earlier = st.lists(st.sampled_from(names[:index]), max_size=3, unique=True) if index else no_names
        release = planned(
            name,
            *data.draw(earlier),
            install_s=data.draw(st.floats(1, 90)),
            chart_pull_s=data.draw(st.floats(1, 20)),
            failing_attempts=data.draw(st.sampled_from((0, 0, 0, 1))),
            retries=1,
            created_s=data.draw(st.sampled_from((0.0, 0.0, 100.0))),
        )
        releases.append(release)
    run_plan = Plan(releases=tuple(releases))
    steps = data.draw(st.lists(st.floats(0.1, 200), max_size=20))
    flux = Flux(run_plan, stamp=stamp)
    writes: list[Write] = []
    for step in steps:
        writes += flux.run_until(flux.now_s + step)
    writes += flux.run_until(flux.now_s + 4 * HOUR_S)
    assert writes == run(run_plan, until_s=flux.now_s)
    running: set[str] = set()
    ready: set[str] = set()
    for write in writes:
        if not isinstance(write, SetStatus) or write.kind != "helmreleases":
            continue
        by_type = conditions(write.status)
        state = by_type.get("Ready", {}).get("status")
        if state == "Unknown" and write.name not in running:
            running.add(write.name)
            plan = next(release for release in releases if release.name == write.name)
            assert set(plan.depends_on) <= ready
        elif state != "Unknown":
            running.discard(write.name)
        if state == "True" and "Reconciling" not in by_type:
            ready.add(write.name)
        assert len(running) <= 4
    assert ready == set(names)
