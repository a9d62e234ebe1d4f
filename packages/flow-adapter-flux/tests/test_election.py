"""The election over a simulated API, in virtual time, with the real numbers."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from flow_adapter_flux.election import Election
from flow_adapter_flux.kubernetes.connection import Connection, configuration
from flow_adapter_flux.kubernetes.lease import LeaseApi
from flow_adapter_flux.metrics import Metrics
from flow_adapter_flux.vitals import Vitals
from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes.faults import (
    AnswerWith,
    DropRequest,
    HalfAnswer,
    NeverAnswer,
    OtherContentType,
    Restart,
)

from .region import in_virtual_time


class Candidates:
    """Processes of an election, all in this loop."""

    def __init__(self) -> None:
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.vitals: dict[str, Vitals] = {}
        self.voices: dict[str, Callable[[], float]] = {}

    def start(self, name: str) -> None:
        clock = asyncio.get_running_loop().time
        self.vitals[name] = Vitals(clock)

        async def speak(voice_s: Callable[[], float]) -> None:
            self.voices[name] = voice_s
            try:
                await asyncio.Event().wait()
            finally:
                del self.voices[name]

        async def run() -> None:
            connection = Connection(configuration())
            election = Election(
                lease=LeaseApi(connection, name="adapter", namespace="flux-system", lease_s=15),
                identity=name,
                clock=clock,
                spread=Random(name).random,
                vitals=self.vitals[name],
                metrics=Metrics(),
            )
            try:
                await election.run(speak)
            finally:
                await connection.close()

        self.tasks[name] = asyncio.create_task(run())

    def heard(self) -> list[str]:
        """Who may speak right now."""
        return [name for name, voice_s in self.voices.items() if voice_s() > 0]

    async def watch(self, seconds: float) -> int:
        """Look on for a while; never may two speak. Gives in how many tenths of a second nobody could."""
        silent = 0
        for _ in range(round(seconds * 10)):
            heard = self.heard()
            assert len(heard) <= 1, heard
            silent += not heard
            await asyncio.sleep(0.1)
        return silent

    async def stop(self, name: str) -> None:
        task = self.tasks.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def end(self) -> None:
        for name in list(self.tasks):
            await self.stop(name)


@pytest.fixture
def simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[SimulatedCluster], None]:
    return lambda cluster: monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "kubeconfig")))


@in_virtual_time
async def test_a_hand_over_takes_at_most_six_seconds_and_the_lease_tells_of_it(
    simulated: Callable[[SimulatedCluster], None],
) -> None:
    async with SimulatedCluster() as cluster:
        simulated(cluster)
        candidates = Candidates()
        for name in ("a", "b", "c"):
            candidates.start(name)
        await candidates.watch(2)
        for _ in range(5):
            (leader,) = candidates.heard()
            await candidates.stop(leader)
            await candidates.watch(6.2)
            assert len(candidates.heard()) == 1
            candidates.start(leader)
            await candidates.watch(10)
        await candidates.end()


@in_virtual_time
async def test_followers_read_the_lease_every_five_seconds_and_ask_for_nothing_else(
    simulated: Callable[[SimulatedCluster], None],
) -> None:
    async with SimulatedCluster() as cluster:
        simulated(cluster)
        candidates = Candidates()
        for name in ("a", "b"):
            candidates.start(name)
        assert await candidates.watch(180) < 5
        counts = cluster.request_counts
        assert 28 <= counts["get", "leases", 200] + counts["get", "leases", 404] <= 48
        assert all(vitals.age_s() < 7 for vitals in candidates.vitals.values())
        assert {resource for _, resource, _ in counts} == {"leases"}
        await candidates.end()


@pytest.mark.parametrize(
    "fault",
    [
        AnswerWith(resource="leases", status=403, reason="Forbidden", for_s=30),
        AnswerWith(resource="leases", status=401, reason="Unauthorized", for_s=30),
        AnswerWith(resource="leases", status=500, body="oops", content_type="text/plain", for_s=30),
        AnswerWith(resource="leases", status=429, retry_after_s=1, body="x", content_type=None, for_s=30),
        AnswerWith(resource="leases", status=200, body="<html>", content_type="text/html", for_s=30),
        AnswerWith(resource="leases", status=200, body="{}", for_s=30),
        AnswerWith(resource="leases", status=200, body="[5]", for_s=30),
        AnswerWith(resource="leases", status=200, body='{"metadata":5,"spec":[]}', for_s=30),
        AnswerWith(resource="leases", status=503, body='{"kind":5}', for_s=30),
        NeverAnswer(resource="leases", for_s=30),
        DropRequest(resource="leases", for_s=30),
        HalfAnswer(resource="leases", for_s=30),
        OtherContentType(resource="leases", content_type=None, for_s=30),
        Restart(),
    ],
    ids=str,
)
@in_virtual_time
async def test_without_the_lease_the_voice_is_lost_in_time_and_comes_back(
    fault: AnswerWith, simulated: Callable[[SimulatedCluster], None]
) -> None:
    async with SimulatedCluster() as cluster:
        simulated(cluster)
        candidates = Candidates()
        for name in ("a", "b"):
            candidates.start(name)
        await candidates.watch(5)
        await cluster.inject(fault)
        silent = await candidates.watch(40)
        harmless = isinstance(fault, Restart | OtherContentType)  # short, or only the label is wrong
        assert silent > 100 or harmless
        asked = sum(cluster.request_counts.values())
        assert asked <= 2 * (45 + 5), "a busy loop"
        assert len(candidates.heard()) == 1
        await candidates.end()


@in_virtual_time
async def test_a_lost_answer_to_a_renewal_is_not_a_lost_lease(
    simulated: Callable[[SimulatedCluster], None],
) -> None:
    async with SimulatedCluster() as cluster:
        simulated(cluster)
        candidates = Candidates()
        candidates.start("a")
        await candidates.watch(5)
        for _ in range(5):
            await cluster.inject(HalfAnswer(verbs=("update",), resource="leases", times=1))
            assert await candidates.watch(10) == 0
        await candidates.end()
