"""The recorded exchanges with a real API server, replayed against the simulated one."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.replay.player import START_VERSION, Player, Report
from flow_simulator.replay.recording import Exchange, scenarios
from flow_simulator.virtual_time import run_in_virtual_time

RECORDING = scenarios(Path(__file__).parents[1] / "data" / "kube-api-recording.jsonl")

_SCHEMA = "the simulator's definitions have an open schema: nothing but metadata is validated or dropped"
_PARSER = "the same answer; the words about broken JSON are those of Go's parser"
CANNOT_APPLY = {
    "3 watch from odd versions, step 3": "bookmarks are no promise, and this short watch got none",
    "8 helmrelease write errors, step 4": _SCHEMA,
    "8 helmrelease write errors, step 5": _SCHEMA,
    "8 helmrelease write errors, step 6": _SCHEMA,
    "8 helmrelease write errors, step 8": _SCHEMA,
    "8 helmrelease write errors, step 9": _SCHEMA,
    "8 helmrelease write errors, step 10": _SCHEMA,
    "8 helmrelease write errors, step 20": _SCHEMA,
    "8 helmrelease write errors, step 11": _PARSER,
    "8 helmrelease write errors, step 13": _PARSER,
    "9 discovery, step 17": "a real server has more groups",
}
"""Exchanges that differ, and why that is no dishonesty. Each must differ, or it has no place here."""


def replayed(scenario: list[Exchange]) -> Report:
    async def play() -> Report:
        async with SimulatedCluster(definitions=(), version=START_VERSION) as cluster:
            return await Player(cluster, scenario).play()

    return run_in_virtual_time(play())


@pytest.fixture(scope="module", name="reports")
def _reports() -> dict[str, Report]:
    return {name: replayed(scenario) for name, scenario in RECORDING.items()}


def _differing(report: Report) -> Iterator[str]:
    for name, found in report.differences.items():
        if name not in CANNOT_APPLY:
            yield from (f"{name}: {difference}" for difference in found)


@pytest.mark.parametrize("scenario", RECORDING)
def test_a_recorded_scenario_is_answered_as_by_the_real_server(
    scenario: str, reports: dict[str, Report]
) -> None:
    assert list(_differing(reports[scenario])) == []


def test_every_recorded_request_is_replayed(reports: dict[str, Report]) -> None:
    requests = [e.name for exchanges in RECORDING.values() for e in exchanges if e.request is not None]
    compared = [name for report in reports.values() for name in report.compared]
    assert sorted(compared) == sorted(requests)
    assert len(compared) == 259


def test_every_exception_is_needed(reports: dict[str, Report]) -> None:
    differing = {name for report in reports.values() for name in report.differences}
    assert set(CANNOT_APPLY) <= differing


def test_a_planted_difference_is_found() -> None:
    first, *others = RECORDING["6 helmchart"]
    assert first.response is not None
    spoilt = msgspec.structs.replace(first, response=msgspec.structs.replace(first.response, status=418))
    assert list(replayed([spoilt, *others]).differences) == [first.name]


def test_a_missing_line_is_found() -> None:
    scenario = list(RECORDING["2a watch events"])
    index = next(index for index, exchange in enumerate(scenario) if exchange.watch)
    watch = scenario[index]
    assert watch.watch is not None
    scenario[index] = msgspec.structs.replace(watch, watch=[*watch.watch, watch.watch[-1]])
    assert list(replayed(scenario).differences) == [watch.name]
