"""From what reflectors see to what the emitter sends: the mirror, the outbox, and who is told of news."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from flow_adapter_flux.core.chart import Chart
from flow_adapter_flux.core.mirror import Mirror
from flow_adapter_flux.core.outbox import Outbox
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import ObjectKey, Release, Unreadable
from flow_adapter_flux.metrics import Metrics
from flow_contract import FlowMessage

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

T = TypeVar("T", Release, Chart)

COMPLAINTS_LIMIT = 1000
"""Objects whose problems are remembered, so that each is logged once and not at every change."""


class Feed:
    """One region's mirror and outbox. `synced` is set by the first listing, `news` by every change."""

    def __init__(self, region: Region, *, metrics: Metrics, clock: Callable[[], float]) -> None:
        """Begin with nothing seen; `clock` gives seconds."""
        self.mirror = Mirror(region)
        self.outbox = Outbox()
        self.synced = asyncio.Event()
        self.news = asyncio.Event()
        self.releases = ReleaseSink(self, metrics)
        self.charts = ChartSink(self, metrics)
        self._clock = clock

    def put(self, messages: Iterable[FlowMessage]) -> None:
        """Queue changes of the picture."""
        now = self._clock()
        for message in messages:
            self.outbox.put(message, now=now)
        self.news.set()


class ReleaseSink:
    """Takes what a reflector sees of HelmReleases."""

    def __init__(self, feed: Feed, metrics: Metrics) -> None:
        """Feed `feed`."""
        self._feed = feed
        self._complaints = _Complaints("HelmRelease", metrics)

    def replace(self, listing: tuple[Release | Unreadable, ...]) -> None:
        """A complete listing; what cannot be read is as if it were not there."""
        readable = [seen for seen in map(self._complaints.heard, listing) if seen is not None]
        self._feed.put(self._feed.mirror.replace_releases(readable))
        self._feed.synced.set()

    def apply(self, seen: Release | Unreadable) -> None:
        """A release that was added or modified."""
        if (release := self._complaints.heard(seen)) is not None:
            self._feed.put(self._feed.mirror.apply(release))

    def remove(self, seen: Release | Unreadable) -> None:
        """A release that was deleted."""
        if (release := self._complaints.heard(seen)) is not None:
            self._complaints.forget(release.key)
            self._feed.put(self._feed.mirror.remove(release.key))


class ChartSink:
    """Takes what a reflector sees of HelmCharts."""

    def __init__(self, feed: Feed, metrics: Metrics) -> None:
        """Feed `feed`."""
        self._feed = feed
        self._complaints = _Complaints("HelmChart", metrics)

    def replace(self, listing: tuple[Chart | Unreadable, ...]) -> None:
        """A complete listing; what cannot be read is as if it were not there."""
        readable = [seen for seen in map(self._complaints.heard, listing) if seen is not None]
        self._feed.put(self._feed.mirror.replace_charts(readable))

    def apply(self, seen: Chart | Unreadable) -> None:
        """A chart that was added or modified."""
        if (chart := self._complaints.heard(seen)) is not None:
            self._feed.put(self._feed.mirror.apply_chart(chart))

    def remove(self, seen: Chart | Unreadable) -> None:
        """A chart that was deleted."""
        if (chart := self._complaints.heard(seen)) is not None:
            self._feed.put(self._feed.mirror.remove_chart(chart.key))


class _Complaints:
    """Says once what cannot be read of an object, and again when that has changed."""

    def __init__(self, kind: str, metrics: Metrics) -> None:
        self._kind = kind
        self._counter = metrics.objects_unreadable.labels(kind)
        self._said: dict[ObjectKey | str, tuple[str, ...]] = {}

    def heard(self, seen: T | Unreadable) -> T | None:
        """The object, `None` for one that cannot be told apart from others."""
        if isinstance(seen, Unreadable):
            self._say(seen.problem, (seen.problem,))
            return None
        problems = seen.problems
        if problems:
            self._say(seen.key, problems)
        else:
            self.forget(seen.key)
        return seen

    def forget(self, key: ObjectKey) -> None:
        self._said.pop(key, None)

    def _say(self, about: ObjectKey | str, problems: tuple[str, ...]) -> None:
        if self._said.get(about) == problems:
            return
        if len(self._said) >= COMPLAINTS_LIMIT:
            self._said.clear()
        self._said[about] = problems
        self._counter.inc()
        name = str(about) if isinstance(about, ObjectKey) else None
        log.warning("an object cannot be read in full", kind=self._kind, object=name, problems=list(problems))
