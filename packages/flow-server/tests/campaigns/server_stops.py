"""The campaign of the clean stop: SIGTERM at random moments while writers write and readers read.

    python packages/flow-server/tests/campaigns/server_stops.py --stops 1000 --store sqlite

Each stop must end with status 0 within the grace time, every stream with a whole frame, and with a store that
keeps its log every answered batch must be there afterwards.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from flow_simulator.checker import (
    Answered,
    Disconnected,
    Finding,
    Framed,
    Log,
    Reader,
    Writer,
    check,
    take_snapshot,
)
from flow_simulator.checker.server_process import ServerProcess
from flow_simulator.checker.traffic import write_batches

FLOWS = ("bootstrap", "ü/2")
WRITERS_PER_FLOW = 3
READERS_PER_FLOW = 3
GRACE_S = 10.0
CALM_S = 60.0
"""How long everything may take to come to rest after the last stop."""


@dataclass
class Outcome:
    """What happened, and what was wrong with it."""

    store: str
    statuses: Counter[int] = field(default_factory=Counter[int])
    slowest_stop_s: float = 0.0
    acknowledged: int = 0
    frames: int = 0
    ended_streams: int = 0
    epochs: set[str] = field(default_factory=set[str])
    findings: list[Finding] = field(default_factory=list[Finding])
    took_s: float = 0.0

    def told(self) -> str:
        """The counts, for a person."""
        statuses = ", ".join(f"{count} with status {status}" for status, count in self.statuses.items())
        return (
            f"{self.store}: stopped {statuses}, the slowest in {self.slowest_stop_s:.2f} s; "
            f"{self.acknowledged} batches acknowledged, {self.frames} frames read, {self.ended_streams} "
            f"streams ended whole, {len(self.epochs)} epochs, {len(self.findings)} findings "
            f"in {self.took_s:.0f} s"
        )

    def wrong(self, stops: int) -> list[str]:
        """What should not have been, one sentence each."""
        problems = [str(finding) for finding in self.findings]
        if self.statuses != {0: stops}:
            problems.append(
                f"{self.store}: expected {stops} stops with status 0, found {dict(self.statuses)}"
            )
        if self.slowest_stop_s > GRACE_S:
            problems.append(f"{self.store}: a stop took {self.slowest_stop_s:.1f} s")
        if self.store == "sqlite" and len(self.epochs) != 1:
            problems.append(f"{self.store}: {len(self.epochs)} epochs, though nothing was lost")
        if min(self.acknowledged, self.ended_streams) < stops:
            problems.append(f"{self.store}: nothing was tried")
        return problems


async def campaign(*, store: str, stops: int, seed: int, folder: Path) -> Outcome:
    """Run one campaign with a server of its own in `folder`."""
    outcome, log, draw, began_s = Outcome(store), Log(), random.Random(seed), time.monotonic()
    settings = {"FLOW_SERVER_STORE": store, "FLOW_SERVER_STOP_GRACE": f"{GRACE_S:.0f}s"}
    if store == "sqlite":
        settings["FLOW_SERVER_SQLITE_PATH"] = str(folder / "flows.db")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ServerProcess(folder, settings))
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=CALM_S))
        readers: list[tuple[str, Reader]] = []
        for number, flow in enumerate(FLOWS):
            for index in range(READERS_PER_FLOW):
                reader = Reader(server.url, flow=flow, name=f"{number}/reader/{index}", log=log, pause_s=0.02)
                readers.append((flow, await stack.enter_async_context(reader)))
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for number, flow in enumerate(FLOWS):
                for index in range(WRITERS_PER_FLOW):
                    writer = Writer(client, server.url, flow=flow, name=f"{number}/writer/{index}", log=log)
                    writing = write_batches(
                        writer, flow=flow, seed=seed + 10 * number + index, stop=stop, within_s=CALM_S
                    )
                    tasks.create_task(writing)
            for _ in range(stops):
                await asyncio.sleep(draw.uniform(0.05, 0.3))
                before_s = time.monotonic()
                outcome.statuses[await server.stop()] += 1
                outcome.slowest_stop_s = max(outcome.slowest_stop_s, time.monotonic() - before_s)
                await server.start()
            stop.set()
        newest = {
            flow: (await take_snapshot(client, server.url, flow=flow, log=log)).seq or 0 for flow in FLOWS
        }
        for flow, reader in readers:
            await reader.reached(newest[flow], within_s=CALM_S)
    _count(log, outcome)
    outcome.findings = check(log.entries)
    outcome.took_s = time.monotonic() - began_s
    return outcome


def _count(log: Log, outcome: Outcome) -> None:
    for entry in log.entries:
        match entry:
            case Answered(epoch=epoch) if entry.accepted:
                outcome.acknowledged += 1
                outcome.epochs |= set() if epoch is None else {epoch}
            case Framed():
                outcome.frames += 1
            case Disconnected(reason="ended by the server"):
                outcome.ended_streams += 1
            case _:
                pass


def main() -> int:
    """Run it by hand; exit status 1 when anything was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--stops", type=int, default=1000)
    arguments.add_argument("--store", choices=["memory", "sqlite"], default="sqlite")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="server-stops-") as folder:
        outcome = asyncio.run(
            campaign(store=given.store, stops=given.stops, seed=given.seed, folder=Path(folder))
        )
    problems = outcome.wrong(given.stops)
    sys.stdout.write("\n".join([f"seed {given.seed}", outcome.told(), *problems]) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
