"""The campaign of the lossy network: many readers behind proxies that cut, stall, drip and forget.

    python packages/flow-server/tests/campaigns/lossy_network.py --seconds 3600 --readers 500 --store sqlite

Some readers have a good network, so that the bad one of the others is seen not to matter to them. When the
network is well again, each must come to what the server has.
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
    Connecting,
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
from flow_simulator.proxy import Faults, Proxy

FLOW = "bootstrap"
RING = 400
PER_PROXY = 5
"""Readers that share one network."""
HEARTBEAT = "500ms"
IDLE_S = 2.0
"""After how much silence a reader gives a connection up: four heartbeats."""
CALM_S = 30.0
"""How long the readers have to come to the end when the network is well; 5 s on a machine of their own."""


@dataclass
class Outcome:
    """What happened, and what was wrong with it."""

    store: str
    readers: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    acknowledged: int = 0
    frames: int = 0
    resumes: int = 0
    snapshots: int = 0
    calm_s: float = 0.0
    findings: list[Finding] = field(default_factory=list[Finding])
    took_s: float = 0.0

    def told(self) -> str:
        """The counts, for a person."""
        faults = ", ".join(f"{count} x {kind}" for kind, count in sorted(self.faults.items()))
        return (
            f"{self.store}: {self.readers} readers, {sum(self.faults.values())} faults in "
            f"{self.took_s:.0f} s ({faults}): {self.acknowledged} batches acknowledged, {self.frames} frames "
            f"read over {self.resumes} resumed connections, {self.snapshots} snapshots; all equal "
            f"{self.calm_s:.1f} s after the last fault, {len(self.findings)} findings"
        )


async def campaign(*, store: str, seconds: float, readers: int, seed: int, folder: Path) -> Outcome:
    """Run one campaign with a server of its own in `folder`."""
    outcome, log, began_s = Outcome(store, readers), Log(), time.monotonic()
    settings = {
        "FLOW_SERVER_STORE": store,
        "FLOW_SERVER_RING_CAPACITY": str(RING),
        "FLOW_SERVER_HEARTBEAT": HEARTBEAT,
    }
    if store == "sqlite":
        settings["FLOW_SERVER_SQLITE_PATH"] = str(folder / "flows.db")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ServerProcess(folder, settings))
        target = ("127.0.0.1", server.port)
        proxies = [
            await stack.enter_async_context(Proxy(target)) for _ in range(max(2, readers // PER_PROXY))
        ]
        everybody: list[Reader] = []
        for number in range(readers):
            url = proxies[number % len(proxies)].url
            reader = Reader(url, flow=FLOW, name=f"reader/{number}", log=log, idle_s=IDLE_S)
            everybody.append(await stack.enter_async_context(reader))
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=CALM_S))
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            writer = Writer(client, server.url, flow=FLOW, name="writer", log=log)
            tasks.create_task(write_batches(writer, flow=FLOW, seed=seed, stop=stop, pause_s=0.15))
            until_s = time.monotonic() + seconds
            async with asyncio.TaskGroup() as breaking:
                for number, proxy in enumerate(proxies[1:]):  # the first is the good network
                    draw = random.Random(seed + number)
                    breaking.create_task(_break(proxy, draw, until_s, outcome))
            stop.set()
        calm_since_s = time.monotonic()
        taken = await take_snapshot(client, server.url, flow=FLOW, log=log)
        assert taken.seq is not None
        for reader in everybody:
            await reader.reached(taken.seq, within_s=CALM_S)
        outcome.calm_s = time.monotonic() - calm_since_s
    _count(log, outcome)
    outcome.findings = check(log.entries)
    outcome.took_s = time.monotonic() - began_s
    return outcome


async def _break(proxy: Proxy, draw: random.Random, until_s: float, outcome: Outcome) -> None:
    """One fault after the other on one network."""
    while time.monotonic() < until_s:
        await asyncio.sleep(draw.uniform(0.0, 0.6))
        kind = draw.choice(list(_FAULTS))
        outcome.faults[kind] += 1
        if faults := _FAULTS[kind]:
            proxy.faults = faults
            if faults.refuse:
                proxy.cut()
            await asyncio.sleep(draw.uniform(0.05, 1.0))
            proxy.faults = Faults()
        elif kind == "cut":
            proxy.cut()
        elif kind == "half-open":
            proxy.silence()
        else:
            proxy.break_answer_after(draw.randrange(3000))


_FAULTS: dict[str, Faults | None] = {
    "cut": None,
    "broken within an answer": None,
    "half-open": None,
    "stalled": Faults(stall=True),
    "byte by byte": Faults(piece_bytes=1),
    "slow and late": Faults(delay_s=0.1, bytes_per_s=20_000),
    "cut and refused": Faults(refuse=True),
}


def _count(log: Log, outcome: Outcome) -> None:
    for entry in log.entries:
        match entry:
            case Answered() if entry.accepted:
                outcome.acknowledged += 1
            case Framed(event=event):
                outcome.frames += 1
                outcome.snapshots += event == "snapshot"
            case Connecting(last_event_id=cursor) if cursor is not None:
                outcome.resumes += 1
            case _:
                pass


def main() -> int:
    """Run it by hand; exit status 1 when anything was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=60.0)
    arguments.add_argument("--readers", type=int, default=50)
    arguments.add_argument("--store", choices=["memory", "sqlite"], default="sqlite")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="lossy-network-") as folder:
        outcome = asyncio.run(
            campaign(
                store=given.store,
                seconds=given.seconds,
                readers=given.readers,
                seed=given.seed,
                folder=Path(folder),
            )
        )
    findings = [str(finding) for finding in outcome.findings]
    sys.stdout.write("\n".join([f"seed {given.seed}", outcome.told(), *findings]) + "\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
