"""Fan-out: 1 and 16 publishers as fast as they can, 10 to 1,000 readers; the server beside the floor."""

import asyncio
import time

import uvloop

from bench_load import Target, connect_readers, floor, flow_server, message, percentile, post_all

ROWS = [(publishers, readers) for publishers in (1, 16) for readers in (10, 200, 1000)]


def messages_for(readers: int) -> int:
    """How many messages a row posts: about half a million frames, at least 500 messages."""
    return max(500, min(10_000, 600_000 // readers))


async def fan_out(
    target: Target, *, publishers: int, readers: int, count: int | None = None
) -> dict[str, float]:
    """One row: frames a second, CPU per frame, latency of POSTs, kB per reader, frames lost.

    `count` is how many messages are posted, in all.
    """
    count = messages_for(readers) if count is None else count
    before_kb = target.rss_kb()
    streams = await connect_readers(target, readers)
    kb_per_reader = (target.rss_kb() - before_kb) / readers
    seen = sum(stream.frames for stream in streams)
    cpu_s, began_s = target.cpu_s(), time.perf_counter()
    latencies_s = await post_all(target, (message(n) for n in range(count)), connections=publishers)
    expected = seen + count * readers
    deadline_s = time.perf_counter() + 60
    while (got := sum(stream.frames for stream in streams)) < expected and time.perf_counter() < deadline_s:
        await asyncio.sleep(0.005)
    ended_s = max(stream.last_at_s for stream in streams)
    for stream in streams:
        stream.transport.close()
    frames = count * readers
    return {
        "frames_per_s": frames / (ended_s - began_s),
        "cpu_us": (target.cpu_s() - cpu_s) / frames * 1e6,
        "post_p99_ms": percentile(latencies_s, 0.99) * 1e3,
        "kb_per_reader": kb_per_reader,
        "lost": expected - got,
    }


def main() -> None:
    """Print a row for each load, with the ratio to the floor of the same run."""
    print(
        "| publishers | readers | frames/s | of the floor | CPU µs/frame | POST p99 ms | kB/reader | lost |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for publishers, readers in ROWS:
        with floor() as target:
            least = uvloop.run(fan_out(target, publishers=publishers, readers=readers))
        with flow_server() as target:
            ours = uvloop.run(fan_out(target, publishers=publishers, readers=readers))
        print(
            f"| {publishers} | {readers} | {ours['frames_per_s']:,.0f} "
            f"| {ours['frames_per_s'] / least['frames_per_s']:.2f} "
            f"| {ours['cpu_us']:.1f} ({least['cpu_us']:.1f}) "
            f"| {ours['post_p99_ms']:.1f} ({least['post_p99_ms']:.1f}) | {ours['kb_per_reader']:.1f} "
            f"| {ours['lost']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
