"""The thread that writes: group commit, and what becomes of a write that fails.

All that waits is one transaction. When that fails, its members are tried one by one, so that one cannot
fail its neighbours. A full disk is a passing state; a failed sync is not, since what the kernel has dropped
by then is unknown: nothing is written after it.
"""

import sqlite3
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

import structlog

from flow_server.store import StoreError, StoreFull, StoreUnavailable
from flow_server.store.sqlite.pending import Pending
from flow_server.store.sqlite.schema import meaning_of, name_of, transaction

GROUP_WRITES = 256
"""Most writes in one transaction."""

GROUP_BYTES = 2**20
"""Bytes after which a transaction takes no more writes."""

PROBE_S = 1.0
"""How often a full disk is tried again, in seconds, when nobody writes."""

SWITCH_S = 0.0005
"""How long the event loop may keep the interpreter's lock from this thread, in seconds. A transaction asks
for it a few times, with little to do each time; at Python's 5 ms a sweep over many readers would hold up the
next commit until the sweep ends, and then everybody waits for the disk."""

log = structlog.get_logger(__name__)


class Write(Protocol):
    """Something to write."""

    @property
    def size_bytes(self) -> int:
        """About how much it writes."""
        ...

    def execute(self, pending: Pending) -> bool:
        """Write it, inside a transaction; `False` when there was nothing to write. May be tried again."""
        ...


class _Statements:
    """Some statements as a write."""

    size_bytes = 0

    def __init__(self, *statements: str) -> None:
        self._statements = statements

    def execute(self, pending: Pending) -> bool:
        for statement in self._statements:
            pending.connection.execute(statement)
        return True


# Two transactions: what is written and deleted in one need not reach the disk, and would prove nothing.
_FILL_ROOM = _Statements(
    "CREATE TABLE IF NOT EXISTS room (page BLOB)", "INSERT INTO room VALUES (zeroblob(65536))"
)
_EMPTY_ROOM = _Statements("DROP TABLE room")

Settled = Callable[[Sequence[tuple[Write, StoreError | None]]], None]
"""Told of each group: which writes are durable (`None`) and which are not, in the order they came."""


class Writer:
    """Owns the connection's writes; `put` is safe from any thread."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, *, settled: Settled, grouped: bool = True
    ) -> None:
        """Write to `connection`; `settled` is called on the writer's thread. Not `grouped`: one by one."""
        self._connection = connection
        self._path = path
        self._settled = settled
        self._grouped = grouped
        self._queue: SimpleQueue[Sequence[Write] | None] = SimpleQueue()
        self._waiting: deque[Write] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sqlite writer", daemon=True)
        self.problem: str | None = None
        """Why writes fail now; `None`: they do not."""
        self._broken = False

    def start(self) -> None:
        """Begin to write."""
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))
        self._thread.start()

    def put(self, writes: Sequence[Write]) -> None:
        """Have some things written, in this order; what is put together shares a commit as far as it can."""
        self._queue.put(writes)

    def stop(self) -> None:
        """Write what was put before this call, and end the thread. Blocks."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while self._waiting or not self._stopping:
            self._take_in()
            if self._waiting:
                self._settled(self._write(self._next_group()))

    def _take_in(self) -> None:
        """Take what was put; without anything to write, wait for it, or see whether there is room again."""
        timeout_s = PROBE_S if self.problem and not self._broken else None
        try:
            while not self._stopping and len(self._waiting) < GROUP_WRITES:
                writes = self._queue.get(block=not self._waiting, timeout=timeout_s)
                if writes is None:
                    self._stopping = True
                else:
                    self._waiting.extend(writes)
        except Empty:
            if not self._waiting:
                self._probe()

    def _next_group(self) -> list[Write]:
        """What the next transaction writes, at least one."""
        waiting, group = self._waiting, [self._waiting.popleft()]
        size = group[0].size_bytes
        while self._grouped and waiting and len(group) < GROUP_WRITES and size < GROUP_BYTES:
            group.append(waiting.popleft())
            size += group[-1].size_bytes
        return group

    def _write(self, group: list[Write]) -> list[tuple[Write, StoreError | None]]:
        problem = self._commit(group)
        if problem is None or len(group) == 1:
            return [(write, problem) for write in group]
        return [(write, self._commit([write])) for write in group]

    def _commit(self, group: list[Write]) -> StoreError | None:
        if self._broken:
            return StoreUnavailable(f"{self._path}: {self.problem}", retry_after_s=5)
        try:
            with transaction(self._connection):
                pending = Pending(self._connection)
                wrote = [write.execute(pending) for write in group]
                pending.write()
        except sqlite3.Error as error:
            return self._failed(error)
        except Exception as error:
            # Not the disk: something in a write itself. The thread must go on for all the others.
            if len(group) == 1:
                log.exception("a write cannot be written", file=str(self._path))
            return StoreUnavailable(f"{self._path}: this write cannot be written: {error}")
        if self.problem is not None and any(wrote):
            log.info("writes succeed again", file=str(self._path))
            self.problem = None
        return None

    def _failed(self, error: sqlite3.Error) -> StoreError:
        name, meaning = name_of(error), meaning_of(error)
        full = name.startswith("SQLITE_FULL")
        if self.problem is None:
            log.error("a write failed", file=str(self._path), problem=meaning, sqlite=name)
        self.problem = meaning
        if not full:
            self._broken = True
            self.problem = f"{meaning}; restart the server once the disk is well"
        kind = StoreFull if full else StoreUnavailable
        return kind(f"{self._path}: {self.problem}")

    def _probe(self) -> None:
        """See whether there is room again."""
        if self._commit([_FILL_ROOM]) is None:
            self._commit([_EMPTY_ROOM])
