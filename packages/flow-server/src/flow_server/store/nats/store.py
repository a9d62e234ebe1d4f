"""The store as the hub knows it: its parts put together, started and stopped."""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

from flow_server.store import Accepted, Deleted, Item, Log, Store, StoreError, StoreUnavailable
from flow_server.store.nats.backfill import Incomplete, backfill
from flow_server.store.nats.checkpoints import Checkpoints
from flow_server.store.nats.connection import Connection, ended
from flow_server.store.nats.errors import TRANSPORT_ERRORS, Conflict, told
from flow_server.store.nats.follower import Follower
from flow_server.store.nats.health import Health
from flow_server.store.nats.ledger import Ledger
from flow_server.store.nats.pasts import Pasts
from flow_server.store.nats.probe import Probe
from flow_server.store.nats.signs import SignsOfLife
from flow_server.store.nats.subjects import entry_of, wire_sequence
from flow_server.store.nats.sweep import Sweeper
from flow_server.store.nats.tail import DeliveryEnded
from flow_server.store.nats.values import Values
from flow_server.store.nats.writer import FlowWriter
from flow_server.store.settings import NatsSettings

START_S = 60.0
"""How long the start waits for servers, an election or a stream that recovers."""

STOP_S = 5.0
"""How long writes in flight have at the end."""

BACKFILL_PAUSE_S = 1.0
"""Pause after a try to fetch the past of a flow that met an outage."""

log = structlog.get_logger("flow_server.store.nats")


class NatsStore:
    """One replica's side of the log."""

    def __init__(self, settings: NatsSettings) -> None:
        """Nothing is connected before `open`."""
        self._settings = settings
        self._writers: dict[str, FlowWriter] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._is_open = False

    @property
    def epoch(self) -> str:
        """The stream's: it changes when the stream is another one."""
        return self._ledger.epoch

    async def open(self, log: Log) -> None:
        """Connect, settle the stream, read checkpoints and follow to the end. Raises `StoreError`."""
        self._log = log
        self._ledger = Ledger(log)
        self._health = Health()
        self._connection = Connection(self._settings, on_change=self._interrupt)
        self._pasts = Pasts()
        checkpoints = Checkpoints(Values(self._connection, self._settings.bucket))
        self._follower = Follower(
            self._settings,
            self._connection,
            checkpoints=checkpoints,
            ledger=self._ledger,
            health=self._health,
            pasts=self._pasts,
            flows=log,
        )
        self._probe = Probe(self._connection, self._ledger, self._health, stream=self._settings.stream)
        self._sweeper = Sweeper(checkpoints, self._ledger, self._pasts, log)
        self._signs = SignsOfLife(self._connection, self._ledger, log, stream=self._settings.stream)
        self._start(self._follower.run(), "follow")
        try:
            await self._caught_up()
        except BaseException:
            await self.aclose()
            raise
        self._is_open = True
        self._start(self._probe.run(), "probe")
        self._start(self._sweep_for_ever(), "sweep")
        self._start(self._backfill_for_ever(), "backfill")
        self._start(self._signs.run(), "signs of life")
        _say_what_is_not_promised(self._settings)

    async def append(self, flow_id: str, items: Sequence[Item], *, key: str | None = None) -> Accepted:
        """Append a batch: stored on `replicas` servers and applied here. Raises as the protocol says."""
        answer = await self._write(flow_id, items, key=key)
        assert answer is not None  # noqa: S101
        return answer

    async def delete(self, flow_id: str) -> None:
        """Write a tombstone, unless the stream has no such flow; another replica may know more than we do."""
        record = self._ledger.record(flow_id)
        if record is None or not record.alive:
            await self._probe.pass_through()
            record = self._ledger.record(flow_id)
        if record is not None and record.alive:
            await self._write(flow_id, (), key=None)
        else:
            sequence = wire_sequence(max(self._ledger.applied, self._ledger.last_of(flow_id)))
            self._log.apply(Deleted(flow_id=flow_id, sequence=sequence))

    async def catch_up(self, flow_id: str, sequence: int) -> None:
        """Return when what is in the stream now was applied here, or the flow is as far as that already."""
        # Twice at most. A deletion takes its flow's entries out of the stream; who has missed some of them
        # may pass a first time before the deletion itself, which is in the stream by then.
        for _ in range(2):
            if entry_of(sequence) <= self._ledger.known_of(flow_id):
                return
            await self._probe.pass_through()

    def heard(self, flow_id: str, emitter: str, *, at_ms: int) -> None:
        """Tell the other replicas, within a second."""
        self._signs.note(flow_id, emitter, at_ms=at_ms)

    def writable(self) -> bool:
        """Whether the last write, or probe, was stored, and the log can be followed."""
        return self._is_open and self._health.is_fine and self._hopeless is None

    async def aclose(self) -> None:
        """Let writes in flight finish, keep a last checkpoint, and disconnect."""
        was_open, self._is_open = self._is_open, False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await asyncio.gather(*(writer.finished() for writer in list(self._writers.values())))
                if was_open and self._health.is_fine:
                    with contextlib.suppress(*TRANSPORT_ERRORS, Conflict, ValueError, StoreError):
                        await self._sweeper.sweep()
        await ended(self._tasks)
        for writer in list(self._writers.values()):
            await writer.stop()
        await self._connection.aclose()

    # Parts.

    async def _write(self, flow_id: str, items: Sequence[Item], *, key: str | None) -> Accepted | None:
        if not self._is_open:
            raise StoreUnavailable("the store is closed")
        if self._hopeless is not None:
            raise StoreUnavailable(self._hopeless, retry_after_s=5)
        writer = self._writers.get(flow_id)
        if writer is None:
            writer = self._writers[flow_id] = FlowWriter(
                flow_id,
                stream=self._settings.stream,
                connection=self._connection,
                ledger=self._ledger,
                health=self._health,
                on_idle=self._forget_writer,
            )
        return await writer.write(items, key=key, timeout_s=self._settings.timeout_s)

    def _forget_writer(self, flow_id: str) -> None:
        self._writers.pop(flow_id, None)

    async def _caught_up(self) -> None:
        """Wait until the log is applied and takes a write. Raises `StoreError`."""
        deadline_s = asyncio.get_running_loop().time() + START_S
        while not (self._follower.caught_up.is_set() and self._health.is_fine):
            if self._follower.hopeless is not None:
                raise self._follower.hopeless
            if asyncio.get_running_loop().time() > deadline_s:
                last = self._follower.last_problem
                problem = self._health.problem if last is None else told(last)
                raise StoreError(f"no start within {START_S:.0f} s: {problem}; {self._connection.problem}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await self._follower.caught_up.wait()
            if self._follower.caught_up.is_set():
                await self._probe.write()

    @property
    def _hopeless(self) -> str | None:
        if self._follower.hopeless is not None:
            return str(self._follower.hopeless)
        return self._health.fatal

    def _interrupt(self) -> None:
        self._follower.interrupt()
        self._signs.interrupt()

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=f"nats store: {name}"))

    async def _sweep_for_ever(self) -> None:
        while True:
            await self._sweeper.pause()
            try:
                await self._sweeper.sweep()
            except (Conflict, ValueError, StoreError, *TRANSPORT_ERRORS) as error:
                log.warning("checkpoints not written", problem=told(error))

    async def _backfill_for_ever(self) -> None:
        while True:
            past = await self._pasts.first()
            try:
                await backfill(past, self._connection, self._log, stream=self._settings.stream)
            except (DeliveryEnded, *TRANSPORT_ERRORS):
                self._pasts.postpone(past)
                await asyncio.sleep(BACKFILL_PAUSE_S)
                continue
            except (Incomplete, ValueError, StoreError) as error:
                log.warning("no history from before the start", flow=past.flow_id, problem=str(error))
            self._pasts.done(past)


def _say_what_is_not_promised(settings: NatsSettings) -> None:
    log.warning(
        "a power cut of several NATS servers is survived only with `sync_interval: always` in their "
        "configuration, which no client can see",
        stream=settings.stream,
        replicas=settings.replicas,
    )


def _is_a_store(store: NatsStore) -> Store:  # pyright: ignore[reportUnusedFunction]
    return store
