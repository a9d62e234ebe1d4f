"""The campaign of the restart storm: all readers lose the server at once, and come back as it told them to.

    python packages/flow-server/tests/campaigns/restart_storm.py --readers 1000 --restarts 5

Readers wait as an EventSource does, for as long as the last `retry:` said. They must not come back in the
same instant, none may be refused once the server is ready, and each goes on exactly where it stood.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from flow_simulator.checker import (
    Answered,
    Connecting,
    Disconnected,
    Entry,
    Finding,
    Framed,
    Log,
    Posting,
    Reader,
    Writer,
    check,
    take_snapshot,
)
from flow_simulator.checker.server_process import ServerProcess
from flow_simulator.checker.traffic import labelled, write_batches

FLOW = "bootstrap"
NODES = 60
PAUSE_S = 0.8
"""Longest pause of the writer, so that a reader that is back soon has something to read."""
LEAST_SPREAD_S = 5.0
"""Between the first reader that tries to come back and the last one."""
CALM_S = 90.0
"""How long everything may take to come to rest; readers wait up to 8 s, some of them twice."""


@dataclass
class Storm:
    """How readers came back after one restart; times since the stop, in seconds."""

    away_s: float
    """How long the server was not ready."""
    tries: list[float]
    """When each reader tried first."""
    returns: list[float]
    """When each reader came back; later, when the server was not there yet."""

    @property
    def spread_s(self) -> float:
        """Between the first one that tried and the last."""
        return max(self.tries) - min(self.tries)

    @property
    def busiest(self) -> int:
        """Most readers that came back within any one second."""
        times = sorted(self.returns)
        return max(sum(at <= other < at + 1 for other in times) for at in times)

    def told(self) -> str:
        """The numbers, for a person."""
        return (
            f"away for {self.away_s:.1f} s; tried between {min(self.tries):.1f} and {max(self.tries):.1f} s "
            f"after the stop, {len(self.returns)} back between {min(self.returns):.1f} and "
            f"{max(self.returns):.1f} s, at most {self.busiest} of them in one second"
        )


@dataclass
class Outcome:
    """What happened, and what was wrong with it."""

    store: str
    readers: int
    storms: list[Storm] = field(default_factory=list[Storm])
    refused: list[str] = field(default_factory=list[str])
    """5xx answers of a server that had said it is ready."""
    acknowledged: int = 0
    frames: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    took_s: float = 0.0

    def told(self) -> str:
        """The counts, for a person."""
        counts = (
            f"{self.store}: {len(self.storms)} restarts with {self.readers} readers in "
            f"{self.took_s:.0f} s: {self.acknowledged} batches acknowledged, {self.frames} frames read, "
            f"{len(self.refused)} refused by a ready server, {len(self.findings)} findings"
        )
        return "\n".join([counts, *(f"  {storm.told()}" for storm in self.storms)])

    def wrong(self) -> list[str]:
        """What should not have been, one sentence each."""
        problems = [*map(str, self.findings), *self.refused]
        for storm in self.storms:
            if storm.spread_s < LEAST_SPREAD_S:
                problems.append(f"all readers tried to come back within {storm.spread_s:.1f} s")
            if len(storm.returns) != self.readers:
                problems.append(f"{len(storm.returns)} of {self.readers} readers came back")
        return problems


async def campaign(*, store: str, readers: int, restarts: int, seed: int, folder: Path) -> Outcome:
    """Run one campaign with a server of its own in `folder`."""
    outcome, log, began_s = Outcome(store, readers), Log(), time.monotonic()
    settings = {"FLOW_SERVER_STORE": store}
    if store == "sqlite":
        settings["FLOW_SERVER_SQLITE_PATH"] = str(folder / "flows.db")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ServerProcess(folder, settings))
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=CALM_S))
        writer = Writer(client, server.url, flow=FLOW, name="writer", log=log)
        first = [labelled(FLOW, f"n{number}", f"first/{number}", "pending") for number in range(NODES)]
        seq = (await writer.post_until_answered(*first)).seq or 0
        everybody = [
            Reader(server.url, flow=FLOW, name=f"reader/{number}", log=log, obeys_retry=True)
            for number in range(readers)
        ]
        for reader in everybody:
            await stack.enter_async_context(reader)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            writing = write_batches(writer, flow=FLOW, seed=seed, stop=stop, pause_s=PAUSE_S, within_s=CALM_S)
            tasks.create_task(writing)
            for _ in range(restarts):
                for reader in everybody:
                    await reader.reached(seq, within_s=CALM_S)
                seq = await _restart(server, client, everybody, log, outcome)
            stop.set()
        taken = await take_snapshot(client, server.url, flow=FLOW, log=log)
        for reader in everybody:
            await reader.reached(taken.seq or 0, within_s=CALM_S)
    outcome.acknowledged = sum(isinstance(entry, Answered) and entry.accepted for entry in log.entries)
    outcome.frames = sum(isinstance(entry, Framed) for entry in log.entries)
    outcome.findings = check(log.entries)
    outcome.took_s = time.monotonic() - began_s
    return outcome


async def _restart(
    server: ServerProcess, client: httpx.AsyncClient, readers: list[Reader], log: Log, outcome: Outcome
) -> int:
    """Stop the server and start it again, until every reader is back; a sequence that all of them have."""
    looked_at, stopped_ns = len(log.entries), time.monotonic_ns()
    status = await server.stop()
    assert status == 0, f"stopped with status {status}"
    frames = [reader.frames for reader in readers]
    await server.start()
    ready_ns = await _ready(server, client)
    for reader, before in zip(readers, frames, strict=True):
        await reader.until(lambda reader=reader, before=before: reader.frames > before, within_s=CALM_S)
    entries = log.entries[looked_at:]
    outcome.storms.append(
        Storm(
            away_s=(ready_ns - stopped_ns) / 1e9,
            tries=[(at_ns - stopped_ns) / 1e9 for at_ns in _tries(entries, stopped_ns).values()],
            returns=[(at_ns - stopped_ns) / 1e9 for at_ns in _returns(entries, stopped_ns).values()],
        )
    )
    outcome.refused += _refused_when_ready(entries, ready_ns)
    return min(reader.cursor or 0 for reader in readers)


async def _ready(server: ServerProcess, client: httpx.AsyncClient) -> int:
    """Wait until the server says that it is ready; when that was."""
    deadline_s = time.monotonic() + CALM_S
    while (await client.get(f"{server.url}/readyz")).status_code != 200:
        assert time.monotonic() < deadline_s, "the server did not get ready"
        await asyncio.sleep(0.02)
    return time.monotonic_ns()


def _tries(entries: Sequence[Entry], stopped_ns: int) -> dict[str, int]:
    """Reader -> when it first tried to come back after the stop."""
    tries: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry, Connecting) and entry.at_ns > stopped_ns:
            tries.setdefault(entry.reader, entry.at_ns)
    return tries


def _returns(entries: Sequence[Entry], stopped_ns: int) -> dict[str, int]:
    """Reader -> when it began the first connection after the stop that gave it something."""
    began = {
        (entry.reader, entry.connection): entry.at_ns
        for entry in entries
        if isinstance(entry, Connecting) and entry.at_ns > stopped_ns
    }
    returns: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry, Framed) and (at_ns := began.get((entry.reader, entry.connection))):
            returns.setdefault(entry.reader, at_ns)
    return returns


def _refused_when_ready(entries: Sequence[Entry], ready_ns: int) -> list[str]:
    """The 5xx answers to whatever began after the server had said that it is ready."""
    began = {
        (entry.reader, entry.connection): entry.at_ns for entry in entries if isinstance(entry, Connecting)
    }
    posted = {(entry.writer, entry.serial): entry.at_ns for entry in entries if isinstance(entry, Posting)}
    refused: list[str] = []
    for entry in entries:
        match entry:
            case Disconnected(reason=reason) if reason.startswith("answered 5"):
                since_ns = began.get((entry.reader, entry.connection), 0)
            case Answered(status=status) if status is not None and status >= 500:
                since_ns = posted.get((entry.writer, entry.serial), 0)
            case _:
                continue
        if since_ns > ready_ns:
            refused.append(f"{(since_ns - ready_ns) / 1e9:.3f} s after the server was ready: {entry}")
    return refused


def main() -> int:
    """Run it by hand; exit status 1 when anything was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--readers", type=int, default=1000)
    arguments.add_argument("--restarts", type=int, default=5)
    arguments.add_argument("--store", choices=["memory", "sqlite"], default="sqlite")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="restart-storm-") as folder:
        outcome = asyncio.run(
            campaign(
                store=given.store,
                readers=given.readers,
                restarts=given.restarts,
                seed=given.seed,
                folder=Path(folder),
            )
        )
    problems = outcome.wrong()
    sys.stdout.write("\n".join([f"seed {given.seed}", outcome.told(), *problems]) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
