"""What is written: a batch, a deletion, a checkpoint. Each is some statements inside a transaction.

Nothing here is remembered between writes: what a statement needs to know it reads from the file, so that a
rolled back transaction leaves nothing behind.
"""

import sqlite3
from collections.abc import Sequence

from flow_server.core.envelope import Envelope
from flow_server.store import IDEMPOTENCY_AGE_MS, IDEMPOTENCY_KEYS, Checkpoint, Item
from flow_server.store.sqlite import rows
from flow_server.store.sqlite.pending import Pending

PRUNE_EVERY = 256
"""After how many of a flow's messages its old keys are deleted: all of them are sorted for that."""


class AppendBatch:
    """A batch of one flow."""

    def __init__(self, *, flow_id: str, items: Sequence[Item], key: str | None, now_us: int) -> None:
        """At least one item; `now_us` is Unix microseconds."""
        self.flow_id = flow_id
        self.size_bytes = sum([len(item.encoded) for item in items])
        self.envelopes: Sequence[Envelope] = ()
        """What was written, with its sequences; nothing when the key was known."""
        self.last = 0
        """The batch's last sequence, or that of the batch that had the key before."""
        self.count = 0
        """How many messages that batch has."""
        self._items = items
        self._key = key
        self._now_us = now_us

    def execute(self, pending: Pending) -> bool:
        """Write the messages, the flow's row and the key, unless the key is known."""
        connection, at_ms = pending.connection, self._now_us // 1000
        self.envelopes = ()
        if self._key is not None and (known := self._known(connection, at_ms)) is not None:
            self.last, self.count = known
            return False
        head = pending.head(self.flow_id)
        if head is None:
            floor = max(rows.spent(connection), self._now_us - 1)
            head = pending.created(self.flow_id, floor=floor, at_ms=at_ms)
        before = head.last
        self.envelopes = [
            Envelope(sequence=before + index, at_ms=at_ms, encoded=item.encoded, message=item.message)
            for index, item in enumerate(self._items, 1)
        ]
        self.last, self.count = self.envelopes[-1].sequence, len(self.envelopes)
        pending.append(self.flow_id, head, self.envelopes)
        if self._key is not None:
            connection.execute(
                "INSERT OR REPLACE INTO key VALUES (?, ?, ?, ?, ?)",
                (self.flow_id, self._key, at_ms, self.last, self.count),
            )
            if before // PRUNE_EVERY != self.last // PRUNE_EVERY:
                self._forget_keys(connection, at_ms)
        return True

    def _known(self, connection: sqlite3.Connection, at_ms: int) -> tuple[int, int] | None:
        return connection.execute(
            "SELECT last, count FROM key WHERE flow = ? AND key = ? AND at_ms > ?",
            (self.flow_id, self._key, at_ms - IDEMPOTENCY_AGE_MS),
        ).fetchone()

    def _forget_keys(self, connection: sqlite3.Connection, at_ms: int) -> None:
        """Delete the flow's keys that are too old or too many."""
        connection.execute(
            "DELETE FROM key WHERE flow = ?1 AND (at_ms <= ?2 OR key IN "
            "(SELECT key FROM key WHERE flow = ?1 ORDER BY at_ms DESC, last DESC LIMIT -1 OFFSET ?3))",
            (self.flow_id, at_ms - IDEMPOTENCY_AGE_MS, IDEMPOTENCY_KEYS),
        )


class DeleteFlow:
    """The end of a flow; its sequences stay spent, its keys stay known until they are too old."""

    size_bytes = 64

    def __init__(self, *, flow_id: str, at_ms: int) -> None:
        """`at_ms` is Unix milliseconds."""
        self.flow_id = flow_id
        self.sequence = 0
        """The sequence of the deletion, above all that the flow had."""
        self._at_ms = at_ms

    def execute(self, pending: Pending) -> bool:
        """Delete the flow's rows, and remember how high its sequences went; nothing for an unknown one."""
        connection, head = pending.connection, pending.head(self.flow_id)
        spent = rows.spent(connection)
        if head is None:
            self.sequence = spent + 1
            return False
        pending.write()
        pending.forget(self.flow_id)
        flow = head.pk
        self.sequence = max(spent, head.last) + 1
        connection.execute("UPDATE meta SET value = ? WHERE name = 'spent'", (self.sequence,))
        connection.execute("DELETE FROM key WHERE at_ms <= ?", (self._at_ms - IDEMPOTENCY_AGE_MS,))
        connection.execute("DELETE FROM event WHERE flow = ?", (flow,))
        connection.execute("DELETE FROM checkpoint WHERE flow = ?", (flow,))
        connection.execute("DELETE FROM flow WHERE pk = ?", (flow,))
        return True


class KeepCheckpoint:
    """A flow's state and base; messages that the base has are deleted in the same transaction."""

    size_bytes = 0

    def __init__(self, *, flow_id: str, checkpoint: Checkpoint) -> None:
        """The flow as it was after some message that the file has."""
        self.flow_id = flow_id
        self._checkpoint = checkpoint

    def execute(self, pending: Pending) -> bool:
        """Write the checkpoint, unless the flow was deleted meanwhile, even if it was fed again."""
        connection, checkpoint = pending.connection, self._checkpoint
        pending.write()
        # The message that it was taken after is of the same life of the flow: sequences are never used twice.
        found = connection.execute(
            "SELECT pk FROM flow JOIN event ON event.flow = flow.pk WHERE id = ? AND sequence = ?",
            (self.flow_id, checkpoint.sequence),
        ).fetchone()
        if found is None:
            return False
        flow = found[0]
        rows.keep_checkpoint(connection, flow, checkpoint)
        connection.execute(
            "DELETE FROM event WHERE flow = ? AND sequence <= ?", (flow, checkpoint.base_sequence)
        )
        return True
