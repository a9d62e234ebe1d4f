"""`SqliteStore`: what the hub asks becomes writes, and what is durable enters the hub.

Sequences and keys are the file's: a write reads what it needs inside its own transaction, so that the queue,
the transactions and the hub have one order, and a write that fails leaves nothing behind, here neither.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from flow_server.core.envelope import Envelope
from flow_server.store import (
    Accepted,
    Appended,
    Checkpoint,
    Deleted,
    Item,
    Log,
    Restored,
    Store,
    StoreError,
    StoreUnavailable,
)
from flow_server.store.sqlite import rows
from flow_server.store.sqlite.schema import Connect, connected, meaning_of, opened
from flow_server.store.sqlite.writer import Write, Writer
from flow_server.store.sqlite.writes import AppendBatch, DeleteFlow, KeepCheckpoint

CHECKPOINT_MESSAGES = 1024
"""After how many messages, of up to 1 KiB each, a flow's state and base are written, and its old messages
deleted; large flows wait longer."""


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
        self._outbox: list[Write] = []
        self._waiting: dict[Write, asyncio.Future[None]] = {}
        self._until_checkpoint: dict[str, int] = {}
        self._epoch = ""
        self._closed = False

    @property
    def epoch(self) -> str:
        """Made with the file, and kept in it."""
        return self._epoch

    async def open(self, log: Log) -> None:
        """Take hold of the file, check it, and hand its flows to the hub. Raises `StoreError`."""
        self._log = log
        self._loop = asyncio.get_running_loop()
        # One call: when the start is called off meanwhile, nobody closes what the thread still reads.
        self._connection, restored = await asyncio.to_thread(self._opened)
        for change in restored:
            log.apply(change)
            checkpoint = change.checkpoint
            newer = (one for one in change.envelopes if one.sequence > checkpoint.sequence)
            self._until_checkpoint[change.flow_id] = _pause_after(checkpoint) - _weight(newer)
        self._writer = Writer(self._connection, self._path, settled=self._settled, grouped=self._grouped)
        self._writer.start()

    async def append(self, flow_id: str, items: Sequence[Item], *, key: str | None = None) -> Accepted:
        """Append a batch; returns after its commit, when the hub has it."""
        batch = AppendBatch(flow_id=flow_id, items=items, key=key, now_us=self._now_us())
        await self._written(batch)
        return Accepted(seq=batch.last, count=batch.count, epoch=self._epoch)

    async def delete(self, flow_id: str) -> None:
        """Delete a flow and all that the file has of it; only the spent sequences are remembered."""
        await self._written(DeleteFlow(flow_id=flow_id, at_ms=self._now_us() // 1000))

    async def catch_up(self, flow_id: str, sequence: int) -> None:
        """Nobody else hands out sequences."""

    def heard(self, flow_id: str, emitter: str, *, at_ms: int) -> None:
        """There is nobody to tell."""

    def writable(self) -> bool:
        """Whether the last write did not fail."""
        return self._writer.problem is None

    async def aclose(self) -> None:
        """Write what waits, and let go of the file."""
        self._closed = True
        self._flush()
        await asyncio.to_thread(self._writer.stop)
        await asyncio.sleep(0)  # what the writer settled last reaches its waiters
        await asyncio.to_thread(self._connection.close)

    def _opened(self) -> tuple[sqlite3.Connection, list[Restored]]:
        connection = opened(self._path, connect=self._connect)
        try:
            self._epoch = rows.epoch(connection, self._path)
            return connection, [change for _, change in rows.flows(connection, self._path)]
        except sqlite3.Error as error:
            connection.close()
            raise StoreError(f"{self._path}: {meaning_of(error)}") from error
        except BaseException:
            connection.close()
            raise

    async def _written(self, write: Write) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self._path}: the server stops")
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting[write] = future
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append(write)
        await future  # a client that goes away cancels it; the write happens all the same

    def _flush(self) -> None:
        """Hand over what came in this turn of the loop, so that it is one group."""
        if self._outbox:
            self._writer.put(self._outbox)
            self._outbox = []

    def _settled(self, outcomes: Sequence[tuple[Write, StoreError | None]]) -> None:
        self._loop.call_soon_threadsafe(self._settle, outcomes)

    def _settle(self, outcomes: Sequence[tuple[Write, StoreError | None]]) -> None:
        """Let durable writes enter their flows, in order, and tell who waits. On the event loop.

        Who waits goes on after this call, and yet before the sweep that it brings about: a writer need not
        wait for all readers.
        """
        for write, problem in outcomes:
            future = self._waiting.pop(write, None)
            if future is None or future.done():
                continue
            if problem is None:
                future.set_result(None)
            else:
                future.set_exception(problem)
        fed, envelopes = "", list[Envelope]()
        for write, problem in outcomes:
            if problem is not None:
                continue
            if isinstance(write, AppendBatch):
                if write.flow_id != fed:
                    self._feed(fed, envelopes)
                    fed, envelopes = write.flow_id, []
                envelopes += write.envelopes
            elif isinstance(write, DeleteFlow):
                self._feed(fed, envelopes)
                envelopes = []
                self._until_checkpoint.pop(write.flow_id, None)
                self._log.apply(Deleted(flow_id=write.flow_id, sequence=write.sequence))
        self._feed(fed, envelopes)

    def _feed(self, flow_id: str, envelopes: list[Envelope]) -> None:
        """Let what neighbours in the log brought to a flow enter it at once."""
        if envelopes:
            self._log.apply(Appended(flow_id=flow_id, envelopes=tuple(envelopes)))
            self._checkpoint_when_due(flow_id, envelopes)

    def _checkpoint_when_due(self, flow_id: str, envelopes: Sequence[Envelope]) -> None:
        left = self._until_checkpoint.get(flow_id, CHECKPOINT_MESSAGES) - _weight(envelopes)
        if left <= 0 and (checkpoint := self._log.checkpoint(flow_id)) is not None:
            self._writer.put([KeepCheckpoint(flow_id=flow_id, checkpoint=checkpoint)])
            left = _pause_after(checkpoint)
        self._until_checkpoint[flow_id] = left


def _weight(envelopes: Iterable[Envelope]) -> int:
    """How many messages of up to 1 KiB these are."""
    return sum([1 + len(envelope.encoded) // 1024 for envelope in envelopes])


def _pause_after(checkpoint: Checkpoint) -> int:
    """The weight of messages after which the next checkpoint is due: in proportion to what it will write.

    So checkpoints cost a bounded share of all writing, and a start folds a bounded share of the state again.
    """
    images = (checkpoint.state, checkpoint.base)
    held = sum(len(image.nodes) + len(image.relationships) for image in images)
    return max(CHECKPOINT_MESSAGES, held // 4)


def _is_a_store(store: SqliteStore) -> Store:  # pyright: ignore[reportUnusedFunction]
    return store
