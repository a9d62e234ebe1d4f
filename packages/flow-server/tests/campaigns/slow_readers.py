"""The campaign of slow readers: many that read nothing at all, beside a busy flow and readers that keep up.

    python packages/flow-server/tests/campaigns/slow_readers.py --readers 1000 --seconds 20 --rounds 5

A round is a stretch without slow readers and one with them, so that the two are compared in one run. Then
the slow readers wake up while messages go on. Some stay, some leave in the middle of what had waited for
them, some when they have caught up; these come back with Last-Event-ID. What they get must be exactly what
followed, or a newer snapshot.
"""

import argparse
import asyncio
import gc
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx

from flow_simulator.checker import Finding, Framed, Log, Reader, Writer, check, take_snapshot
from flow_simulator.checker.frames import WireFrame
from flow_simulator.checker.latency_probe import LatencyProbe, quantile
from flow_simulator.checker.server_process import ServerProcess
from flow_simulator.checker.sleeping_reader import Enough, SleepingReader
from flow_simulator.checker.traffic import labelled

FLOW = "bootstrap"
NODES = 200
RING = 1024
"""Small, so that slow readers fall out of it within a short campaign."""
RATE = 1_000
"""Messages a second."""
BATCH = 20
FULL_BATCH = 100
FILLING = 6_000
"""So many messages are more than the kernel and a connection hold for a reader that reads nothing."""
PROBES = 4
"""Readers that keep up, whose latency is measured."""
JUDGED = 10
"""One in so many slow readers is logged for the checker; all are compared with the reader that kept up."""
AWAKE_AT_ONCE = 50
"""So many wake up together; more, and this process would fall behind itself."""
WAKE_S = 0.6
"""How long messages go on at least while they do."""
DEADLINE_S = 120.0


@dataclass
class Outcome:
    """What happened, and what was wrong with it."""

    store: str
    readers: int
    without_ms: list[list[float]] = field(default_factory=list[list[float]])
    """From POST to a reader that keeps up, without slow readers, by round."""
    beside_ms: list[list[float]] = field(default_factory=list[list[float]])
    """The same beside them."""
    grown_kib: list[float] = field(default_factory=list[float])
    """What the server's memory grew by for each slow reader, by round."""
    messages: int = 0
    rate: float = 0.0
    """Messages a second while latencies were measured."""
    took_s: float = 0.0
    ways: Counter[str] = field(default_factory=Counter[str])
    """How many slow readers did what when they woke up."""
    replayed: int = 0
    """Connections that began with what came after the cursor."""
    resynced: int = 0
    """Slow readers that had fallen out of the ring and got a snapshot."""
    frames: int = 0
    problems: list[str] = field(default_factory=list[str])
    findings: list[Finding] = field(default_factory=list[Finding])

    def told(self) -> str:
        """The counts, for a person."""
        ways = ", ".join(f"{count} {way}" for way, count in sorted(self.ways.items()))
        without, beside = ([quantile(each, 0.99) for each in ms] for ms in (self.without_ms, self.beside_ms))
        ratios = [slow / quiet for quiet, slow in zip(without, beside, strict=True)]
        return (
            f"{self.store}: {self.messages} messages, {self.rate:.0f} a second while measured; "
            f"{len(self.grown_kib)} x {self.readers} readers that read nothing, {self.took_s:.0f} s\n"
            f"  the server grew by {max(self.grown_kib):.0f} KiB for each, at most\n"
            f"  others' latency, p99, median of rounds: {quantile(without, 0.5):.1f} ms without them, "
            f"{quantile(beside, 0.5):.1f} ms beside them, {quantile(ratios, 0.5):.2f} times\n"
            f"  awake: {ways}; {self.resynced} had fallen behind and got a snapshot, {self.replayed} came "
            f"back to exactly what followed; {self.frames} frames: "
            f"{len(self.problems) + len(self.findings)} findings"
        )


class Posting:
    """Posts at the rate, in batches, for as long as it is told to."""

    def __init__(self, writer: Writer) -> None:
        """Nothing posted yet."""
        self.posted = 0
        self.newest = 0
        self.rate = 0.0
        """Of the last stretch, messages a second."""
        self._writer = writer
        self._end: int | None = None

    async def go_on(self, seconds: float) -> None:
        """Post for a while; what the machine cannot do in time is left out."""
        began_s, before = time.monotonic(), self.posted
        for number in range(round(seconds * RATE / BATCH)):
            await asyncio.sleep(began_s + number * BATCH / RATE - time.monotonic())
            await self.post(BATCH)
            if time.monotonic() > began_s + 3 * seconds:
                break
        self.rate = (self.posted - before) / (time.monotonic() - began_s)

    async def go_on_until(self, done: Awaitable[object]) -> None:
        """Post at a tenth of the rate until something is done; it may wait for `is_over`."""
        self._end = None
        waiting = asyncio.ensure_future(done)
        for _ in range(round(WAKE_S * RATE / BATCH / 10)):
            await self.post(BATCH)
            await asyncio.sleep(10 * BATCH / RATE)
        self._end = self.newest
        await self.post(BATCH)  # whoever has everything already looks up once more
        await waiting

    def is_over(self, frame: WireFrame) -> bool:
        """Whether a reader that got this frame has all that was posted, but for the last batch."""
        return self._end is not None and (frame.id or 0) >= self._end

    async def post(self, count: int) -> None:
        """Post one batch; each message says when."""
        stamp = time.monotonic_ns()
        messages = [
            labelled(FLOW, f"n{number % NODES}", f"{stamp}/{number}", "running")
            for number in range(self.posted, self.posted + count)
        ]
        answer = await self._writer.post_until_answered(*messages)
        self.posted += count
        self.newest = answer.seq or self.newest


async def campaign(
    *, store: str, readers: int, seconds: float, rounds: int, seed: int, folder: Path
) -> Outcome:
    """Run one campaign with a server of its own in `folder`; a round has two stretches of `seconds`."""
    outcome, log, draw, began_s = Outcome(store, readers), Log(), random.Random(seed), time.monotonic()
    settings = {"FLOW_SERVER_STORE": store, "FLOW_SERVER_RING_CAPACITY": str(RING)}
    if store == "sqlite":
        settings["FLOW_SERVER_SQLITE_PATH"] = str(folder / "flows.db")
    everybody: list[SleepingReader] = []
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ServerProcess(folder, settings))
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=DEADLINE_S))
        posting = Posting(Writer(client, server.url, flow=FLOW, name="writer", log=log))
        for _ in range(2 * RING // FULL_BATCH):  # memory is measured with a full ring
            await posting.post(FULL_BATCH)
        keeps_up = Reader(server.url, flow=FLOW, name="keeps up", log=log)
        await stack.enter_async_context(keeps_up)
        probes = [await _probe(server.port) for _ in range(PROBES)]
        for number in range(rounds):
            outcome.without_ms.append(await _measured(posting, probes, seconds))
            before_kib = _rss_kib(server.pid)
            slow = [
                await SleepingReader(
                    server.port,
                    flow=FLOW,
                    name=f"slow/{number}/{index}",
                    log=None if index % JUDGED else log,
                    within_s=DEADLINE_S,
                ).connect()
                for index in range(readers)
            ]
            for _ in range(FILLING // FULL_BATCH):  # until nobody has room for more
                await posting.post(FULL_BATCH)
            outcome.beside_ms.append(await _measured(posting, probes, seconds))
            outcome.grown_kib.append((_rss_kib(server.pid) - before_kib) / readers)
            for first in range(0, readers, AWAKE_AT_ONCE):
                waking = slow[first : first + AWAKE_AT_ONCE]
                ways = [_way(draw, posting.newest) for _ in waking]
                outcome.ways.update(name for name, _ in ways)
                await posting.go_on_until(
                    asyncio.gather(
                        *[
                            reader.wake(posting.is_over, leaves=leaves)
                            for reader, (_, leaves) in zip(waking, ways, strict=True)
                        ]
                    )
                )
            everybody += slow
        for probe in probes:
            probe.close()
        await keeps_up.reached(posting.newest, within_s=DEADLINE_S)
        await take_snapshot(client, server.url, flow=FLOW, log=log)
    _judge(everybody, log, outcome)
    outcome.messages, outcome.rate = posting.posted, posting.rate
    outcome.findings = check(log.entries)
    outcome.took_s = time.monotonic() - began_s
    return outcome


def _way(draw: random.Random, newest: int) -> tuple[str, Enough | None]:
    """What a slow reader does when it wakes up, and at which frame it leaves."""
    left = draw.randint(1, 1000)

    def early(_: WireFrame) -> bool:
        nonlocal left
        left -= 1
        return left <= 0

    return draw.choice(
        [
            ("stayed", None),
            ("left early", early),
            ("left late", lambda frame: (frame.id or 0) >= newest),
        ]
    )


async def _measured(posting: Posting, probes: list[LatencyProbe], seconds: float) -> list[float]:
    """Latencies while messages are posted for a while, in ms."""
    into_ms: list[float] = []
    for probe in probes:
        probe.latencies_ms = into_ms
    gc.disable()  # its pauses in this process, which holds all frames, are not the server's
    await posting.go_on(seconds)
    gc.enable()
    for probe in probes:
        probe.latencies_ms = None
    return into_ms


async def _probe(port: int) -> LatencyProbe:
    def probe() -> LatencyProbe:
        return LatencyProbe(FLOW, most_in_one_read=5 * BATCH)

    return (await asyncio.get_running_loop().create_connection(probe, "127.0.0.1", port))[1]


def _judge(slow: list[SleepingReader], log: Log, outcome: Outcome) -> None:
    """Every slow reader got what the one that kept up got, with a snapshot where it had fallen behind."""
    kept = [entry for entry in log.entries if isinstance(entry, Framed) and entry.reader == "keeps up"]
    place = {entry.id: number for number, entry in enumerate(kept)}
    for reader in slow:
        outcome.frames += len(reader.frames)
        outcome.resynced += any(frame.event == "snapshot" for frame in reader.frames[1:])
        if reader.came_back_at is not None:
            outcome.replayed += reader.frames[reader.came_back_at].event != "snapshot"
        if reader.frames[0].event != "snapshot":
            outcome.problems.append(f"a slow reader began with {reader.frames[0]}")
        for before, frame in pairwise(reader.frames):
            at, at_before = place.get(frame.id), place.get(before.id)
            if frame.event == "snapshot":
                right = (frame.id or 0) > (before.id or 0)
            else:
                right = at is not None and at_before == at - 1 and kept[at].data == frame.data
            if not right:
                outcome.problems.append(f"after {before.id} came {frame.event} {frame.id}: {frame.data:.200}")
                break


def _rss_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def main() -> int:
    """Run it by hand; exit status 1 when anything was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--readers", type=int, default=100)
    arguments.add_argument("--seconds", type=float, default=20.0)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--store", choices=["memory", "sqlite"], default="memory")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="slow-readers-") as folder:
        outcome = asyncio.run(
            campaign(
                store=given.store,
                readers=given.readers,
                seconds=given.seconds,
                rounds=given.rounds,
                seed=given.seed,
                folder=Path(folder),
            )
        )
    problems = [*outcome.problems, *map(str, outcome.findings)]
    sys.stdout.write("\n".join([f"seed {given.seed}", outcome.told(), *problems]) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
