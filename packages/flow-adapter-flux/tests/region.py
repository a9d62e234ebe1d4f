"""A whole region in one loop of virtual time: simulated cluster, adapter, recording server."""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flow_adapter_flux.core.chart import Chart, read_chart
from flow_adapter_flux.core.mirror import Mirror
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import Release, read_release
from flow_adapter_flux.kubernetes.connection import cluster_id, configuration
from flow_adapter_flux.metrics import Metrics
from flow_adapter_flux.service import speak
from flow_adapter_flux.settings import Settings
from flow_adapter_flux.vitals import Vitals
from flow_simulator.kubernetes import HELM_CHARTS, SimulatedCluster
from flow_simulator.virtual_time import run_in_virtual_time

from .recording_server import RecordingServer

RESYNC_S = 60.0


@dataclass(kw_only=True)
class World:
    """The parts of a region that runs. `silence_s` is what `/readyz` looks at."""

    cluster: SimulatedCluster
    server: RecordingServer
    metrics: Metrics
    silence_s: Callable[[], float]
    settings: Settings

    def expected(self) -> Mirror:
        """What the server should hold, made of the cluster as it is."""
        region = Region(
            flow_id=self.settings.flow_id,
            key=self.settings.region_key,
            cluster=cluster_id(configuration()),
            namespace=self.settings.namespace_filter,
        )
        mirror = Mirror(region)
        read = [read_release(decoded) for decoded in self.cluster.objects(namespace=region.namespace)]
        mirror.replace_releases([release for release in read if isinstance(release, Release)])
        charts = [read_chart(decoded) for decoded in self.cluster.objects(HELM_CHARTS)]
        mirror.replace_charts([chart for chart in charts if isinstance(chart, Chart)])
        return mirror

    def difference(self) -> list[str]:
        """Ids of what the server holds otherwise than it should; `[]`: nothing."""
        expected = self.expected()
        held = self.server.picture
        if held is None:
            return ["the flow is unknown"]
        pairs = [(held.nodes, expected.nodes), (held.relationships, expected.relationships)]
        return [
            str(key)
            for ours, wanted in pairs
            for key in sorted({*ours, *wanted}, key=str)
            if dict(ours).get(key) != dict(wanted).get(key)  # pyright: ignore[reportArgumentType, reportCallIssue]
        ]

    async def settled(self, *, within_s: float = RESYNC_S) -> float:
        """Wait until the server's region is the cluster; gives how long it took, in virtual seconds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while self.difference():
            if loop.time() - began > within_s:
                raise AssertionError(f"still different after {within_s} s: {self.difference()[:5]}")
            await asyncio.sleep(0.5)
        return loop.time() - began

    async def until(self, condition: Callable[[], bool], *, within_s: float) -> None:
        """Wait for a condition, in virtual seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while not condition():
            assert loop.time() < deadline, f"not within {within_s} s"
            await asyncio.sleep(0.05)

    def count(self, name: str, **labels: str) -> float:
        """A metric's value, 0 when it was never counted."""
        return self.metrics.registry.get_sample_value(f"flow_adapter_{name}", labels) or 0.0


def settings_for(server: RecordingServer, **changes: Any) -> Settings:
    fields: dict[str, Any] = {"flow_server_url": server.url, "flow_id": "flow", "region_key": "fsn1"}
    return Settings(**{**fields, **changes})


@asynccontextmanager
async def region(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    simulated: SimulatedCluster | None = None,
    **changes: Any,
) -> AsyncGenerator[World]:
    """Start everything; the adapter is cancelled at the end and must go quietly."""
    async with simulated or SimulatedCluster() as cluster, RecordingServer() as server:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(folder / "kubeconfig")))
        settings = settings_for(server, **changes)
        metrics = Metrics()
        vitals = Vitals(asyncio.get_running_loop().time)
        world = World(
            cluster=cluster, server=server, metrics=metrics, silence_s=vitals.age_s, settings=settings
        )
        work = asyncio.create_task(
            speak(
                settings,
                configuration(),
                metrics=metrics,
                vitals=vitals,
                voice_s=lambda: math.inf,
                spread=random.Random(1).random,
            )
        )
        try:
            yield world
            assert not work.done(), "the adapter ended by itself"
        finally:
            work.cancel()
            (outcome,) = await asyncio.gather(work, return_exceptions=True)
        if not isinstance(outcome, asyncio.CancelledError):
            raise AssertionError("the adapter did not end by cancellation") from outcome


def virtually(work: Coroutine[Any, Any, None]) -> None:
    run_in_virtual_time(work)
