"""What is written: a batch, a deletion, a checkpoint. Each is some statements inside a transaction.

Nothing here is remembered between writes: what a statement needs to know it reads from the file, so that a
rolled back transaction leaves nothing behind.
"""

import sqlite3
from dataclasses import dataclass, field

from flow_server.core.envelope import Envelope
from flow_server.store import IDEMPOTENCY_AGE_MS, IDEMPOTENCY_KEYS, Checkpoint
from flow_server.store.sqlite import rows


@dataclass(frozen=True, kw_only=True, eq=False)
class AppendBatch:
    """A batch of one flow, with the sequences that it will have."""

    flow_id: str
    envelopes: tuple[Envelope, ...]
    floor: int
    """Where the flow begins, if this is its first batch."""
    key: str | None = None
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        """Sum up once."""
        object.__setattr__(self, "size_bytes", sum(len(envelope.encoded) for envelope in self.envelopes))

    @property
    def last(self) -> int:
        """The batch's last sequence."""
        return self.envelopes[-1].sequence

    def execute(self, connection: sqlite3.Connection) -> None:
        """Write the messages and the flow's row."""
        at_ms = self.envelopes[0].at_ms
        found = connection.execute(
            "SELECT pk, first_at_ms, last FROM flow WHERE id = ?", (self.flow_id,)
        ).fetchone()
        if found is None:
            first_at_ms, before = at_ms, self.floor
            flow = rows.insert_flow(connection, self.flow_id, rows.born(floor=self.floor, at_ms=at_ms))
        else:
            flow, first_at_ms, before = found
        checksum = rows.flow_sum(flow=flow, flow_id=self.flow_id, first_at_ms=first_at_ms, last=self.last)
        connection.execute("UPDATE flow SET last = ?, sum = ? WHERE pk = ?", (self.last, checksum, flow))
        events: list[tuple[int, int, int, bytes, int]] = []
        for envelope in self.envelopes:
            checksum = rows.event_sum(
                flow=flow,
                sequence=envelope.sequence,
                before=before,
                at_ms=envelope.at_ms,
                data=envelope.encoded,
            )
            events.append((flow, envelope.sequence, envelope.at_ms, envelope.encoded, checksum))
            before = envelope.sequence
        connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?)", events)
        if self.key is not None:
            self._keep_key(connection, at_ms)

    def _keep_key(self, connection: sqlite3.Connection, at_ms: int) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO key VALUES (?, ?, ?, ?, ?)",
            (self.flow_id, self.key, at_ms, self.last, len(self.envelopes)),
        )
        connection.execute(
            "DELETE FROM key WHERE flow = ?1 AND (at_ms <= ?2 OR key IN "
            "(SELECT key FROM key WHERE flow = ?1 ORDER BY at_ms DESC, last DESC LIMIT -1 OFFSET ?3))",
            (self.flow_id, at_ms - IDEMPOTENCY_AGE_MS, IDEMPOTENCY_KEYS),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class DeleteFlow:
    """The end of a flow; its sequences stay spent, its keys stay known until they are too old."""

    flow_id: str
    sequence: int
    spent: int
    at_ms: int
    size_bytes: int = 64

    def execute(self, connection: sqlite3.Connection) -> None:
        """Delete the flow's rows, and remember how high its sequences went."""
        connection.execute("DELETE FROM key WHERE at_ms <= ?", (self.at_ms - IDEMPOTENCY_AGE_MS,))
        connection.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'spent'", (self.spent,))
        found = connection.execute("SELECT pk FROM flow WHERE id = ?", (self.flow_id,)).fetchone()
        if found is not None:
            connection.execute("DELETE FROM event WHERE flow = ?", found)
            connection.execute("DELETE FROM checkpoint WHERE flow = ?", found)
            connection.execute("DELETE FROM flow WHERE pk = ?", found)


@dataclass(frozen=True, kw_only=True, eq=False)
class KeepCheckpoint:
    """A flow's state and base; messages that the base has are deleted in the same transaction."""

    flow_id: str
    checkpoint: Checkpoint
    size_bytes: int = 0

    def execute(self, connection: sqlite3.Connection) -> None:
        """Write the checkpoint, unless the flow was deleted meanwhile."""
        found = connection.execute(
            "SELECT pk, first_at_ms, last FROM flow WHERE id = ?", (self.flow_id,)
        ).fetchone()
        if found is None or found[1] != self.checkpoint.first_at_ms or found[2] < self.checkpoint.sequence:
            return
        flow = found[0]
        rows.keep_checkpoint(connection, flow, self.checkpoint)
        connection.execute(
            "DELETE FROM event WHERE flow = ? AND sequence <= ?", (flow, self.checkpoint.base_sequence)
        )
