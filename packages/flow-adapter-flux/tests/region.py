"""A whole region in one loop of virtual time: simulated cluster, adapter, recording server."""

import asyncio
import functools
import math
import random
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec

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

from .objects import READY
from .recording_server import RecordingServer

P = ParamSpec("P")

SOURCE = {"kind": "HelmRepository", "name": "catalog"}
INSTALLED = {"conditions": [READY], "observedGeneration": 1}
RESYNC_S = 60.0


@dataclass(kw_only=True)
class World:
    """The parts of a region that runs. `silence_s` is what `/readyz` looks at, `voice_s` may be changed."""

    cluster: SimulatedCluster
    server: RecordingServer
    metrics: Metrics
    silence_s: Callable[[], float]
    settings: Settings
    voice_s: float = math.inf

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

    def status(self, node_id: str) -> str | None:
        """What the server says of a node, `None` when it has none."""
        node = self.server.picture.nodes.get(node_id) if self.server.picture else None
        return node.status if node else None

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
                voice_s=lambda: world.voice_s,
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


Start = Callable[..., AbstractAsyncContextManager[World]]
"""The fixture `start`: a region with these settings, and maybe a cluster that is there already."""


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on a loop of its own whose time jumps whenever everybody waits."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        run_in_virtual_time(test(*args, **kwargs))

    return run


def fill(cluster: SimulatedCluster, count: int = 5) -> None:
    """A chain of releases, each depending on the one before."""
    for number in range(count):
        depends_on = [f"bp-{number - 1:04}"] if number else []
        cluster.apply(body(f"bp-{number:04}", depends_on))


def body(name: str, depends_on: list[str] | None = None, namespace: str = "flux-system") -> dict[str, Any]:
    """A release as somebody applies it."""
    entries = [{"name": wanted} for wanted in depends_on or []]
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "interval": "15m",
            "chart": {"spec": {"chart": name, "version": "1.2.3", "sourceRef": SOURCE}},
            "dependsOn": entries,
        },
    }
