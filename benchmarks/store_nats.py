"""The replicated store: grouped appends, starts from checkpoints, and fan-out beside the store in memory."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import uvloop
from nats.aio.client import Client
from nats.js import JetStreamContext

from bench_load import flow_server
from fan_out import fan_out
from flow_contract import FlowNode, UpsertNodes
from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store.nats import NatsStore, group
from flow_server.store.settings import NatsSettings
from flow_simulator.nats_servers import nats_cluster, nats_server

WRITERS = 64
GROUPED_S = 4.0
REPLAYED = 100_000
FLOWS = 25


def node(number: int) -> UpsertNodes:
    """A message of about 400 bytes."""
    name = f"fsn1/bp-{number % 600}"
    meta = {"source": "flux", "reason": "Progressing", "message": "x" * 200, "attempts": number}
    return UpsertNodes(nodes=(FlowNode(id=name, flow_id="f", label=name, status="running", meta=meta),))


@asynccontextmanager
async def running(settings: NatsSettings) -> AsyncGenerator[Hub]:
    """A replica in this process."""
    async with Hub(NatsStore(settings), bounds=RingBounds(entries=4096)).running() as hub:
        yield hub


async def appends_per_s(settings: NatsSettings, *, group_bytes: int) -> tuple[float, float]:
    """Appends a second and their median in ms, many writers on one flow."""
    group.GROUP_BYTES = group_bytes
    times_s: list[float] = []
    async with running(settings) as hub:
        ends_s = time.perf_counter() + GROUPED_S

        async def write(writer: int) -> None:
            while (began_s := time.perf_counter()) < ends_s:
                await hub.ingest("f", [node(writer)])
                times_s.append(time.perf_counter() - began_s)

        await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    return len(times_s) / GROUPED_S, sorted(times_s)[len(times_s) // 2] * 1e3


async def grouping(sync: str) -> None:
    """One row: one POST in an entry against all that wait in an entry."""
    with tempfile.TemporaryDirectory() as folder:
        async with nats_cluster(Path(folder), sync=sync) as cluster:
            settings = NatsSettings(urls=cluster.urls)
            whole = group.GROUP_BYTES
            single, single_ms = await appends_per_s(replace(settings, stream="SINGLE"), group_bytes=0)
            grouped, grouped_ms = await appends_per_s(replace(settings, stream="GROUPED"), group_bytes=whole)
    ratio = f"{grouped / single:.0f} x"
    print(
        f"| {WRITERS} POSTs on one flow, 3 servers, sync_interval {sync} "
        f"| {grouped:,.0f}/s ({grouped_ms:.1f} ms) | {single:,.0f}/s ({single_ms:.1f} ms) | {ratio} |",
        flush=True,
    )


async def starting() -> None:
    """One row: a start from checkpoints against one that reads the whole log."""
    with tempfile.TemporaryDirectory() as folder, nats_server(Path(folder)) as server:
        settings = NatsSettings(urls=(server.url,), replicas=1)
        async with running(settings) as hub:

            async def feed(flow: int) -> None:
                for number in range(REPLAYED // FLOWS):
                    await hub.ingest(f"flow-{flow}", [node(number)])

            await asyncio.gather(*(feed(flow) for flow in range(FLOWS)))
        kept_s = await start_s(settings)
        client = Client()
        await client.connect(server.url)
        await JetStreamContext(client).delete_stream(f"KV_{settings.bucket}")
        await client.close()
        replayed_s = await start_s(settings)
    print(
        f"| start with {REPLAYED:,} messages in {FLOWS} flows, from checkpoints against all of the log "
        f"| {kept_s * 1e3:.0f} ms | {replayed_s * 1e3:.0f} ms | {replayed_s / kept_s:.0f} x |",
        flush=True,
    )


async def start_s(settings: NatsSettings) -> float:
    """How long until a new replica is ready."""
    began_s = time.perf_counter()
    async with running(settings) as hub:
        took_s = time.perf_counter() - began_s
        assert sum(1 for _ in hub.flows()) == FLOWS
    return took_s


def fanning_out() -> None:
    """One row: frames to 1,000 readers, this store against memory, the same load."""
    with tempfile.TemporaryDirectory() as folder, nats_server(Path(folder)) as server:
        frames: dict[str, float] = {}
        for store, settings in {
            "memory": {},
            "nats": {"STORE": "nats", "NATS_URLS": server.url, "NATS_REPLICAS": "1"},
        }.items():
            with flow_server(**settings) as target:
                measured = uvloop.run(fan_out(target, publishers=WRITERS, readers=1000))
            frames[store] = measured["frames_per_s"]
            assert not measured["lost"], f"{measured['lost']} frames lost with {store}"
    print(
        f"| frames to 1,000 readers, {WRITERS} publishers, against memory | {frames['nats']:,.0f}/s "
        f"| {frames['memory']:,.0f}/s | {frames['nats'] / frames['memory']:.2f} x |",
        flush=True,
    )


def main() -> None:
    """Print a row for each comparison."""
    print("| what | this way | the other way | ratio |")
    print("| --- | --- | --- | --- |")
    for sync in ("2m", "always"):
        uvloop.run(grouping(sync))
    uvloop.run(starting())
    fanning_out()


if __name__ == "__main__":
    main()
