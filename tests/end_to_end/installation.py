"""Three regions, their adapters and one server, as real processes over real sockets.

adapter -> `network` (a proxy that can be cut) -> relay (logs every POST) -> server <- readers, one behind
`far_network`. The clusters' APIs and their Flux run here, on sockets of their own.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from flow_simulator.checker import Finding, Log, Reader, Writer, check, flow_url, take_snapshot
from flow_simulator.checker.process import Process
from flow_simulator.checker.server_process import ServerProcess
from flow_simulator.flux.driver import FluxDriver
from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.proxy import Proxy
from flow_simulator.regions import planned_regions

from .clusters import differences, picture_of_cluster, picture_of_server
from .relay import Relay

FLOW = "sovereign/bootstrap: otech"
RESYNC_INTERVAL_S = 2.0
HEALED_WITHIN_S = 30.0
"""Half the interval that adapters have by default, within which all must be well again."""
BOOTSTRAP_S = 1260.0
"""Flux's seconds until nothing but noise is left."""


@dataclass(kw_only=True)
class Installation:
    """Everything that runs, with handles for what can go wrong."""

    server: ServerProcess
    clusters: dict[str, SimulatedCluster]
    drivers: dict[str, FluxDriver]
    adapters: dict[str, Process]
    cluster_networks: dict[str, Proxy]
    """Between each adapter and its cluster's API."""
    network: Proxy
    far_network: Proxy
    log: Log
    client: httpx.AsyncClient
    operator: Writer
    stack: AsyncExitStack
    readers: list[Reader] = field(default_factory=list[Reader])

    async def new_reader(self, name: str, *, far: bool = False) -> Reader:
        """Somebody else opens the page."""
        url = self.far_network.url if far else self.server.url
        reader = Reader(url, flow=FLOW, name=name, log=self.log, idle_s=3.0)
        self.readers.append(await self.stack.enter_async_context(reader))
        return reader

    def set_speed(self, speed: float) -> None:
        """How fast Flux works in all regions; 0 stands still."""
        for driver in self.drivers.values():
            driver.set_speed(speed)

    async def played_until(self, moment_s: float) -> None:
        """Wait until every region's Flux has come to a moment."""
        for driver in self.drivers.values():
            if (missing_s := moment_s - driver.elapsed_s()) > 0:
                await asyncio.sleep(missing_s / driver.speed)

    async def equal(
        self, regions: Sequence[str] | None = None, *, within_s: float = HEALED_WITHIN_S
    ) -> float:
        """Wait until the server holds what the clusters say; how long that took, in seconds."""
        began_s = time.monotonic()
        while wrong := await self.wrong(regions or [*self.clusters]):
            assert time.monotonic() < began_s + within_s, "\n".join(wrong[:20])
            await asyncio.sleep(0.05)
        return time.monotonic() - began_s

    async def wrong(self, regions: Sequence[str]) -> list[str]:
        """What the server holds and the clusters do not say, or the other way round."""
        expected = {region: picture_of_cluster(self.clusters[region], region) for region in regions}
        try:
            answer = await self.client.get(f"{flow_url(self.server.url, FLOW)}/snapshot")
        except httpx.HTTPError as error:
            return [f"no snapshot: {error!r}"]
        if answer.status_code != 200:
            return [f"no snapshot: {answer.status_code}"]
        snapshot = json.loads(answer.text)
        return [
            line
            for region, picture in expected.items()
            for line in differences(picture, picture_of_server(snapshot, region))
        ]

    async def findings(self) -> list[Finding]:
        """What the checker says once every reader has seen everything."""
        node = {"id": "end", "flowId": FLOW, "label": "end", "status": "succeeded"}
        answer = await self.operator.post_until_answered({"type": "upsert-nodes", "nodes": [node]})
        for reader in self.readers:
            await reader.reached(answer.seq or 0)
        await take_snapshot(self.client, self.server.url, flow=FLOW, log=self.log)
        return check(self.log.entries)


@asynccontextmanager
async def installed(folder: Path, *, speed: float) -> AsyncGenerator[Installation]:
    """Start everything; Flux begins to work at `speed` of its seconds in a real one."""
    async with AsyncExitStack() as stack:
        log = stack.enter_context(Log(folder / "entries.jsonl"))
        server = await stack.enter_async_context(ServerProcess(folder, {"FLOW_SERVER_HEARTBEAT": "500ms"}))
        relay_port = await stack.enter_async_context(Relay(server.url, log).running())
        network = await stack.enter_async_context(Proxy(("127.0.0.1", relay_port)))
        far_network = await stack.enter_async_context(Proxy(("127.0.0.1", server.port)))
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=10.0))
        installation = Installation(
            server=server,
            clusters={},
            drivers={},
            adapters={},
            cluster_networks={},
            network=network,
            far_network=far_network,
            log=log,
            client=client,
            operator=Writer(client, server.url, flow=FLOW, name="operator", log=log),
            stack=stack,
        )
        await installation.new_reader("near")
        await installation.new_reader("far", far=True)
        tasks = await stack.enter_async_context(_cancelled_at_the_end())
        for region in planned_regions():
            cluster = await stack.enter_async_context(SimulatedCluster(seed=region.plan.seed))
            cluster_port = int(cluster.url.rpartition(":")[2])
            cluster_network = await stack.enter_async_context(Proxy(("127.0.0.1", cluster_port)))
            installation.cluster_networks[region.key] = cluster_network
            config = cluster.kubeconfig(folder / f"kubeconfig-{region.key}", token=cluster.namespace_token)
            config.write_text(config.read_text().replace(cluster.url, cluster_network.url))
            adapter = Process(
                "flow_adapter_flux",
                log=folder / f"adapter-{region.key}.log",
                environment={
                    "FLOW_SERVER_URL": network.url,
                    "FLOW_ID": FLOW,
                    "REGION_KEY": region.key,
                    "KUBECONFIG": str(config),
                    "HEALTH_LISTEN_ADDR": "127.0.0.1:0",
                    "RESYNC_INTERVAL": f"{RESYNC_INTERVAL_S:g}s",
                    "POST_TIMEOUT": "2s",
                    "EMIT_INTERVAL": "50ms",
                },
            )
            driver = FluxDriver(cluster, region.plan, speed=speed, now=time.time)
            installation.clusters[region.key] = cluster
            installation.drivers[region.key] = driver
            installation.adapters[region.key] = await stack.enter_async_context(adapter)
            tasks.append(asyncio.create_task(driver.run()))
        yield installation


@asynccontextmanager
async def _cancelled_at_the_end() -> AsyncGenerator[list[asyncio.Task[None]]]:
    tasks: list[asyncio.Task[None]] = []
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
