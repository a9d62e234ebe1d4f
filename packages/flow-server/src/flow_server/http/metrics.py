"""`GET /metrics`: what the server counted, in Prometheus' text format.

Counting happens on plain numbers (`Stats`); they become metrics only when somebody asks.
"""

from collections.abc import Iterable
from typing import Protocol

from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from flow_server.http.caching import DATA_HEADERS
from flow_server.hub import Hub


class AuthState(Protocol):
    """What there is to count about access."""

    reload_errors: int
    """How often a new grants file was refused."""


class HubCollector(Collector):
    """The hub's numbers as Prometheus metrics."""

    def __init__(self, hub: Hub, auth: AuthState | None) -> None:
        """Collect from `hub`, and from `auth` when there is one."""
        self._hub = hub
        self._auth = auth

    def collect(self) -> Iterable[Metric]:
        """All metrics, read now."""
        hub, stats = self._hub, self._hub.stats
        requests = CounterMetricFamily(
            "flow_server_requests", "Requests answered, by route and status", labels=["route", "status"]
        )
        for (route, status), count in stats.requests.items():
            requests.add_metric([route, str(status)], count)
        yield requests
        yield _by_label("flow_server_messages", "Messages taken in, by type", "type", stats.messages)
        yield _by_label("flow_server_rejected", "Requests refused, by reason", "reason", stats.rejected)
        yield _by_label(
            "flow_server_streams_ended", "Streams ended, by reason", "reason", stats.streams_ended
        )
        yield CounterMetricFamily("flow_server_frames_out", "Frames given to readers", stats.frames_out)
        yield CounterMetricFamily("flow_server_bytes_out", "Bytes given to readers", stats.bytes_out)
        yield CounterMetricFamily(
            "flow_server_resyncs", "Snapshots for cursors outside the ring", stats.resyncs
        )
        yield GaugeMetricFamily(
            "flow_server_auth_enabled", "Whether a grants file is in force", int(self._auth is not None)
        )
        yield CounterMetricFamily(
            "flow_server_auth_reload_errors",
            "New grants files that were refused",
            0 if self._auth is None else self._auth.reload_errors,
        )
        flows = list(hub.flows())
        yield GaugeMetricFamily("flow_server_flows", "Flows held", len(flows))
        yield GaugeMetricFamily(
            "flow_server_nodes", "Nodes held, of all flows", sum(len(flow.state.nodes) for flow in flows)
        )
        yield GaugeMetricFamily(
            "flow_server_relationships",
            "Relationships held, of all flows",
            sum(len(flow.state.relationships) for flow in flows),
        )
        yield GaugeMetricFamily("flow_server_readers", "Open streams", hub.readers())
        yield GaugeMetricFamily(
            "flow_server_ring_messages", "Messages in all rings", sum(flow.ring_entries for flow in flows)
        )
        yield GaugeMetricFamily(
            "flow_server_ring_bytes", "Bytes in all rings", sum(flow.ring_used_bytes for flow in flows)
        )
        yield GaugeMetricFamily(
            "flow_server_ring_fill_ratio",
            "Share of its bound that the fullest ring uses",
            max((flow.ring_fill for flow in flows), default=0.0),
        )


def _by_label(name: str, text: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def registry_of(hub: Hub, auth: AuthState | None = None) -> CollectorRegistry:
    """A registry with the hub's metrics and those of the process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HubCollector(hub, auth))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


@get("/metrics", summary="Metrics for Prometheus", media_type="text/plain")
async def get_metrics(metrics: NamedDependency[CollectorRegistry]) -> Response[bytes]:
    """All metrics in Prometheus' text format."""
    return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST, headers=DATA_HEADERS)
