"""`SqliteStore`: sequences and keys on the event loop, writes on the writer's thread.

A batch has its sequences when it is put into the writer's queue; the queue, the transactions and the hub have
one order. A batch whose write fails leaves a gap, which readers need not mind.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from flow_server.core.envelope import Envelope
from flow_server.core.idempotency import FlowAnswers
from flow_server.store import (
    IDEMPOTENCY_AGE_MS,
    IDEMPOTENCY_KEYS,
    Accepted,
    Appended,
    Deleted,
    Item,
    Log,
    Restored,
    Store,
    StoreError,
)
from flow_server.store.sqlite import rows
from flow_server.store.sqlite.schema import Connect, connected, meaning_of, opened
from flow_server.store.sqlite.writer import Write, Writer
from flow_server.store.sqlite.writes import AppendBatch, DeleteFlow, KeepCheckpoint

CHECKPOINT_MESSAGES = 512
"""After how many messages a flow's state and base are written, and its old messages deleted."""


class SqliteStore:
    """The log in one file, for one server."""

    def __init__(
        self,
        path: Path,
        *,
        now_us: Callable[[], int],
        connect: Connect = connected,
        grouped: bool = True,
    ) -> None:
        """A store on `path`, opened by `open`; `now_us` gives Unix microseconds.

        Not `grouped`: a commit for each batch.
        """
        self._path = path
        self._now_us = now_us
        self._connect = connect
        self._grouped = grouped
        self._last: dict[str, int] = {}  # per flow, also of what is still to be written
        self._since_checkpoint: dict[str, int] = {}
        self._answers = FlowAnswers[Accepted](entries=IDEMPOTENCY_KEYS, age_ms=IDEMPOTENCY_AGE_MS)
        self._waiting: dict[Write, asyncio.Future[None]] = {}
        self._waiting_keys: dict[tuple[str, str], asyncio.Future[Accepted]] = {}
        self._spent = 0
        self._epoch = ""

    @property
    def epoch(self) -> str:
        """Made with the file, and kept in it."""
        return self._epoch

    async def open(self, log: Log) -> None:
        """Take hold of the file, check it, and hand its flows to the hub. Raises `StoreError`."""
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._connection = await asyncio.to_thread(opened, self._path, connect=self._connect)
        try:
            restored = await asyncio.to_thread(self._read)
        except BaseException:
            self._connection.close()
            raise
        for change in restored:
            log.apply(change)
            self._last[change.flow_id] = _last_of(change)
        self._writer = Writer(self._connection, self._path, settled=self._settled, grouped=self._grouped)
        self._writer.start()

    async def append(self, flow_id: str, items: Sequence[Item], *, key: str | None = None) -> Accepted:
        """Append a batch; returns after its commit, when the hub has it."""
        now_us = self._now_us()
        if key is None:
            return await self._append(flow_id, items, now_us=now_us)
        if (answer := self._answers.get(flow_id, key, now_ms=now_us // 1000)) is not None:
            return answer
        if (twin := self._waiting_keys.get((flow_id, key))) is not None:
            return await asyncio.shield(twin)
        task = asyncio.ensure_future(self._append(flow_id, items, now_us=now_us, key=key))
        self._waiting_keys[flow_id, key] = task
        task.add_done_callback(lambda done: self._forget_key(flow_id, key, done))
        return await asyncio.shield(task)

    async def delete(self, flow_id: str) -> None:
        """Delete a flow and all that the file has of it; only the spent sequences are remembered."""
        last = self._last.pop(flow_id, None)
        if last is None and not self._waiting:
            self._log.apply(Deleted(flow_id=flow_id, sequence=self._spent + 1))
            return
        # Of an unknown flow too, while anything is on its way: it may be this flow's first message.
        self._spent = max(self._spent, last or 0) + 1
        try:
            await self._written(
                DeleteFlow(
                    flow_id=flow_id,
                    sequence=self._spent,
                    spent=self._spent,
                    at_ms=self._now_us() // 1000,
                )
            )
        except StoreError:
            if last is not None:
                self._last.setdefault(flow_id, self._spent)
            raise

    async def catch_up(self, sequence: int) -> None:
        """Nobody else hands out sequences."""

    def heard(self, flow_id: str, emitter: str, *, at_ms: int) -> None:
        """There is nobody to tell."""

    def writable(self) -> bool:
        """Whether the last write did not fail."""
        return self._writer.problem is None

    async def aclose(self) -> None:
        """Write what waits, and let go of the file."""
        await asyncio.to_thread(self._writer.stop)
        await asyncio.sleep(0)  # what the writer settled last reaches its waiters
        await asyncio.to_thread(self._connection.close)

    def _read(self) -> list[Restored]:
        try:
            meta = dict(self._connection.execute("SELECT name, value FROM meta").fetchall())
            if not isinstance(meta.get("epoch"), str) or not isinstance(meta.get("spent"), int):
                raise StoreError(f"{self._path}: the file is damaged: it has no epoch")
            self._epoch, self._spent = meta["epoch"], meta["spent"]
            for flow_id, key, at_ms, answer in rows.answers(self._connection, epoch=self._epoch):
                self._answers.put(flow_id, key, answer, now_ms=at_ms)
            return [change for _, change in rows.flows(self._connection, self._path)]
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {meaning_of(error)}") from error

    def _forget_key(self, flow_id: str, key: str, done: asyncio.Future[Accepted]) -> None:
        self._waiting_keys.pop((flow_id, key), None)
        if not done.cancelled():
            done.exception()  # seen here: the one who asked may be gone

    async def _append(
        self, flow_id: str, items: Sequence[Item], *, now_us: int, key: str | None = None
    ) -> Accepted:
        at_ms = now_us // 1000
        before = self._last.get(flow_id, max(self._spent, now_us - 1))
        envelopes = tuple(
            Envelope(sequence=before + index, at_ms=at_ms, encoded=item.encoded, message=item.message)
            for index, item in enumerate(items, 1)
        )
        self._last[flow_id] = before + len(items)
        batch = AppendBatch(flow_id=flow_id, envelopes=envelopes, floor=before, key=key)
        await self._written(batch)
        return Accepted(seq=batch.last, count=len(envelopes), epoch=self._epoch)

    async def _written(self, write: Write) -> None:
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting[write] = future
        self._writer.put(write)
        # Shielded: a client that goes away must not take the outcome from the hub.
        await asyncio.shield(future)

    def _settled(self, outcomes: Sequence[tuple[Write, StoreError | None]]) -> None:
        self._loop.call_soon_threadsafe(self._settle, outcomes)

    def _settle(self, outcomes: Sequence[tuple[Write, StoreError | None]]) -> None:
        """Let durable writes enter their flows, in order, and tell who waits. On the event loop."""
        for write, problem in outcomes:
            if problem is None:
                self._apply(write)
            future = self._waiting.pop(write, None)
            if future is None or future.done():
                continue
            if problem is None:
                future.set_result(None)
            else:
                future.set_exception(problem)
                future.exception()  # seen here: the one who asked may be gone

    def _apply(self, write: Write) -> None:
        match write:
            case AppendBatch(flow_id=flow_id, envelopes=envelopes, key=key):
                self._log.apply(Appended(flow_id=flow_id, envelopes=envelopes))
                if key is not None:
                    answer = Accepted(seq=write.last, count=len(envelopes), epoch=self._epoch)
                    self._answers.put(flow_id, key, answer, now_ms=envelopes[0].at_ms)
                self._checkpoint_when_due(flow_id, len(envelopes))
            case DeleteFlow(flow_id=flow_id, sequence=sequence):
                self._answers.forget_old(now_ms=self._now_us() // 1000)
                self._since_checkpoint.pop(flow_id, None)
                self._log.apply(Deleted(flow_id=flow_id, sequence=sequence))
            case _:
                pass

    def _checkpoint_when_due(self, flow_id: str, messages: int) -> None:
        due = self._since_checkpoint.get(flow_id, 0) + messages
        if due >= CHECKPOINT_MESSAGES and (checkpoint := self._log.checkpoint(flow_id)) is not None:
            self._writer.put(KeepCheckpoint(flow_id=flow_id, checkpoint=checkpoint))
            due = 0
        self._since_checkpoint[flow_id] = due


def _last_of(change: Restored) -> int:
    return change.envelopes[-1].sequence if change.envelopes else change.checkpoint.sequence


def _is_a_store(store: SqliteStore) -> Store:  # pyright: ignore[reportUnusedFunction]
    return store
