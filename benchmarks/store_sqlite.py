"""The sqlite store: group commit beside single commits, and the server with it beside the memory store's."""

import asyncio
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from bench_load import flow_server, message, percentile, post_all
from fan_out import fan_out
from flow_contract import decode_message
from flow_server.hub import Hub
from flow_server.store import Item
from flow_server.store.sqlite import SqliteStore
from flow_server.store.sqlite.schema import connected

# The disk that the tests use lies with them.
sys.path.insert(0, str(Path(__file__).parents[1] / "packages/flow-server/tests/campaigns"))
sqlite_disk: Any = import_module("sqlite_disk")

WRITERS = 64
SLOW_SYNC_S = 0.002
"""Added to each sync, as a cloud volume does."""
POSTS = 3_000
FAN_OUT = ((16, 200), (64, 200), (64, 1000), (256, 1000))
"""Publishers, each with one POST at a time, and readers."""
FAN_OUT_POSTS = 4_000
RUNS = 8
"""Of each comparison, in turn; the best of each side, for what else the machine does must not decide. Of the
fan-out the median too: one lucky run of many must not decide either.
"""


async def appends_per_s(folder: Path, *, grouped: bool, sync_delay_s: float, count: int) -> float:
    """Appends a second of 64 writers, each to a flow of its own; the disk is the machine's, or a slow one."""
    slow = sqlite_disk.connect_to(sqlite_disk.Disk(sync_delay_s=sync_delay_s))
    store = SqliteStore(
        folder / "flows.db",
        now_us=lambda: time.time_ns() // 1000,
        connect=slow if sync_delay_s else connected,
        grouped=grouped,
    )
    numbers = iter(range(count))

    async def write(flow: str) -> None:
        for number in numbers:
            encoded = message(number)
            await store.append(flow, [Item(decode_message(encoded), encoded)])

    async with Hub(store).running():
        began_s = time.perf_counter()
        await asyncio.gather(*[write(f"flow-{writer}") for writer in range(WRITERS)])
        return count / (time.perf_counter() - began_s)


def group_commit(*, sync_delay_s: float, single_count: int, grouped_count: int) -> tuple[float, float]:
    """Appends a second with single commits and with group commit."""
    best = {False: 0.0, True: 0.0}
    for _ in range(RUNS):
        for grouped, count in ((False, single_count), (True, grouped_count)):
            with tempfile.TemporaryDirectory() as folder:
                rate = uvloop.run(
                    appends_per_s(Path(folder), grouped=grouped, sync_delay_s=sync_delay_s, count=count)
                )
            best[grouped] = max(best[grouped], rate)
    return best[False], best[True]


def post_p50_ms(**settings: str) -> float:
    """Median of the milliseconds that a POST takes on one connection."""
    with flow_server(**settings) as target:
        uvloop.run(post_all(target, (message(n) for n in range(POSTS // 3)), connections=1))
        return (
            percentile(uvloop.run(post_all(target, (message(n) for n in range(POSTS)), connections=1)), 0.5)
            * 1e3
        )


def frames_per_s(publishers: int, readers: int, **settings: str) -> float:
    """Frames a second of some publishers to some readers."""
    with flow_server(**settings) as target:
        result = uvloop.run(fan_out(target, publishers=publishers, readers=readers, count=FAN_OUT_POSTS))
        assert not result["lost"], f"{result['lost']} frames were lost"
        return result["frames_per_s"]


def main() -> None:
    """Print a row for each comparison."""
    print("| comparison | one | other | ratio |\n| --- | --- | --- | --- |")
    for name, delay_s, single_count, grouped_count in (
        ("appends/s of 64 writers: single commits, grouped", 0.0, 4_000, 20_000),
        ("the same with 2 ms added to each sync", SLOW_SYNC_S, 400, 8_000),
    ):
        single, grouped = group_commit(
            sync_delay_s=delay_s, single_count=single_count, grouped_count=grouped_count
        )
        print(f"| {name} | {single:,.0f} | {grouped:,.0f} | {grouped / single:.1f} |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        numbers = iter(range((1 + len(FAN_OUT)) * RUNS))

        def sqlite() -> dict[str, str]:
            return {"STORE": "sqlite", "SQLITE_PATH": f"{folder}/{next(numbers)}.db"}

        pairs = [(post_p50_ms(), post_p50_ms(**sqlite())) for _ in range(RUNS)]
        memory, kept = (min(side) for side in zip(*pairs, strict=True))
        print(
            f"| POST p50 ms: memory, sqlite | {memory:.2f} | {kept:.2f} | {kept / memory:.1f} |", flush=True
        )
        for load in FAN_OUT:
            pairs = [(frames_per_s(*load), frames_per_s(*load, **sqlite())) for _ in range(RUNS)]
            for name, of_all in (("median", median), ("best", max)):
                memory, kept = (of_all(side) for side in zip(*pairs, strict=True))
                print(
                    f"| frames/s of {load[0]} publishers to {load[1]} readers, {name}: memory, sqlite "
                    f"| {memory:,.0f} | {kept:,.0f} | {kept / memory:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
