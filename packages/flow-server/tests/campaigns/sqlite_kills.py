"""The campaign of the embedded store: kill -9 at random moments under many writers, readers that resume.

    python packages/flow-server/tests/campaigns/sqlite_kills.py --kills 2000

The ring is small, so that kills fall into checkpoints and into the deletion of old messages as well. Writers
repeat a batch with its key until it is answered.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from flow_simulator.checker import Answered, Finding, Log, Posting, Reader, Writer, check, take_snapshot
from flow_simulator.checker.entries import Json
from flow_simulator.checker.server_process import ServerProcess
from flow_simulator.checker.traffic import write_batches

FLOWS = ("bootstrap", "a/b", "ü", "quiet")
WRITERS_PER_FLOW = 4
ROUND = 50
"""Kills after which the log is checked and a new one begins: checking takes more than in proportion."""
CALM_S = 60.0
"""How long everything may take to come to rest after the last kill."""
UNANSWERED_S = 600.0
"""How long a batch may be repeated: on a busy machine a writer can miss many short lives in a row."""


@dataclass
class Outcome:
    """What happened, and what was wrong with it."""

    kills: int = 0
    acknowledged: int = 0
    attempts: int = 0
    slowest_start_s: float = 0.0
    epochs: set[str] = field(default_factory=set[str])
    findings: list[Finding] = field(default_factory=list[Finding])
    took_s: float = 0.0

    def told(self) -> str:
        """The counts, for a person."""
        return (
            f"{self.acknowledged} batches acknowledged ({self.attempts} attempts) under {self.kills} kills "
            f"in {self.took_s:.0f} s: {len(self.findings)} findings, {len(self.epochs)} epoch; "
            f"slowest restart {self.slowest_start_s:.2f} s"
        )


async def campaign(*, kills: int, seed: int, folder: Path) -> Outcome:
    """Run one campaign on a file in `folder`, a round after the other, each with flows of its own."""
    outcome, began_s = Outcome(), time.monotonic()
    settings = {
        "FLOW_SERVER_STORE": "sqlite",
        "FLOW_SERVER_SQLITE_PATH": str(folder / "flows.db"),
        "FLOW_SERVER_RING_CAPACITY": "300",
    }
    async with ServerProcess(folder, settings) as server:
        for number, done in enumerate(range(0, kills, ROUND)):
            flows = [f"{flow}/{number}" for flow in FLOWS]
            await _round(server, flows, min(ROUND, kills - done), seed + 100 * number, outcome)
    outcome.took_s = time.monotonic() - began_s
    return outcome


async def _round(server: ServerProcess, flows: list[str], kills: int, seed: int, outcome: Outcome) -> None:
    log, draw = Log(), random.Random(seed)
    async with AsyncExitStack() as stack:
        readers = [
            await stack.enter_async_context(Reader(server.url, flow=flow, name=f"{number}/reader", log=log))
            for number, flow in enumerate(flows)
        ]
        stop, alive = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            alive.set()
            for number, flow in enumerate(flows):
                for index in range(WRITERS_PER_FLOW):
                    name = f"{number}/writer/{index}"
                    write_seed = seed + 10 * number + index
                    tasks.create_task(_write(server.url, flow, name, log, stop, alive, write_seed))
            for _ in range(kills):
                if draw.random() < 0.5:
                    await _acknowledged(log)
                await asyncio.sleep(draw.uniform(0.0, 0.4))
                await server.kill()
                alive.clear()
                before_s = time.monotonic()
                await server.start()
                alive.set()
                outcome.slowest_start_s = max(outcome.slowest_start_s, time.monotonic() - before_s)
                outcome.kills += 1
            stop.set()
        async with httpx.AsyncClient(timeout=CALM_S) as client:
            for reader, flow in zip(readers, flows, strict=True):
                taken = await take_snapshot(client, server.url, flow=flow, log=log)
                assert taken.seq is not None
                await reader.reached(taken.seq, within_s=CALM_S)
    answers = [entry for entry in log.entries if isinstance(entry, Answered) and entry.accepted]
    outcome.acknowledged += len(answers)
    outcome.attempts += sum(isinstance(entry, Posting) for entry in log.entries)
    outcome.epochs |= {answer.epoch for answer in answers if answer.epoch is not None}
    outcome.findings += check(log.entries)


async def _acknowledged(log: Log) -> None:
    """Return when one more batch was; half of all lives are as long as that, however slow the machine is."""
    looked_at = len(log.entries)
    async with asyncio.timeout(CALM_S):
        while True:
            news, looked_at = log.entries[looked_at:], len(log.entries)
            if any(isinstance(entry, Answered) and entry.accepted for entry in news):
                return
            await asyncio.sleep(0.005)


class _PatientWriter(Writer):
    """Does not try a server that is known not to be there: on two cores that only delays its start."""

    def __init__(self, client: httpx.AsyncClient, url: str, *, alive: asyncio.Event, **named: Any) -> None:
        super().__init__(client, url, **named)
        self._alive = alive

    async def post(self, *messages: Json, key: str | None = None) -> Answered:
        await self._alive.wait()
        return await super().post(*messages, key=key)


async def _write(
    url: str, flow: str, name: str, log: Log, stop: asyncio.Event, alive: asyncio.Event, seed: int
) -> None:
    async with httpx.AsyncClient(timeout=10.0) as client:
        writer = _PatientWriter(client, url, alive=alive, flow=flow, name=name, log=log)
        await write_batches(writer, flow=flow, seed=seed, stop=stop, within_s=UNANSWERED_S)


def main() -> int:
    """Run it by hand; exit status 1 when anything was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--kills", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="sqlite-kills-") as folder:
        outcome = asyncio.run(campaign(kills=given.kills, seed=given.seed, folder=Path(folder)))
    sys.stdout.write(f"seed {given.seed}\n{outcome.told()}\n")
    for finding in outcome.findings:
        sys.stdout.write(f"{finding}\n")
    return 1 if outcome.findings or len(outcome.epochs) != 1 else 0


if __name__ == "__main__":
    sys.exit(main())
