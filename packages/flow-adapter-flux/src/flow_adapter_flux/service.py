"""One region's work: reflectors into the feed, the emitter out of it."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack

from lightkube import SingleConfig

from flow_adapter_flux.core.region import Region
from flow_adapter_flux.emitter import Emitter, FlowServer
from flow_adapter_flux.feed import Feed
from flow_adapter_flux.kubernetes.connection import cluster_id, connect
from flow_adapter_flux.kubernetes.kinds import HELM_CHARTS, HELM_RELEASES
from flow_adapter_flux.metrics import Metrics
from flow_adapter_flux.reflector import Pace, Reflector
from flow_adapter_flux.settings import Settings
from flow_adapter_flux.vitals import Vitals


async def speak(
    settings: Settings,
    config: SingleConfig,
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
        releases_connection, charts_connection = connect(config), connect(config)
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
            namespace="",
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
