"""Readers in numbers: 1,000 that connect at once, to a flow at rest and to a busy one; 50 that never read."""

import asyncio
import itertools
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from bench_load import FLOW, StreamReader, Target, connect_readers, floor, flow_server, message, post_all

STORM = 1000
BUSY = (64, 200)
"""Publishers and readers that are there before the storm on a busy flow."""
STUCK = 50
NODES = 600
POSTED_MESSAGES = 40_000
READ = b"GET /v1/flows/%b/stream HTTP/1.1\r\nhost: x\r\n\r\n" % FLOW.encode()


def kernel_kb() -> int:
    """What the kernel holds in socket buffers of all TCP connections, in kB (pages of 4 kB)."""
    line = next(
        line for line in Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:")
    )
    return int(line.split("mem ")[1]) * 4


async def feed(target: Target, count: int) -> None:
    """Post messages in batches, as fast as they are taken."""
    bodies = (
        b"\n".join(message(number) for number in range(start, start + 50)) for start in range(0, count, 50)
    )
    await post_all(target, bodies, connections=1, content_type=b"application/x-ndjson")


async def storm(target: Target, *, snapshot_bytes: int) -> tuple[float, float]:
    """Seconds until 1,000 readers that connect at once have a snapshot each, and kB per reader."""
    loop = asyncio.get_running_loop()
    before_kb, began_s = target.rss_kb(), time.perf_counter()
    pairs = await asyncio.gather(
        *[loop.create_connection(StreamReader, "127.0.0.1", target.port) for _ in range(STORM)]
    )
    readers = [reader for _, reader in pairs]
    while not all(reader.size >= snapshot_bytes for reader in readers):
        await asyncio.sleep(0.005)
        assert time.perf_counter() - began_s < 60, "the storm did not calm"
    took_s = time.perf_counter() - began_s
    kb = (target.rss_kb() - before_kb) / STORM
    for reader in readers:
        reader.transport.close()
    return took_s, kb


async def storm_on_a_busy_flow(target: Target) -> float:
    """Seconds until 1,000 readers more have a first frame each, while publishers post as fast as they can."""
    publishers, there = BUSY
    came = asyncio.Event()

    def bodies() -> Iterator[bytes]:
        yield from itertools.takewhile(lambda _: not came.is_set(), map(message, range(200_000)))

    readers = await connect_readers(target, there)
    posting = asyncio.create_task(post_all(target, bodies(), connections=publishers))
    while sum(reader.frames for reader in readers) < there * 1000:  # they are all at work
        await asyncio.sleep(0.005)
    began_s = time.perf_counter()
    readers += await connect_readers(target, STORM, at_once=STORM)
    took_s = time.perf_counter() - began_s
    came.set()
    await posting
    for reader in readers:
        reader.transport.close()
    return took_s


def stuck(target: Target) -> tuple[float, float, float]:
    """kB of the process, of the kernel, and of both, for each reader that never reads."""
    uvloop.run(feed(target, POSTED_MESSAGES))  # the ring is full before we look
    before_kb, before_kernel_kb = target.rss_kb(), kernel_kb()
    connections: list[socket.socket] = []
    for _ in range(STUCK):
        connection = socket.create_connection(("127.0.0.1", target.port))
        connection.sendall(READ)
        connections.append(connection)
    uvloop.run(feed(target, POSTED_MESSAGES))
    user, kernel = target.rss_kb() - before_kb, kernel_kb() - before_kernel_kb
    for connection in connections:
        connection.close()
    return user / STUCK, kernel / STUCK, (user + kernel) / STUCK


def main() -> None:
    """Print the storm beside the floor, and what a stuck reader costs."""
    with flow_server() as target:
        uvloop.run(feed(target, NODES))
        size = 200_000
        ours_s, kb = uvloop.run(storm(target, snapshot_bytes=size))
    with floor(snapshot_bytes=240_000) as target:
        least_s, least_kb = uvloop.run(storm(target, snapshot_bytes=size))
    print(f"Storm of {STORM} readers, {NODES} nodes each: {ours_s:.2f} s, {kb:.1f} kB a reader;")
    print(f"the floor {least_s:.2f} s, {least_kb:.1f} kB: {least_s / ours_s:.2f} of the floor's speed.\n")
    with flow_server() as target:
        busy_s = uvloop.run(storm_on_a_busy_flow(target))
    print(f"The same on a flow that {BUSY[0]} publishers feed and {BUSY[1]} read: {busy_s:.2f} s,")
    print(f"{busy_s / ours_s:.2f} times as long.\n")
    with flow_server() as target:
        user, kernel, total = stuck(target)
    print(f"A reader that never reads: {user:.0f} kB of the process, {kernel:.0f} kB of the kernel,")
    print(f"{total:.0f} kB in all.")


if __name__ == "__main__":
    main()
