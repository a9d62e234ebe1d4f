"""What the adapter counts, for Prometheus. The README's table names each metric."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """One registry for one process; gauges that are read when asked get their function in `__main__`."""

    def __init__(self) -> None:
        """Register everything, so that a metric is there before it first counts."""
        self.registry = CollectorRegistry(auto_describe=True)
        self.watch_last_line = self._gauge(
            "watch_last_line_seconds", "Seconds since the last line of the watch, or its list", "kind"
        )
        self.api_requests = self._counter(
            "api_requests", "Requests to the Kubernetes API", "kind", "verb", "outcome"
        )
        self.watch_ends = self._counter("watch_ends", "Watches that ended, by how", "kind", "how")
        self.objects_unreadable = self._counter(
            "objects_unreadable", "Objects of which something could not be read", "kind"
        )
        self.releases = self._gauge("releases", "HelmReleases in the mirror")
        self.outbox_messages = self._gauge(
            "outbox_messages", "Nodes and relationships with a change that waits"
        )
        self.outbox_oldest = self._gauge("outbox_oldest_seconds", "How long the oldest of them has waited")
        self.posts = self._counter("posts", "POSTs to the flow server", "outcome")
        self.messages = self._counter("messages_accepted", "Messages that the flow server accepted")
        self.messages_dropped = self._counter(
            "messages_dropped", "Messages that the flow server will not take"
        )
        self.resyncs = self._counter("resyncs", "Comparisons with the flow server's snapshot", "outcome")
        self.repairs = self._counter("repairs", "Messages that a comparison found to be needed")
        self.region_shared = self._gauge(
            "region_shared", "1 while another cluster speaks for the same region"
        )
        self.leader = self._gauge("leader", "1 while this process speaks for its cluster")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"flow_adapter_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"flow_adapter_{name}", text, labels, registry=self.registry)
