"""Ingest: 1 and 32 connections, single messages and NDJSON of 50; the server beside the floor."""

import time
from collections.abc import Iterator

import uvloop

from bench_load import Target, floor, flow_server, message, percentile, post_all

BATCH = 50
ROWS = [(1, 1, 3000), (32, 1, 12000), (1, BATCH, 40000), (4, BATCH, 120000)]


def bodies(*, batch: int, messages: int) -> Iterator[bytes]:
    """The bodies of a row."""
    for start in range(0, messages, batch):
        yield b"\n".join(message(number) for number in range(start, start + batch))


async def ingest(target: Target, *, connections: int, batch: int, messages: int) -> dict[str, float]:
    """One row: messages a second, CPU per message, latency of POSTs."""
    kind = b"application/json" if batch == 1 else b"application/x-ndjson"
    await post_all(target, bodies(batch=batch, messages=batch * 50), connections=1, content_type=kind)
    cpu_s, began_s = target.cpu_s(), time.perf_counter()
    latencies_s = await post_all(
        target, bodies(batch=batch, messages=messages), connections=connections, content_type=kind
    )
    return {
        "per_s": messages / (time.perf_counter() - began_s),
        "cpu_us": (target.cpu_s() - cpu_s) / messages * 1e6,
        "p50_ms": percentile(latencies_s, 0.5) * 1e3,
    }


def main() -> None:
    """Print a row for each load; the last line compares batches with single POSTs on one connection."""
    print("| connections | messages a POST | messages/s | of the floor | CPU µs/message | POST p50 ms |")
    print("| --- | --- | --- | --- | --- | --- |")
    rates: dict[tuple[int, int], float] = {}
    for connections, batch, messages in ROWS:
        with floor() as target:
            least = uvloop.run(ingest(target, connections=connections, batch=batch, messages=messages))
        with flow_server() as target:
            ours = uvloop.run(ingest(target, connections=connections, batch=batch, messages=messages))
        rates[connections, batch] = ours["per_s"]
        print(
            f"| {connections} | {batch} | {ours['per_s']:,.0f} | {ours['per_s'] / least['per_s']:.2f} "
            f"| {ours['cpu_us']:.1f} ({least['cpu_us']:.1f}) "
            f"| {ours['p50_ms']:.2f} ({least['p50_ms']:.2f}) |",
            flush=True,
        )
    print(f"\nNDJSON of {BATCH} is {rates[1, BATCH] / rates[1, 1]:.1f} times single POSTs on one connection.")


if __name__ == "__main__":
    main()
