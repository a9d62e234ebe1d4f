"""The campaign of exact resume: one reader that comes back over and over, at any cursor.

    python packages/flow-server/tests/campaigns/reconnects.py --reconnects 1000000 --store sqlite

Cursors lie within batches, at the newest message, below the ring, before a DELETE. After each the reader must
get exactly what came after it, or a newer snapshot. It reads some frames and goes away in the middle of
whatever comes next.
"""

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from flow_simulator.checker import (
    Answered,
    Connecting,
    Finding,
    Framed,
    Log,
    Writer,
    check,
    flow_url,
    take_snapshot,
)
from flow_simulator.checker.raw_stream import ask_for_stream, frames_on
from flow_simulator.checker.server_process import ServerProcess
from flow_simulator.checker.traffic import labelled, write_batches

FLOW = "a/b"
RING = 200
WRITERS = 2
MOST_FRAMES = 12
"""Most frames read over one connection."""
ROUND = 2_500
"""Reconnects after which the log is checked and a new one begins, so that a long run is no long log."""
DEADLINE_S = 30.0


@dataclass
class Outcome:
    """What happened, and what was wrong with it."""

    store: str
    reconnects: int = 0
    replayed: int = 0
    resynced: int = 0
    nothing_new: int = 0
    frames: int = 0
    acknowledged: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    took_s: float = 0.0

    def told(self) -> str:
        """The counts, for a person."""
        return (
            f"{self.store}: {self.reconnects} reconnects at random cursors in {self.took_s:.0f} s: "
            f"{self.replayed} replayed, {self.resynced} got a snapshot, {self.nothing_new} waited for the "
            f"next; {self.frames} frames, {self.acknowledged} batches beside them: "
            f"{len(self.findings)} findings"
        )


async def campaign(*, store: str, reconnects: int, seed: int, folder: Path) -> Outcome:
    """Run one campaign with a server of its own in `folder`; a round has a flow of its own."""
    outcome, began_s = Outcome(store), time.monotonic()
    settings = {"FLOW_SERVER_STORE": store, "FLOW_SERVER_RING_CAPACITY": str(RING)}
    if store == "sqlite":
        settings["FLOW_SERVER_SQLITE_PATH"] = str(folder / "flows.db")
    async with ServerProcess(folder, settings) as server:
        for number in itertools.count():
            left = reconnects - outcome.reconnects
            if left <= 0:
                break
            await _round(server, f"{FLOW}/{number}", min(ROUND, left), seed + number, outcome)
    outcome.took_s = time.monotonic() - began_s
    return outcome


async def _round(server: ServerProcess, flow: str, reconnects: int, seed: int, outcome: Outcome) -> None:
    log, stop, draw = Log(), asyncio.Event(), random.Random(seed)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=DEADLINE_S))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        writers = [
            Writer(client, server.url, flow=flow, name=f"writer/{index}", log=log) for index in range(WRITERS)
        ]
        deleter = Writer(client, server.url, flow=flow, name="deleter", log=log)
        await writers[0].post_until_answered(labelled(flow, "n0", "first", "pending"))
        for index, writer in enumerate(writers):
            tasks.create_task(write_batches(writer, flow=flow, seed=seed + index, stop=stop, pause_s=0.04))
        for part in (reconnects // 2, reconnects - reconnects // 2):
            await _come_back(server, flow, part, log, draw, outcome)
            await deleter.delete()
        stop.set()
    async with httpx.AsyncClient(timeout=DEADLINE_S) as client:
        await take_snapshot(client, server.url, flow=flow, log=log)
        await client.delete(flow_url(server.url, flow))
    outcome.acknowledged += sum(isinstance(entry, Answered) and entry.accepted for entry in log.entries)
    outcome.findings += check(log.entries)


async def _come_back(
    server: ServerProcess, flow: str, reconnects: int, log: Log, draw: random.Random, outcome: Outcome
) -> None:
    oldest = newest = looked_at = 0
    for _ in range(reconnects):
        for entry in itertools.islice(log.entries, looked_at, None):
            if isinstance(entry, Answered) and entry.seq is not None:
                oldest, newest = min(oldest or entry.seq, entry.seq), max(newest, entry.seq)
        looked_at = len(log.entries)
        # Mostly recent ones, now and then any, or from the beginning.
        lowest = oldest if draw.random() < 0.1 else max(oldest, newest - int(1.5 * RING))
        cursor = draw.randint(lowest, newest) if draw.random() < 0.98 else None
        outcome.reconnects += 1
        connection = outcome.reconnects
        log.write(
            Connecting(
                reader="reader",
                connection=connection,
                flow=flow,
                last_event_id=cursor,
                rewound=True,
                at_ns=time.monotonic_ns(),
            )
        )
        wanted, got = draw.randint(1, MOST_FRAMES), 0
        if cursor == newest:
            outcome.nothing_new += 1
            wanted = 1  # the next one, whenever it comes
        stream = await ask_for_stream(server.port, flow, cursor=cursor)
        async for frame in frames_on(stream, within_s=DEADLINE_S):
            got += 1
            if got == 1:
                outcome.resynced += frame.event == "snapshot"
                outcome.replayed += frame.event != "snapshot"
            log.write(
                Framed(
                    reader="reader",
                    connection=connection,
                    event=frame.event,
                    id=frame.id,
                    data=frame.data,
                    at_ns=time.monotonic_ns(),
                )
            )
            if got == wanted or (frame.id or 0) >= newest:
                break
        outcome.frames += got


def main() -> int:
    """Run it by hand; exit status 1 when anything was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--reconnects", type=int, default=1_000_000)
    arguments.add_argument("--store", choices=["memory", "sqlite"], default="sqlite")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="reconnects-") as folder:
        outcome = asyncio.run(
            campaign(store=given.store, reconnects=given.reconnects, seed=given.seed, folder=Path(folder))
        )
    findings = [str(finding) for finding in outcome.findings]
    sys.stdout.write("\n".join([f"seed {given.seed}", outcome.told(), *findings]) + "\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
