"""Power loss: every write to the disk is recorded, and the record is cut at each sync.

    python packages/flow-server/tests/campaigns/sqlite_power_loss.py

What was synced before the cut is on the disk. Of what was written after the last sync any part may be there:
each cut is tried with nothing of it, and with a random half, torn in the middle.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flow_contract import FlowNode, UpsertNodes
from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store.sqlite import SqliteStore
from flow_server.store.sqlite import store as store_module

if TYPE_CHECKING or __package__:
    from .sqlite_disk import Disk, apply, connect_to
else:
    from sqlite_disk import Disk, apply, connect_to

WRITERS = 2
RING = RingBounds(entries=60)
CHECKPOINT_MESSAGES = 40
"""So that cuts fall into checkpoints too."""


@dataclass
class Outcome:
    """What happened, and what was wrong with it."""

    acknowledged: int = 0
    syncs: int = 0
    cuts: int = 0
    torn: int = 0
    lost: list[str] = field(default_factory=list[str])

    def told(self) -> str:
        """The counts, for a person."""
        return (
            f"{self.acknowledged} acknowledged, {self.cuts} cuts at {self.syncs} syncs, {self.torn} more "
            f"with torn writes behind them: {len(self.lost)} lost"
        )


async def campaign(*, messages: int, cuts: int | None, seed: int, folder: Path) -> Outcome:
    """Write, cut, open; `messages` for each writer, `cuts` of all syncs, or every one."""
    disk, draw, outcome = Disk(), random.Random(seed), Outcome()
    usual, store_module.CHECKPOINT_MESSAGES = store_module.CHECKPOINT_MESSAGES, CHECKPOINT_MESSAGES
    try:
        acknowledged = await _record(folder / "recorded.db", disk, messages)
    finally:
        store_module.CHECKPOINT_MESSAGES = usual
    operations = disk.operations
    syncs = [index for index, operation in enumerate(operations) if operation[0] == "sync"]
    chosen = set(syncs) if cuts is None else set(syncs[-3:]) | set(draw.sample(syncs, min(cuts, len(syncs))))
    outcome.acknowledged, outcome.syncs = len(acknowledged), len(syncs)
    files: dict[str, bytearray] = {}
    expected: dict[str, str] = {}
    position = 0
    for index, operation in enumerate(operations):
        apply(files, operation)
        if index not in chosen:
            continue
        while position < len(acknowledged) and acknowledged[position][0] <= index + 1:
            _, node, label = acknowledged[position]
            expected[node] = label
            position += 1
        for tear in (False, True):
            on_disk = {name: bytearray(content) for name, content in files.items()}
            if tear:
                _tear(on_disk, operations, index, draw)
            with tempfile.TemporaryDirectory(dir=folder) as cut:
                outcome.lost += await _lost(Path(cut), on_disk, expected)
            outcome.torn += tear
        outcome.cuts += 1
    return outcome


def _message(flow: str, node: str, label: str) -> UpsertNodes:
    return UpsertNodes(nodes=(FlowNode(id=node, flow_id=flow, label=label, status="running"),))


def _now_us() -> int:
    return time.time_ns() // 1000


async def _record(path: Path, disk: Disk, messages: int) -> list[tuple[int, str, str]]:
    """Write for a while; when each message was acknowledged (by operations so far), its node and label."""
    disk.recording = True
    acknowledged: list[tuple[int, str, str]] = []
    store = SqliteStore(path, now_us=_now_us, connect=connect_to(disk))

    async def write(writer: int, hub: Hub) -> None:
        draw = random.Random(writer)
        for number in range(messages):
            node, label = f"{writer}/{draw.randrange(8)}", f"{writer}/{number}"
            await hub.ingest("f", [_message("f", node, label)])
            acknowledged.append((len(disk.operations), node, label))

    async with Hub(store, bounds=RING).running() as hub, asyncio.TaskGroup() as tasks:
        for writer in range(WRITERS):
            tasks.create_task(write(writer, hub))
    return acknowledged


def _tear(
    files: dict[str, bytearray], operations: list[tuple[Any, ...]], index: int, draw: random.Random
) -> None:
    """Let a random half of what was written before the next sync be there, the last one in part."""
    for operation in operations[index + 1 :]:
        if operation[0] != "write":
            return
        if draw.random() < 0.5:
            kind, name, offset, data = operation
            apply(files, (kind, name, offset, data[: draw.randrange(1, len(data) + 1)]))


async def _lost(folder: Path, files: dict[str, bytearray], expected: dict[str, str]) -> list[str]:
    """What is missing in a store on these files; it must open, and take a write."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    lost: list[str] = []
    async with Hub(SqliteStore(folder / "recorded.db", now_us=_now_us), bounds=RING).running() as hub:
        flow = hub.flow("f")
        nodes = {} if flow is None else flow.state.nodes
        there = {held.value.id: held.value.label for held in nodes.values()}
        for node, label in expected.items():
            # A later write of the same writer to the node may have been on the disk already.
            number = int(there.get(node, "x/-1").split("/")[1])
            if number < int(label.split("/")[1]):
                lost.append(f"{node} is {there.get(node)}, not {label}")
        await hub.ingest("f", [_message("f", "after", "after")])
    return lost


def main() -> int:
    """Run it by hand; exit status 1 when anything was lost."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--messages", type=int, default=1000, help="of each writer")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="sqlite-power-loss-") as folder:
        outcome = asyncio.run(
            campaign(messages=given.messages, cuts=None, seed=given.seed, folder=Path(folder))
        )
    sys.stdout.write("\n".join([f"seed {given.seed}", outcome.told(), *outcome.lost[:20]]) + "\n")
    return 1 if outcome.lost else 0


if __name__ == "__main__":
    sys.exit(main())
