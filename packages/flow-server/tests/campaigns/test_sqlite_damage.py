"""Damaged files: a flipped bit, a file cut short, a zeroed page. Named when opened, or harmless."""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from flow_contract import FlowNode, Relationship, UpsertNodes, UpsertRels
from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store import StoreError
from flow_server.store.sqlite import SqliteStore

DAMAGES = 102
PAGE = 4096


def _store(path: Path) -> SqliteStore:
    return SqliteStore(path, now_us=lambda: time.time_ns() // 1000)


async def _write(path: Path) -> None:
    async with Hub(_store(path), bounds=RingBounds(entries=300)).running() as hub:
        for number in range(1200):
            flow = f"flow-{number % 3}"
            node = FlowNode(
                id=f"n{number % 50}",
                flow_id=flow,
                label=f"label {number}",
                status="running",
                meta={"message": "x" * (number % 90)},
            )
            edge = Relationship(from_id=node.id, to_id="n0", type="finish-to-start")
            key = f"key {number}" if number % 10 == 0 else None
            await hub.ingest(flow, [UpsertNodes(nodes=(node,)), UpsertRels(relationships=(edge,))], key=key)


async def _pictures(path: Path) -> dict[str, tuple[bytes, list[bytes]]]:
    async with Hub(_store(path), bounds=RingBounds(entries=300)).running() as hub:
        return {
            flow.id: (flow.snapshot(), [bytes(line.message) for line in flow.history(None, limit=10_000)])
            for flow in hub.flows()
        }


async def _pictures_or_problem(path: Path) -> dict[str, tuple[bytes, list[bytes]]] | str:
    try:
        return await _pictures(path)
    except StoreError as error:
        return str(error)


@pytest.mark.long
async def test_damage_is_named_or_harmless_and_never_a_wrong_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole_path, damaged = tmp_path / "whole.db", tmp_path / "damaged.db"
    await _write(whole_path)
    assert not (tmp_path / "whole.db-wal").exists(), "closed cleanly, all of it is in the one file"
    whole, expected, draw = whole_path.read_bytes(), await _pictures(whole_path), random.Random(20261124)
    outcomes: Counter[str] = Counter()
    for number in range(DAMAGES):
        kind = ("bit flipped", "cut short", "page zeroed")[number % 3]
        content = bytearray(whole)
        place = draw.randrange(1, len(content))  # an empty file is a new log
        if kind == "bit flipped":
            content[place] ^= 1 << draw.randrange(8)
        elif kind == "cut short":
            del content[place:]
        else:
            page = place // PAGE * PAGE
            content[page : page + PAGE] = bytes(len(content[page : page + PAGE]))
        damaged.write_bytes(content)
        for left in tmp_path.glob("damaged.db-*"):
            left.unlink()
        seen = await _pictures_or_problem(damaged)
        if isinstance(seen, str):
            assert str(damaged) in seen
            outcomes[f"{kind}: named"] += 1
        else:
            assert seen == expected, f"{kind} at {place}: a wrong state"
            outcomes[f"{kind}: harmless"] += 1
    with capsys.disabled():
        print(f"\n{DAMAGES} damages: {dict(sorted(outcomes.items()))}, 0 wrong states")
    assert sum(count for outcome, count in outcomes.items() if outcome.endswith("named")) > DAMAGES / 2
