"""Sends what waits, one request at a time so that order holds, and compares with the server's snapshot.

A batch whose outcome is not known is sent again unchanged, with its key, until there is an answer. What a
server forgot, lost or was never told heals at the next comparison: on start, when its epoch changes, and at
every interval.
"""

import asyncio
import math
import uuid
from collections.abc import Callable, Generator
from functools import partial

import backoff
import structlog
from backoff.types import Details

from flow_adapter_flux.core.delays import delays
from flow_adapter_flux.core.outbox import Batch, Entry
from flow_adapter_flux.core.repair import repair
from flow_adapter_flux.emitter.answers import Accepted, Refused, ServerFailure, TooLarge
from flow_adapter_flux.emitter.server import FlowServer, Unchanged
from flow_adapter_flux.feed import Feed
from flow_adapter_flux.metrics import Metrics

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

BASE_DELAY_S = 0.5
MAX_DELAY_S = 30.0
"""First and longest ceiling of the wait between two tries, in seconds."""

EPOCH_PAUSE_S = 1.0
"""Least time between two comparisons, in seconds, also with a server whose epoch is always new."""

SHARED_MEMORY = 10
"""Comparisons without another cluster's id after which a region counts as ours alone again, and deletes."""

LOG_AGAIN_S = 60.0
"""A failure that stays the same is logged this often."""


class Emitter:
    """Keeps the server's picture of a region equal to the feed's mirror."""

    def __init__(
        self,
        *,
        feed: Feed,
        server: FlowServer,
        metrics: Metrics,
        emit_interval_s: float,
        resync_interval_s: float,
        spread: Callable[[], float],
        voice_s: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """Wire it up; nothing runs before `run`. `spread` gives numbers from 0 up to 1.

        `voice_s` tells for how many seconds this process may still speak for its cluster.
        """
        self._feed = feed
        self._server = server
        self._metrics = metrics
        self._emit_interval_s = emit_interval_s
        self._resync_interval_s = resync_interval_s
        self._spread = spread
        self._voice_s = voice_s
        self._epoch: str | None = None
        self._tag: str | None = None
        self._compared_version = -1
        self._compare_at = 0.0
        self._shared = 0
        self._said: tuple[str, float] = ("", 0.0)
        self._wait = self._fresh_delays()
        self._in_flight: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Go on for ever; on cancellation the POST in flight is waited for, bounded by its timeout."""
        await self._feed.synced.wait()
        try:
            while True:
                await self.step()
        finally:
            if self._in_flight is not None:
                await asyncio.gather(self._in_flight, return_exceptions=True)

    async def step(self) -> None:
        """Do the next thing that is due, or wait until there is one."""
        loop = asyncio.get_running_loop()
        self._feed.news.clear()
        oldest = self._feed.outbox.oldest_since()
        send_at = None if oldest is None else oldest + self._emit_interval_s
        if self._feed.outbox.unsettled:
            await self._send()  # the rest of a batch that was split or lost a message
        elif loop.time() >= self._compare_at:
            await self._compare()
        elif send_at is not None and loop.time() >= send_at:
            await self._send()
        else:
            due = self._compare_at if send_at is None else min(self._compare_at, send_at)
            try:
                async with asyncio.timeout(due - loop.time()):
                    await self._feed.news.wait()
            except TimeoutError:
                pass

    async def _send(self) -> None:
        """Send one batch until there is an answer, and settle it."""
        batch = self._feed.outbox.take_batch()
        if batch is None:
            return
        sent = backoff.on_exception(
            partial(delays, base_s=BASE_DELAY_S, max_s=MAX_DELAY_S, spread=self._spread),
            ServerFailure,
            jitter=None,
            logger=None,
            on_backoff=self._log_retry,
        )(self._post)
        await sent(batch, str(uuid.uuid4()))

    async def _post(self, batch: Batch, key: str) -> None:
        """One POST of the taken batch, settled whatever becomes of the caller. Raises `ServerFailure`."""
        self._in_flight = asyncio.create_task(self._post_and_settle(batch, key))
        await asyncio.shield(self._in_flight)

    async def _post_and_settle(self, batch: Batch, key: str) -> None:
        try:
            answer = await self._server.post(batch.body, idempotency_key=key, within_s=self._voice_s())
        except ServerFailure as failure:
            self._metrics.posts.labels(failure.outcome).inc()
            raise
        self._said = ("", 0.0)
        match answer:
            case Accepted(epoch=epoch):
                self._metrics.posts.labels("accepted").inc()
                self._metrics.messages.inc(len(batch.entries))
                self._feed.outbox.accepted()
                self._note_epoch(epoch)
            case Refused():
                self._metrics.posts.labels("rejected").inc()
                self._drop_refused(batch, answer)
            case TooLarge():
                self._metrics.posts.labels("too large").inc()
                if (dropped := self._feed.outbox.too_large()) is not None:
                    self._log_dropped(dropped, path="$", problem="too large for the server")

    def _drop_refused(self, batch: Batch, answer: Refused) -> None:
        """Take the offending message out; when the server does not say which, halve until it must."""
        if answer.index is not None and answer.index < len(batch.entries):
            dropped = self._feed.outbox.refused(answer.index)
        else:
            dropped = self._feed.outbox.too_large()
        if dropped is not None:
            self._log_dropped(dropped, path=answer.path, problem=answer.problem)

    def _log_dropped(self, dropped: Entry, *, path: str, problem: str) -> None:
        self._metrics.messages_dropped.inc()
        log.error("a message was dropped", key=str(dropped.key), path=path, problem=problem)

    def _note_epoch(self, epoch: str) -> None:
        if self._epoch not in {None, epoch}:
            log.warning("the server has lost state, comparing", epoch=epoch)
            self._tag = None
            self._compare_at = min(self._compare_at, asyncio.get_running_loop().time() + EPOCH_PAUSE_S)
        self._epoch = epoch

    async def _compare(self) -> None:
        """Compare our region with the server's snapshot and queue what differs."""
        mirror, outbox = self._feed.mirror, self._feed.outbox
        loop = asyncio.get_running_loop()
        unchanged_here = mirror.version == self._compared_version
        try:
            held = await self._server.snapshot(
                unless=self._tag if unchanged_here else None, within_s=self._voice_s()
            )
        except ServerFailure as failure:
            self._metrics.resyncs.labels("failed").inc()
            wait_s = self._wait.send(failure)
            self._compare_at = loop.time() + wait_s
            self._log_failure(failure, wait_s)
            return
        self._said = ("", 0.0)
        self._wait = self._fresh_delays()
        self._compare_at = loop.time() + self._resync_interval_s
        if isinstance(held, Unchanged):
            self._metrics.resyncs.labels("unchanged").inc()
            self._note_sharing(None)
            return
        found = repair(mirror, held.snapshot, may_delete=self._shared == 0)
        self._tag, self._compared_version = held.tag, mirror.version
        self._note_sharing(found.other_cluster)
        repairs = outbox.restart(found.messages, held=found.held, now=loop.time())
        self._metrics.resyncs.labels("different" if repairs else "equal").inc()
        self._metrics.repairs.inc(repairs)
        if repairs:
            log.info("the server's picture differs", messages=repairs, known=held.snapshot is not None)
            await self._send()  # it has been wrong for long enough

    def _note_sharing(self, other_cluster: str | None) -> None:
        if other_cluster is not None:
            self._shared = SHARED_MEMORY
            region = self._feed.mirror.region
            log.error(
                "another cluster speaks for this region: each needs a REGION_KEY of its own",
                region=region.node_id,
                cluster=region.cluster,
                other_cluster=other_cluster[:64],
            )
        elif self._shared:
            self._shared -= 1
            if self._shared == 0:
                self._tag = None  # what the other left behind can go now
        self._metrics.region_shared.set(1 if self._shared else 0)

    def _fresh_delays(self) -> Generator[float, object, None]:
        wait = delays(base_s=BASE_DELAY_S, max_s=MAX_DELAY_S, spread=self._spread)
        next(wait)
        return wait

    def _log_retry(self, details: Details) -> None:
        failure = dict[str, object](details).get("exception")
        if isinstance(failure, ServerFailure):
            self._log_failure(failure, details.get("wait", 0.0))

    def _log_failure(self, failure: ServerFailure, wait_s: float) -> None:
        """The first of its kind, and one a minute while it lasts."""
        now = asyncio.get_running_loop().time()
        outcome, said_at = self._said
        if outcome == failure.outcome and now - said_at < LOG_AGAIN_S:
            return
        self._said = (failure.outcome, now)
        log.warning(
            "trying the flow server again",
            outcome=failure.outcome,
            problem=failure.problem,
            wait_s=round(wait_s, 2),
            waiting=len(self._feed.outbox),
        )
