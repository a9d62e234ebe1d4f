"""The campaign of the replicated store: faults on servers and replicas while writers write and readers hop.

    python packages/flow-server/tests/campaigns/nats_faults.py --faults 1000

Three NATS servers, three replicas, a proxy on every way between them. Each fault is one of: kill -9 and
start again, SIGSTOP and SIGCONT, a partition that stalls, a partition that refuses; on a server or on a
replica, and often on one of each at once, never on two servers. Writers repeat a batch with its key until it
is answered, on whichever replica they happen to reach; readers are thrown from replica to replica in the
middle of a chunk.
"""

import argparse
import asyncio
import contextlib
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec

from flow_simulator.checker import Finding, Framed, Log, Reader, Writer, check, flow_url, take_snapshot
from flow_simulator.checker.entries import Answered, Connecting, Json, Posting
from flow_simulator.checker.server_process import ServerProcess
from flow_simulator.nats_network import REFUSED, STALLED, NatsNetwork, nats_network
from flow_simulator.proxy import Proxy

FLOWS = ("bootstrap", "a/b", "\u00fc", "deleted now and then")
DELETED = FLOWS[3]
"""The flow that is deleted; what was acknowledged there need not be in the log any more."""

STATUSES = ("pending", "running", "succeeded", "failed")
WRITERS_PER_FLOW = 2
READERS_PER_FLOW = 2
REPLICAS = 3
FAULTS_PER_ROUND = 100
"""After so many faults all begins anew: the stream keeps 8,192 entries of a flow, and the history at the end
is to hold everything.
"""

WRITE_TRIES_S = 10.0
"""How long a replica tries to store what it was asked to, also when the asker has gone (the default)."""

REQUEST_S = 2.0
"""How long its last try may be under way, before whatever stands still goes on and delivers it."""

CALM_S = 60.0
"""How long everything may take to come to rest after the last fault."""


@dataclass
class Outcome:
    """What happened, and what was wrong with it."""

    faults: Counter[str] = field(default_factory=Counter[str])
    acknowledged: int = 0
    attempts: int = 0
    resumes: int = 0
    frames: int = 0
    longest_stall_s: float = 0.0
    twice: int = 0
    missing: Counter[str] = field(default_factory=Counter[str])
    """Acknowledged messages that the history lacks, by flow."""
    differing: list[str] = field(default_factory=list[str])
    """What each replica has of a flow, where that is not the same."""
    findings: list[Finding] = field(default_factory=list[Finding])
    took_s: float = 0.0
    log: Path | None = None
    """What everybody asked and was answered, when anything was wrong."""

    def add(self, other: "Outcome") -> None:
        """Count another campaign's outcome in."""
        self.faults += other.faults
        self.missing += other.missing
        for name in ("acknowledged", "attempts", "resumes", "frames", "twice", "took_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.longest_stall_s = max(self.longest_stall_s, other.longest_stall_s)
        self.differing += other.differing
        self.findings += other.findings

    @property
    def is_clean(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.findings or self.missing or self.twice or self.differing)

    def told(self) -> str:
        """The counts, for a person."""
        faults = ", ".join(f"{count} x {kind}" for kind, count in sorted(self.faults.items()))
        return (
            f"{self.acknowledged} batches acknowledged ({self.attempts} attempts) under "
            f"{sum(self.faults.values())} faults in {self.took_s:.0f} s: {self.missing.total()} lost, "
            f"{self.twice} twice, {len(self.findings)} findings, {len(self.differing)} replicas differ\n"
            f"{self.frames} frames read over {self.resumes} connections that resumed; "
            f"longest time without an acknowledgement {self.longest_stall_s:.1f} s\n{faults}"
            + "".join(f"\nlost: {count} of {flow!r}" for flow, count in self.missing.items())
            + "".join(f"\ndiffers: {one}" for one in self.differing)
            + ("" if self.log is None else f"\neverybody's log: {self.log}")
        )


class World:
    """Servers, replicas, and the doors through which writers and readers reach some replica."""

    def __init__(self, network: NatsNetwork, replicas: list[ServerProcess], draw: random.Random) -> None:
        self.network = network
        self.replicas = replicas
        self.draw = draw
        self.away: set[int] = set()
        """Replicas that do not run now."""
        self.doors: list[Proxy] = []

    def hop(self) -> None:
        """Throw one door's connections to some replica that runs."""
        door = self.draw.choice(self.doors)
        there = [index for index in range(REPLICAS) if index not in self.away]
        door.target = ("127.0.0.1", self.replicas[self.draw.choice(there)].port)
        door.cut()


async def campaign(*, faults: int, seed: int, folder: Path, longest_s: float) -> Outcome:
    """Run one campaign with its own servers; pauses and partitions last up to `longest_s` seconds."""
    log = Log()
    try:
        outcome = await _campaign(log, faults=faults, seed=seed, folder=folder, longest_s=longest_s)
    except BaseException:
        sys.stdout.write(f"everybody's log: {_keep(log, folder)}\n")
        raise
    if not outcome.is_clean:
        outcome.log = _keep(log, folder)
    return outcome


async def _campaign(log: Log, *, faults: int, seed: int, folder: Path, longest_s: float) -> Outcome:
    outcome, began_s = Outcome(), time.monotonic()
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(nats_network(folder, replicas=REPLICAS))
        replicas: list[ServerProcess] = []
        for index in range(REPLICAS):
            (folder / f"replica-{index}").mkdir()
            environment = {
                "FLOW_SERVER_STORE": "nats",
                "FLOW_SERVER_NATS_URLS": ",".join(network.urls_of(index)),
                "FLOW_SERVER_RING_CAPACITY": "1000000",
                "FLOW_SERVER_RING_BYTES": "1Gi",
            }
            process = ServerProcess(folder / f"replica-{index}", environment)
            replicas.append(await stack.enter_async_context(process))
        world = World(network, replicas, random.Random(seed))
        for _ in range(len(FLOWS) * (WRITERS_PER_FLOW + READERS_PER_FLOW) + 1):
            world.doors.append(await stack.enter_async_context(Proxy(("127.0.0.1", replicas[0].port))))
        # A replica that is cut off serves what it has, so that all begin with something.
        async with httpx.AsyncClient(timeout=CALM_S) as client:
            for number, flow in enumerate(FLOWS):
                first = Writer(client, replicas[0].url, flow=flow, name=f"{number}/first", log=log)
                await first.post_until_answered(_message(flow, "n0", "first", "pending"))
                await _all_have(client, replicas, flow, _newest(log)[flow])
        doors = iter(world.doors)
        readers = [
            await stack.enter_async_context(
                Reader(
                    next(doors).url,
                    flow=flow,
                    name=f"{FLOWS.index(flow)}/reader/{index}",
                    log=log,
                    idle_s=8.0,
                )
            )
            for flow in FLOWS
            for index in range(READERS_PER_FLOW)
        ]
        stop, stop_deleting = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for number, flow in enumerate(FLOWS):
                for index in range(WRITERS_PER_FLOW):
                    name, url = f"{number}/writer/{index}", next(doors).url
                    tasks.create_task(_write(flow, name, url, log, stop, seed + index))
            hopping = tasks.create_task(_hop(world))
            late_s = WRITE_TRIES_S + REQUEST_S + longest_s
            deleting = tasks.create_task(_delete(next(doors).url, log, stop_deleting, late_s=late_s))
            await _faults(world, outcome, count=faults, longest_s=longest_s)
            hopping.cancel()
            for door in world.doors:
                door.target = ("127.0.0.1", replicas[0].port)
            stop_deleting.set()
            await deleting  # before the writers' last batches, so that the flow is there at the end
            stop.set()
        await _look_at_the_end(world, readers, log, outcome)
    outcome.findings = check(log.entries, late_s=late_s)
    _count(log, outcome)
    outcome.took_s = time.monotonic() - began_s
    return outcome


def _keep(log: Log, folder: Path) -> Path:
    """Write everybody's log beside the folder."""
    with Log(kept := folder.with_suffix(".log")) as file:
        for entry in log.entries:
            file.write(entry)
    return kept


async def _write(flow: str, name: str, url: str, log: Log, stop: asyncio.Event, seed: int) -> None:
    """Batches of 1 to 4 messages, each with a text that is there once, until told to stop."""
    draw = random.Random(seed)
    async with httpx.AsyncClient(timeout=8.0) as client:
        writer = Writer(client, url, flow=flow, name=name, log=log)
        for number in itertools.count():
            is_last = stop.is_set()
            messages = [
                _message(flow, f"n{draw.randint(0, 30)}", f"{name}/{number}/{index}", draw.choice(STATUSES))
                for index in range(draw.randint(1, 4))
            ]
            await writer.post_until_answered(*messages, within_s=CALM_S * 2)
            if is_last:
                return
            await asyncio.sleep(draw.uniform(0.0, 0.06))


def _message(flow: str, node: str, label: str, status: str) -> Json:
    fields = {"id": node, "flowId": flow, "label": label, "status": status}
    return {"type": "upsert-nodes", "nodes": [fields]}


async def _delete(url: str, log: Log, stop: asyncio.Event, *, late_s: float) -> None:
    """Delete one flow now and then, each time until that is answered.

    A replica goes on with a DELETE whose asker has gone: at the end none may be under way any more.
    """
    unanswered_until_s = 0.0
    async with httpx.AsyncClient(timeout=8.0) as client:
        writer = Writer(client, url, flow=DELETED, name=f"{FLOWS.index(DELETED)}/deleter", log=log)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.5):
                    await stop.wait()
            if stop.is_set():
                await asyncio.sleep(max(0.0, unanswered_until_s - time.monotonic()))
                return
            while not (await writer.delete()).accepted:
                unanswered_until_s = time.monotonic() + late_s
                await asyncio.sleep(0.1)


async def _hop(world: World) -> None:
    while True:
        await asyncio.sleep(world.draw.uniform(0.05, 0.4))
        world.hop()


async def _faults(world: World, outcome: Outcome, *, count: int, longest_s: float) -> None:
    """One fault after the other on servers, beside one after the other on replicas."""
    left = count

    def wanted() -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    async def on_servers() -> None:
        while wanted():
            server = world.draw.randrange(len(world.network.servers))
            kind, fault = _server_fault(world, server, longest_s)
            outcome.faults[f"server {kind}"] += 1
            await fault()
            await world.network.healthy()
            await asyncio.sleep(world.draw.uniform(0.0, 0.5))

    async def on_replicas() -> None:
        while wanted():
            replica = world.draw.randrange(REPLICAS)
            kind, fault = _replica_fault(world, replica, longest_s)
            outcome.faults[f"replica {kind}"] += 1
            await fault()
            await asyncio.sleep(world.draw.uniform(0.0, 1.0))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(on_servers())
        tasks.create_task(on_replicas())


Fault = Callable[[], Awaitable[None]]


def _server_fault(world: World, server: int, longest_s: float) -> tuple[str, Fault]:
    node, network, draw = world.network.servers[server], world.network, world.draw
    lasts_s = draw.uniform(0.2, 1.0) * longest_s

    async def kill() -> None:
        node.kill()
        await asyncio.sleep(draw.uniform(0.0, 1.0))
        node.start()
        await node.listening()

    async def pause() -> None:
        node.pause()
        await asyncio.sleep(lasts_s)
        node.resume()

    async def part(how: str) -> None:
        network.isolate_server(server, STALLED if how == "stall" else REFUSED)
        await asyncio.sleep(lasts_s)
        network.heal_server(server)

    return draw.choice(
        [
            ("killed", kill),
            ("killed", kill),
            ("paused", pause),
            ("cut off silently", lambda: part("stall")),
            ("cut off", lambda: part("refuse")),
        ]
    )


def _replica_fault(world: World, replica: int, longest_s: float) -> tuple[str, Fault]:
    process, network, draw = world.replicas[replica], world.network, world.draw
    lasts_s = draw.uniform(0.2, 1.0) * longest_s

    async def kill() -> None:
        world.away.add(replica)
        await process.kill()
        # Readiness is not asked for while servers have a fault of their own: it may take an election.
        while True:
            with contextlib.suppress(RuntimeError):
                await process.start()
                break
        world.away.discard(replica)

    async def pause() -> None:
        process.pause()
        await asyncio.sleep(lasts_s)
        process.go_on()

    async def part(how: str) -> None:
        network.isolate_replica(replica, STALLED if how == "stall" else REFUSED)
        await asyncio.sleep(lasts_s)
        network.heal_replica(replica)

    return draw.choice(
        [
            ("killed", kill),
            ("killed", kill),
            ("paused", pause),
            ("cut off silently", lambda: part("stall")),
            ("cut off", lambda: part("refuse")),
        ]
    )


async def _look_at_the_end(world: World, readers: list[Reader], log: Log, outcome: Outcome) -> None:
    """Wait for calm, compare the replicas, and let every reader come to the end."""
    newest = _newest(log)
    async with httpx.AsyncClient(timeout=CALM_S) as client:
        for flow, seq in newest.items():
            await _all_have(client, world.replicas, flow, seq)
            if differing := await _differing(client, world.replicas, flow):
                outcome.differing.append(differing)
            _compare_with_history(
                log, flow, await _history(client, flow_url(world.replicas[0].url, flow)), outcome
            )
            await take_snapshot(client, world.replicas[0].url, flow=flow, log=log)
        for reader in readers:
            await reader.reached(newest[_flow_of(reader.name)], within_s=CALM_S)


def _newest(log: Log) -> dict[str, int]:
    """The highest acknowledged sequence of each flow."""
    newest: dict[str, int] = {}
    for entry in log.entries:
        if isinstance(entry, Answered) and entry.seq is not None and entry.accepted:
            flow = _flow_of(entry.writer)
            newest[flow] = max(newest.get(flow, 0), entry.seq)
    return newest


async def _all_have(
    client: httpx.AsyncClient, replicas: list[ServerProcess], flow: str, sequence: int
) -> None:
    """Wait until each replica has applied a sequence. Raises TimeoutError with what one said instead."""
    ends_s = time.monotonic() + CALM_S
    for index, replica in enumerate(replicas):
        while True:  # 503 after five seconds each
            url = f"{flow_url(replica.url, flow)}/snapshot"
            answer = await client.get(url, params={"minSeq": sequence})
            if answer.status_code == 200:
                break
            if time.monotonic() > ends_s:
                said = replica.log.read_text(errors="replace")[-3000:]
                told = f"{answer.status_code} {answer.text}"
                raise TimeoutError(f"replica {index} has not {sequence} of {flow!r}: {told}\n{said}")
            await asyncio.sleep(0.1)


async def _differing(client: httpx.AsyncClient, replicas: list[ServerProcess], flow: str) -> str | None:
    """How snapshot or history differ between replicas, `None`: they do not.

    A replica fetches its past after its start, so that they may differ for a while.
    """
    ends_s = time.monotonic() + CALM_S
    while True:
        bases = [flow_url(replica.url, flow) for replica in replicas]
        histories = [await _history(client, base) for base in bases]
        snapshots = [(await client.get(f"{base}/snapshot")).content for base in bases]
        if len(set(zip(histories, snapshots, strict=True))) == 1:
            return None
        if time.monotonic() > ends_s:
            lines = [history.count(b"\n") + 1 for history in histories]
            return f"{flow!r}: histories of {lines} messages, {len(set(snapshots))} different snapshots"
        await asyncio.sleep(0.2)


def _flow_of(name: str) -> str:
    """The flow of a writer or reader; names go into headers, ids need not."""
    return FLOWS[int(name.partition("/")[0])]


async def _history(client: httpx.AsyncClient, base: str) -> bytes:
    """All messages of a flow that a replica holds, page by page."""
    lines: list[bytes] = []
    after = 0
    while True:
        page = (await client.get(f"{base}/events", params={"after": after})).content.splitlines()
        page = [line for line in page if msgspec.json.decode(line)["message"]["type"] != "snapshot"]
        if not page:
            return b"\n".join(lines)
        lines += page
        after = msgspec.json.decode(page[-1])["seq"]


def _compare_with_history(log: Log, flow: str, history: bytes, outcome: Outcome) -> None:
    """Each acknowledged message is in the log once; a message whose outcome is unknown at most once."""
    stored = Counter(
        msgspec.json.decode(line)["message"]["nodes"][0]["label"] for line in history.splitlines()
    )
    outcome.twice += sum(count - 1 for count in stored.values())
    if flow == DELETED:
        return  # what is missing there is the checker's to find
    answers = [entry for entry in log.entries if isinstance(entry, Answered)]
    accepted = {(answer.writer, answer.serial) for answer in answers if answer.accepted}
    for entry in log.entries:
        if isinstance(entry, Posting) and entry.flow == flow and (entry.writer, entry.serial) in accepted:
            lost = sum(stored[message["nodes"][0]["label"]] == 0 for message in entry.messages)
            if lost:
                outcome.missing[flow] += lost


def _count(log: Log, outcome: Outcome) -> None:
    times = [entry.at_ns for entry in log.entries if isinstance(entry, Answered) and entry.accepted]
    outcome.acknowledged = len(times)
    outcome.attempts = sum(isinstance(entry, Posting) for entry in log.entries)
    outcome.longest_stall_s = max((b - a for a, b in itertools.pairwise(sorted(times))), default=0) / 1e9
    outcome.frames = sum(isinstance(entry, Framed) for entry in log.entries)
    outcome.resumes = sum(
        isinstance(entry, Connecting) and entry.last_event_id is not None for entry in log.entries
    )


def main() -> int:
    """Run it by hand; exit status 1 when anything was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--faults", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments.add_argument("--longest", type=float, default=9.0, help="longest pause or partition, seconds")
    given = arguments.parse_args()
    total = Outcome()
    for number, left in enumerate(range(given.faults, 0, -FAULTS_PER_ROUND)):
        seed = given.seed + number
        with tempfile.TemporaryDirectory(prefix="nats-faults-") as folder:
            outcome = asyncio.run(
                campaign(
                    faults=min(left, FAULTS_PER_ROUND),
                    seed=seed,
                    folder=Path(folder),
                    longest_s=given.longest,
                )
            )
        sys.stdout.write(f"seed {seed}\n{outcome.told()}\n")
        for finding in outcome.findings:
            sys.stdout.write(f"{finding}\n")
        sys.stdout.flush()
        total.add(outcome)
    sys.stdout.write(f"in all\n{total.told()}\n")
    return 0 if total.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
