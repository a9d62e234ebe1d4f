"""List, watch, list again: an endless loop that keeps a sink equal to what the API server has.

The rules, each for something that was seen on real servers:
- a watch that ended, also within a line, or fell silent after at least one line goes on from its version;
- a watch without one line, a 410 in any form, and a line that makes no sense are answered by a new LIST:
  a version above the server's is silent for ever, and what an ERROR or a broken line hid is not known;
- so is a connection that broke: a server that restarts may come back with an older state, restored from a
  backup, and a watch from our version would then be one that is silent for ever;
- every new LIST but the first waits, so that no server's mood makes a busy loop;
- a definition that is not installed (yet) is a quiet, normal state.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

import backoff
import structlog
from backoff.types import Details

from flow_adapter_flux.core.delays import delays
from flow_adapter_flux.core.release import Unreadable
from flow_adapter_flux.core.watch_lines import LineSplitter, UnreadableLineError, WatchEvent, read_line
from flow_adapter_flux.kubernetes import ApiFailure, Connection, Trouble
from flow_adapter_flux.kubernetes.kinds import Kind
from flow_adapter_flux.kubernetes.listing import list_objects
from flow_adapter_flux.metrics import Metrics
from flow_adapter_flux.vitals import Vitals

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

T = TypeVar("T")
S_contra = TypeVar("S_contra", contravariant=True)


class Sink(Protocol[S_contra]):
    """Takes what is seen. An object of a listing or an event may be unreadable; the sink says so."""

    def replace(self, listing: tuple[S_contra | Unreadable, ...]) -> None:
        """A complete listing: what is not in it is gone."""
        ...

    def apply(self, seen: S_contra | Unreadable) -> None:
        """An object that was added or modified."""
        ...

    def remove(self, seen: S_contra | Unreadable) -> None:
        """An object that was deleted."""
        ...


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How patient a reflector is, in seconds."""

    idle_s: tuple[float, float] = (75.0, 90.0)
    """A watch without a line for a time drawn from here is ended: bookmarks come every 60 s."""
    watch_s: tuple[float, float] = (240.0, 300.0)
    """The server is asked to end a watch after a time drawn from here."""
    least_s: float = 1.0
    """Two watches do not begin closer to each other; one that ends sooner without a line has failed."""
    base_s: float = 0.8
    max_s: float = 30.0
    """First and longest ceiling of the wait after a failure (client-go's numbers)."""
    absent_s: tuple[float, float] = (1.0, 10.0)
    """Wait after the first look at a definition that is not installed, and at most after later ones."""
    stuck_watches: int = 3
    """Broken watches in a row that got no further than where they began, after which a LIST must help."""


@dataclass(frozen=True, kw_only=True)
class _WatchEnd:
    how: str
    version: str


class Reflector(Generic[T]):
    """Keeps `sink` equal to the objects of one kind. `spread` gives numbers from 0 up to 1.

    With `or_else`, a namespace, it is content with that one for as long as it has no rights on `namespace`.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        kind: Kind[T],
        namespace: str,
        sink: Sink[T],
        vitals: Vitals,
        metrics: Metrics,
        spread: Callable[[], float],
        pace: Pace | None = None,
        or_else: str | None = None,
    ) -> None:
        """Wire it up; nothing runs before `run`."""
        self._connection = connection
        self._kind = kind
        self._places = [namespace] if or_else is None or or_else == namespace else [namespace, or_else]
        self._sink = sink
        self._vitals = vitals
        self._metrics = metrics
        self._spread = spread
        self._pace = pace or Pace()
        self._absences = 0
        self._refusals = 0
        self._said: str | None = None
        self._strange: set[str] = set()

    async def run(self) -> None:
        """Go on for ever; returns only by cancellation."""
        retried = backoff.on_exception(
            partial(delays, base_s=self._pace.base_s, max_s=self._pace.max_s, spread=self._spread),
            ApiFailure,
            jitter=None,
            logger=None,
            on_backoff=self._log_retry,
        )(self.list_then_watch)
        while True:
            await retried()

    async def list_then_watch(self) -> None:
        """One LIST and the watches that follow it. Raises `ApiFailure` when only a new LIST can go on."""
        namespace, version = await self._list_where_we_may()
        if version is None:
            await self._wait_for_definition()
            return
        loop = asyncio.get_running_loop()
        listed_at = loop.time()
        stuck = 0
        try:
            while stuck < self._pace.stuck_watches:
                began_at = loop.time()
                end = await self._watch_once(version, namespace)
                stuck = stuck + 1 if end.how != "ended" and end.version == version else 0
                version = end.version
                await asyncio.sleep(began_at + self._pace.least_s - loop.time())
                if namespace != self._places[0]:
                    return  # a refusal is never final: ask for all of it again
        except ApiFailure as failure:
            failure.healthy_s = loop.time() - listed_at
            raise
        raise ApiFailure(Trouble.UNREADABLE, "the watch breaks at the same place again and again")

    async def _list_where_we_may(self) -> tuple[str, str | None]:
        """List in the first place that does not refuse us: that place, and what `_list` gives.

        Once all have refused they take turns, so that asking does not get more frequent.
        """
        turn = self._refusals % len(self._places)
        *others, last = self._places[turn : turn + 1] if self._refusals else self._places
        for place in others:
            try:
                return place, await self._list(place)
            except ApiFailure as failure:
                if failure.trouble is not Trouble.NO_RIGHTS:
                    raise
        try:
            return last, await self._list(last)
        except ApiFailure as failure:
            self._refusals += failure.trouble is Trouble.NO_RIGHTS
            raise

    async def _list(self, namespace: str) -> str | None:
        """List and hand over; the version to watch from, `None` when the definition is not installed."""
        try:
            listing = await list_objects(self._connection, self._kind, namespace)
        except ApiFailure as failure:
            self._count("list", failure.trouble.value)
            if failure.trouble is not Trouble.ABSENT:
                raise
            return None
        self._count("list", "ok")
        self._heard()
        self._absences = 0
        self._sink.replace(listing.objects)
        log.info("listed", kind=self._kind.name, objects=len(listing.objects), version=listing.version)
        return listing.version

    async def _wait_for_definition(self) -> None:
        """Look again soon; only a second look in a row is believed, since restarting servers err."""
        first_s, later_s = self._pace.absent_s
        self._absences += 1
        self._vitals.sign()
        if self._absences == 1:
            await asyncio.sleep(first_s)
            return
        if self._absences == 2:
            log.info("not installed yet", kind=self._kind.name)
            self._sink.replace(())
        await asyncio.sleep(later_s * (1 + self._spread()) / 2)

    async def _watch_once(self, version: str, namespace: str) -> _WatchEnd:
        """Follow one watch to its end. Raises `ApiFailure` where a LIST must follow."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(round(self._between(self._pace.watch_s))),
        }
        idle_s = self._between(self._pace.idle_s)
        lines = 0
        how = "ended"
        last = version
        splitter = LineSplitter()
        try:
            async with (
                asyncio.timeout(idle_s) as limit,
                self._connection.stream(self._kind.path(namespace), params) as chunks,
            ):
                self._count("watch", "ok")
                async for chunk in chunks:
                    for line in splitter.feed(chunk):
                        last = self._take(read_line(line))
                        lines += 1
                        limit.reschedule(loop.time() + idle_s)
                how = "cut" if splitter.rest else "ended"
        except TimeoutError:
            how = "idle"
        except UnreadableLineError as error:
            self._ended("unreadable")
            raise ApiFailure(Trouble.UNREADABLE, f"the watch of {self._kind.plural}: {error}") from error
        except ApiFailure as failure:
            self._count("watch", failure.trouble.value)
            self._ended(failure.trouble.value)
            raise
        self._ended(how)
        if not lines:
            raise ApiFailure(
                Trouble.MUTE, f"no line of {self._kind.plural} in {loop.time() - began_at:.1f} s ({how})"
            )
        return _WatchEnd(how=how, version=last)

    def _take(self, event: WatchEvent) -> str:
        """Hand one event over; the version to go on from. Raises `ApiFailure` for an ERROR."""
        if event.kind == "ERROR":
            trouble = Trouble.GONE if event.code == 410 else Trouble.REFUSED
            raise ApiFailure(trouble, f"ERROR {event.code} in the watch of {self._kind.plural}")
        self._heard()
        if event.kind in {"ADDED", "MODIFIED"}:
            self._sink.apply(self._kind.read(event.decoded))
        elif event.kind == "DELETED":
            self._sink.remove(self._kind.read(event.decoded))
        elif event.kind != "BOOKMARK" and event.kind not in self._strange and len(self._strange) < 16:
            self._strange.add(event.kind)
            log.warning("unknown event type", kind=self._kind.name, event_type=event.kind[:64])
        return event.version

    def _heard(self) -> None:
        self._refusals = 0
        self._said = None
        self._vitals.sign()

    def _between(self, bounds: tuple[float, float]) -> float:
        least, most = bounds
        return least + (most - least) * self._spread()

    def _count(self, verb: str, outcome: str) -> None:
        self._metrics.api_requests.labels(self._kind.name, verb, outcome).inc()

    def _ended(self, how: str) -> None:
        self._metrics.watch_ends.labels(self._kind.name, how).inc()

    def _log_retry(self, details: Details) -> None:
        """One line for each kind of trouble until something was heard again."""
        failure = dict[str, object](details).get("exception")
        if isinstance(failure, ApiFailure):
            repeated = self._said == failure.trouble.value
            self._said = failure.trouble.value
            (log.debug if repeated else log.warning)(
                "listing again",
                kind=self._kind.name,
                trouble=failure.trouble.value,
                problem=failure.problem,
                wait_s=round(details.get("wait", 0.0), 2),
            )
