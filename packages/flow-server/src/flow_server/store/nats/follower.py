"""Following the stream: settle it, start from the checkpoints, take entry after entry, for ever.

Whatever ends one round, the next one goes on after what was applied.
"""

import asyncio
import random
from typing import NoReturn

import structlog
from nats.aio.msg import Msg
from nats.js.api import Header
from nats.js.errors import APIError, NotFoundError

from flow_server.store import Log, StoreError
from flow_server.store.nats.calls import headers_in
from flow_server.store.nats.checkpoints import Checkpoints
from flow_server.store.nats.connection import Connection
from flow_server.store.nats.entries import (
    AFTER_HEADER,
    FORMAT_HEADER,
    KIND_HEADER,
    Entry,
    Kind,
    check_format,
)
from flow_server.store.nats.errors import TRANSPORT_ERRORS, Gap, is_missing_stream, told
from flow_server.store.nats.health import Health
from flow_server.store.nats.ledger import Ledger
from flow_server.store.nats.pasts import Pasts
from flow_server.store.nats.recovery import StaleRead, recover
from flow_server.store.nats.stream import settle_bucket, settle_stream
from flow_server.store.nats.subjects import PROBE_NAME, flow_id_of
from flow_server.store.nats.tail import Delivery, DeliveryEnded, delivery
from flow_server.store.settings import NatsSettings

PAUSE_S = (0.05, 0.3)
"""Pause before the next round, drawn from this range."""

HOPELESS_PAUSE_S = 5.0
"""Pause after what another try hardly heals."""

MISSING_S = 3.0
"""How long the servers must say that the stream is gone before it is made anew."""

GAPS = 5
"""So many rounds in a row may end at a gap before it counts as lost entries."""

log = structlog.get_logger("flow_server.store.nats")


class Follower:
    """What this replica knows comes through here."""

    def __init__(
        self,
        settings: NatsSettings,
        connection: Connection,
        *,
        checkpoints: Checkpoints,
        ledger: Ledger,
        health: Health,
        pasts: Pasts,
        flows: Log,
    ) -> None:
        """Nothing is known yet; `run` begins."""
        self._settings = settings
        self._connection = connection
        self._checkpoints = checkpoints
        self._ledger = ledger
        self._health = health
        self._pasts = pasts
        self._flows = flows
        self._is_stale = True
        self._missing_since_s: float | None = None
        self._gaps = 0
        self._stuck_at = 0
        """The entry that could not be applied; what comes before it once more is no progress."""
        self._goal: int | None = None
        self._flowing: Delivery | None = None
        self.caught_up = asyncio.Event()
        """Set when what was in the stream at the start is applied."""
        self.last_problem: Exception | None = None
        """What ended the last round."""
        self.hopeless: StoreError | None = None
        """Why this replica cannot go on, when another try would hardly help; it is tried all the same."""

    def interrupt(self) -> None:
        """The connection changed: begin another round now."""
        if self._flowing is not None:
            self._flowing.end(DeliveryEnded("the connection changed"))

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            pause_s = random.uniform(*PAUSE_S)  # noqa: S311
            try:
                await self._round()
            except (DeliveryEnded, StaleRead, *TRANSPORT_ERRORS) as error:
                self.last_problem = error
                log.info("following the stream again", problem=told(error))
            except Gap as error:
                self._is_stale = True
                self._gaps += 1
                self.last_problem = error
                log.error("the stream has a gap", problem=str(error), times=self._gaps)
                if self._gaps >= GAPS:
                    pause_s = self._hopeless(
                        StoreError(f"stream {self._settings.stream} lost entries: {error}")
                    )
            except (StoreError, ValueError) as error:
                pause_s = self._hopeless(error)
            await asyncio.sleep(pause_s)

    def _hopeless(self, error: Exception) -> float:
        self.last_problem = error
        if self.hopeless is None:
            log.error("cannot follow the stream", problem=str(error))
        problem = f"stream {self._settings.stream}: {error}"
        self.hopeless = error if isinstance(error, StoreError) else StoreError(problem)
        return HOPELESS_PAUSE_S

    async def _round(self) -> NoReturn:
        client = await self._connection.ensure()
        js = self._connection.js
        last_sequence = await self._settle()
        if self._is_stale:
            for past in await recover(self._checkpoints, self._ledger, self._flows):
                self._pasts.add(past)
            self._is_stale = False
        if self._ledger.applied > last_sequence:
            # A server that lags may say so once; a stream that lost its end says so for ever.
            raise StaleRead(
                f"stream {self._settings.stream} ends at entry {last_sequence}, up to {self._ledger.applied} "
                "was acknowledged: it lost entries, or an older backup was restored"
            )
        subject = f"{self._settings.stream}.*"
        async with delivery(
            client, js, self._take, stream=self._settings.stream, subject=subject, after=self._ledger.applied
        ) as self._flowing:
            self._goal = await self._goal_at(last_sequence)
            self._look_at_goal()
            await self._flowing.ended()

    async def _settle(self) -> int:
        """The stream's last sequence; makes stream and bucket when they are missing, notices a new epoch."""
        now_s = asyncio.get_running_loop().time()
        missing_s = 0.0 if self._missing_since_s is None else now_s - self._missing_since_s
        create = not self._ledger.epoch or missing_s >= MISSING_S
        js = self._connection.js
        try:
            stream = await settle_stream(js, self._settings, create=create)
        except APIError as error:
            if is_missing_stream(error) and self._missing_since_s is None:
                self._missing_since_s = now_s
                log.error("the stream is missing", stream=self._settings.stream)
            raise
        self._missing_since_s = None
        await settle_bucket(js, self._settings)
        if stream.epoch != self._ledger.epoch:
            if self._ledger.epoch:
                log.error("the stream is another one, what it held is lost", stream=self._settings.stream)
            self._ledger.begin_anew(stream.epoch)
            self._health.begin_anew()
            self._is_stale = True
            self._gaps = 0
        return stream.last_sequence

    async def _goal_at(self, last_sequence: int) -> int | None:
        """What to apply before this replica has caught up; `None`: what the consumer had to deliver."""
        if self.caught_up.is_set() or last_sequence <= self._ledger.applied:
            return last_sequence
        try:
            await self._connection.js.get_msg(self._settings.stream, seq=last_sequence)
        except NotFoundError as error:
            if is_missing_stream(error):
                raise
            return None  # purged by hand: it will never come
        return last_sequence

    def _look_at_goal(self) -> None:
        if self.caught_up.is_set() or self._flowing is None:
            return
        if self._goal is None:
            reached = self._flowing.delivered >= self._flowing.pending
        else:
            reached = self._ledger.applied >= self._goal
        if reached:
            self.caught_up.set()

    def _take(self, message: Msg, sequence: int) -> None:
        try:
            self._ledger.take(self._entry(message, sequence))
        except Exception:
            self._stuck_at = sequence
            raise
        if sequence >= self._stuck_at:
            self._stuck_at = self._gaps = 0
            self.hopeless = None
        self._look_at_goal()

    def _entry(self, message: Msg, sequence: int) -> Entry:
        headers = headers_in(message)
        where = f"entry {sequence} of stream {self._settings.stream}"
        check_format(headers.get(FORMAT_HEADER), where=where)
        token = message.subject.rpartition(".")[2]
        try:
            return Entry(
                flow_id="" if token == PROBE_NAME else flow_id_of(token),
                sequence=sequence,
                kind=Kind(headers.get(KIND_HEADER)),
                after=int(headers[AFTER_HEADER]),
                id=headers.get(Header.MSG_ID.value, ""),
                payload=message.data,
            )
        except (ValueError, KeyError) as error:
            raise ValueError(f"{where} cannot be read: {error!r}") from error
