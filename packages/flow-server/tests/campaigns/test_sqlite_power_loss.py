"""Power loss: every write to the disk is recorded, and the record is cut at each sync.

What was synced before the cut is on the disk. Of what was written after the last sync any part may be there:
each cut is tried with nothing of it, and with a random half, torn in the middle.
"""

import asyncio
import random
import time
from pathlib import Path

import pytest

from flow_contract import FlowNode, UpsertNodes
from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store.sqlite import SqliteStore
from flow_server.store.sqlite import store as store_module

from .sqlite_disk import Disk, apply, connect_to

CUTS = 200
WRITERS = 2
RING = RingBounds(entries=60)


def _message(flow: str, node: str, label: str) -> UpsertNodes:
    return UpsertNodes(nodes=(FlowNode(id=node, flow_id=flow, label=label, status="running"),))


def _now_us() -> int:
    return time.time_ns() // 1000


async def _record(path: Path, disk: Disk) -> list[tuple[int, str, str]]:
    """Write for a while; when each message was acknowledged (by operations so far), its node and label."""
    disk.recording = True
    acknowledged: list[tuple[int, str, str]] = []
    store = SqliteStore(path, now_us=_now_us, connect=connect_to(disk))

    async def write(writer: int, hub: Hub) -> None:
        draw = random.Random(writer)
        for number in range(CUTS):
            node, label = f"{writer}/{draw.randrange(8)}", f"{writer}/{number}"
            await hub.ingest("f", [_message("f", node, label)])
            acknowledged.append((len(disk.operations), node, label))

    async with Hub(store, bounds=RING).running() as hub, asyncio.TaskGroup() as tasks:
        for writer in range(WRITERS):
            tasks.create_task(write(writer, hub))
    return acknowledged


@pytest.mark.long
async def test_what_was_acknowledged_survives_a_cut_at_every_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store_module, "CHECKPOINT_MESSAGES", 40)  # so that cuts fall into checkpoints too
    disk, draw = Disk(), random.Random(20261124)
    acknowledged = await _record(tmp_path / "recorded.db", disk)
    operations = disk.operations
    syncs = [index for index, operation in enumerate(operations) if operation[0] == "sync"]
    assert len(syncs) >= CUTS
    chosen = set(syncs[-3:]) | set(draw.sample(syncs, CUTS))
    files: dict[str, bytearray] = {}
    expected: dict[str, str] = {}
    cuts = torn = position = 0
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
            await _opens_with(tmp_path / f"cut-{index}-{tear}", on_disk, expected)
            torn += tear
        cuts += 1
    with capsys.disabled():
        print(f"\n{len(acknowledged)} acknowledged, {cuts} cuts, {torn} with torn writes behind them: 0 lost")


def _tear(
    files: dict[str, bytearray], operations: list[tuple[object, ...]], index: int, draw: random.Random
) -> None:
    """Let a random half of what was written before the next sync be there, the last one in part."""
    for operation in operations[index + 1 :]:
        if operation[0] != "write":
            return
        if draw.random() < 0.5:
            kind, name, offset, data = operation
            assert isinstance(data, bytes)
            apply(files, (kind, name, offset, data[: draw.randrange(1, len(data) + 1)]))


async def _opens_with(folder: Path, files: dict[str, bytearray], expected: dict[str, str]) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    store = SqliteStore(folder / "recorded.db", now_us=_now_us)
    async with Hub(store, bounds=RING).running() as hub:
        flow = hub.flow("f")
        there = (
            {} if flow is None else {held.value.id: held.value.label for held in flow.state.nodes.values()}
        )
        for node, label in expected.items():
            # A later write of the same writer to the node may have been on the disk already.
            number = int(there.get(node, "x/-1").split("/")[1])
            assert number >= int(label.split("/")[1]), (
                f"{folder.name}: {node} is {there.get(node)}, not {label}"
            )
        await hub.ingest("f", [_message("f", "after", "after")])
