"""One cluster's voice: alone or by election, reflectors into the feed and the emitter out of it."""

import asyncio
import math
import random
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from flow_adapter_flux.core.candidate import Terms
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.election import Election
from flow_adapter_flux.emitter import Emitter, FlowServer
from flow_adapter_flux.feed import Feed
from flow_adapter_flux.kubernetes.connection import ClusterConfig, Connection, cluster_id
from flow_adapter_flux.kubernetes.kinds import HELM_CHARTS, HELM_RELEASES
from flow_adapter_flux.kubernetes.lease import LeaseApi
from flow_adapter_flux.metrics import Metrics
from flow_adapter_flux.reflector import Pace, Reflector
from flow_adapter_flux.settings import Settings
from flow_adapter_flux.vitals import Vitals


class Service:
    """What the process does between its start and its end."""

    def __init__(self, settings: Settings, config: ClusterConfig, metrics: Metrics) -> None:
        """Wire it up; nothing runs before `run`."""
        self._settings = settings
        self._config = config
        self._metrics = metrics
        clock = asyncio.get_running_loop().time
        self._releases_vitals = Vitals(clock)
        self._lease_vitals = Vitals(clock)
        self._election: Election | None = None

    def silence_s(self) -> float:
        """For how many seconds the Kubernetes API has said nothing, to whatever we now ask it for."""
        if self._election is not None and not self._election.leading:
            return self._lease_vitals.age_s()
        return self._releases_vitals.age_s()

    async def run(self) -> None:
        """Speak for the cluster, whenever it is our turn; returns only by cancellation."""
        if not self._settings.leader_election:
            self._metrics.leader.set(1)
            await self._speak(lambda: math.inf)
        connection = Connection(self._config)
        try:
            lease = LeaseApi(
                connection,
                name=self._settings.lease_name,
                namespace=self._settings.pod_namespace or self._config.namespace,
                lease_s=Terms().lease_s,
            )
            self._election = Election(
                lease=lease,
                identity=f"{self._settings.pod_name}_{secrets.token_hex(4)}",
                clock=lambda: time.clock_gettime(time.CLOCK_BOOTTIME),  # goes on while the machine sleeps
                spread=random.random,
                vitals=self._lease_vitals,
                metrics=self._metrics,
            )
            await self._election.run(self._speak)
        finally:
            await connection.close()

    async def _speak(self, voice_s: Callable[[], float]) -> None:
        self._releases_vitals.sign()
        await speak(
            self._settings,
            self._config,
            metrics=self._metrics,
            vitals=self._releases_vitals,
            voice_s=voice_s,
        )


async def speak(
    settings: Settings,
    config: ClusterConfig,
    *,
    metrics: Metrics,
    vitals: Vitals,
    voice_s: Callable[[], float],
    spread: Callable[[], float] = random.random,
    pace: Pace | None = None,
) -> None:
    """Mirror the cluster into the flow until cancelled; the POST in flight is then waited for.

    Everything begins anew at each call: whoever spoke before may have left any picture. `vitals` hears each
    sign of life of the Kubernetes API; `voice_s` tells for how many seconds we may still speak.
    """
    clock = asyncio.get_running_loop().time
    region = Region(
        flow_id=settings.flow_id,
        key=settings.region_key,
        cluster=cluster_id(config),
        namespace=settings.namespace_filter,
    )
    feed = Feed(region, metrics=metrics, clock=clock)
    charts_vitals = Vitals(clock)
    async with AsyncExitStack() as stack:
        server = FlowServer(
            url=settings.flow_server_url,
            flow_id=settings.flow_id,
            emitter=settings.region_key,
            token_file=settings.token_file,
            timeout_s=settings.post_timeout_s,
        )
        stack.push_async_callback(server.close)
        releases_connection, charts_connection = Connection(config), Connection(config)
        stack.push_async_callback(releases_connection.close)
        stack.push_async_callback(charts_connection.close)
        releases = Reflector(
            connection=releases_connection,
            kind=HELM_RELEASES,
            namespace=settings.namespace_filter,
            sink=feed.releases,
            vitals=vitals,
            metrics=metrics,
            spread=spread,
            pace=pace,
        )
        charts = Reflector(
            connection=charts_connection,
            kind=HELM_CHARTS,
            namespace="",  # a chart is where its source is, and a source may be anywhere
            or_else=settings.namespace_filter,
            sink=feed.charts,
            vitals=charts_vitals,
            metrics=metrics,
            spread=spread,
            pace=pace,
        )
        emitter = Emitter(
            feed=feed,
            server=server,
            metrics=metrics,
            emit_interval_s=settings.emit_interval_s,
            resync_interval_s=settings.resync_interval_s,
            spread=spread,
            voice_s=voice_s,
        )
        _watch_gauges(metrics, feed, vitals, charts_vitals, clock)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(releases.run(), name="releases")
            tasks.create_task(charts.run(), name="charts")
            tasks.create_task(emitter.run(), name="emitter")


def _watch_gauges(
    metrics: Metrics, feed: Feed, releases: Vitals, charts: Vitals, clock: Callable[[], float]
) -> None:
    """Let the gauges read what they tell when they are asked."""

    def oldest_s() -> float:
        since = feed.outbox.oldest_since()
        return 0.0 if since is None else clock() - since

    metrics.outbox_messages.set_function(lambda: len(feed.outbox))
    metrics.outbox_oldest.set_function(oldest_s)
    metrics.releases.set_function(lambda: len(feed.mirror.releases))
    metrics.watch_last_line.labels(HELM_RELEASES.name).set_function(releases.age_s)
    metrics.watch_last_line.labels(HELM_CHARTS.name).set_function(charts.age_s)
