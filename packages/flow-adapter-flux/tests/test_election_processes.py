"""The election between real processes that are ended, killed and frozen."""

import asyncio
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path

from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes.faults import Forbid, Restart

from .voice import TERMS

SPEAKER = Path(__file__).with_name("voice.py")
SLACK_S = 2.5
"""What a busy machine may add to each bound."""


class Voices:
    """Processes that share one Lease, and who spoke when."""

    def __init__(self, cluster: SimulatedCluster, folder: Path) -> None:
        self.file = folder / "spoken"
        self.file.touch()
        self._kubeconfig = cluster.kubeconfig(folder / "kubeconfig")
        self.processes: dict[str, Process] = {}

    async def start(self, name: str) -> None:
        self.processes[name] = await asyncio.create_subprocess_exec(
            sys.executable, str(SPEAKER), str(self._kubeconfig), name, str(self.file)
        )

    def spoken(self) -> list[tuple[float, str]]:
        lines = [line.split() for line in self.file.read_text().splitlines()]
        return [(float(at), name) for at, name in lines]

    async def heard(
        self, other_than: str | None = None, *, since: float, within_s: float
    ) -> tuple[float, str]:
        """The first word after `since`, of somebody else than `other_than`."""

        def found() -> list[tuple[float, str]]:
            return [(at, name) for at, name in self.spoken() if at > since and name != other_than]

        await until(lambda: bool(found()), within_s)
        return found()[0]

    async def end(self) -> None:
        for process in self.processes.values():
            if process.returncode is None:
                process.kill()
                await process.wait()

    def most_overlap_s(self) -> float:
        """The longest time in which two spoke in turns: from one's word to a later word of the one before."""
        spoken = sorted(self.spoken())
        last: dict[str, float] = {}
        worst = 0.0
        for at, name in spoken:
            began = [other_at for other, other_at in last.items() if other != name]
            if name in last and began and max(began) > last[name]:
                worst = max(worst, at - last[name])
            last[name] = at
        return worst


async def until(condition: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s")
        await asyncio.sleep(0.02)


async def test_the_voice_passes_on_when_its_holder_ends_dies_or_freezes(tmp_path: Path) -> None:
    async with SimulatedCluster() as cluster:
        voices = Voices(cluster, tmp_path)
        try:
            for name in ("a", "b", "c"):
                await voices.start(name)
            _, first = await voices.heard(since=0.0, within_s=20)

            voices.processes[first].send_signal(signal.SIGTERM)
            ended = time.monotonic()
            assert await voices.processes[first].wait() == 0
            at, second = await voices.heard(first, since=ended, within_s=20)
            assert at - ended <= TERMS.look_s[1] + SLACK_S

            await voices.start("d")
            voices.processes[second].send_signal(signal.SIGKILL)
            killed = time.monotonic()
            at, third = await voices.heard(second, since=killed, within_s=20)
            assert at - killed <= TERMS.lease_s + TERMS.look_s[1] + SLACK_S

            voices.processes[third].send_signal(signal.SIGSTOP)
            frozen = time.monotonic()
            at, fourth = await voices.heard(third, since=frozen, within_s=20)
            assert at - frozen <= TERMS.lease_s + TERMS.look_s[1] + SLACK_S
            voices.processes[third].send_signal(signal.SIGCONT)
            woken = time.monotonic()
            await voices.heard(third, since=woken + 1.0, within_s=20)
            assert not [at for at, name in voices.spoken() if name == third and at > woken], (
                "a frozen voice spoke"
            )
            assert voices.most_overlap_s() == 0.0

            await cluster.inject(Restart(down_s=0.5, roles_s=0.2, paths_s=0.1, ready_s=0.1))
            restarted = time.monotonic()
            await voices.heard(since=restarted + 1.5, within_s=20)
            await cluster.inject(Forbid())
            forbidden = time.monotonic()
            await until(lambda: max(voices.spoken())[0] < time.monotonic() - 1.0, within_s=20)
            assert max(voices.spoken())[0] - forbidden <= TERMS.voice_s + SLACK_S
            await cluster.lift_faults()
            await voices.heard(since=time.monotonic(), within_s=20)
            assert voices.most_overlap_s() == 0.0
            assert fourth != third
        finally:
            await voices.end()
