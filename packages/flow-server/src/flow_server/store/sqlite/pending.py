"""What a transaction is going to write: each flow's row once, and all events in few statements.

Lives as long as its transaction and no longer, so that nothing is remembered when that is rolled back.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from flow_server.core.envelope import Envelope
from flow_server.store.sqlite import rows


@dataclass
class Head:
    """A flow's row."""

    pk: int
    first_at_ms: int
    last: int


class Pending:
    """The events and rows of one transaction; `write` must be called before its end."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Nothing to write yet."""
        self.connection = connection
        self._heads: dict[str, Head] = {}
        self._fed: set[str] = set()
        self._events: list[int | bytes] = []

    def head(self, flow_id: str) -> Head | None:
        """The flow's row as it will be; `None` when there is no such flow."""
        head = self._heads.get(flow_id)
        if head is None:
            found = self.connection.execute(
                "SELECT pk, first_at_ms, last FROM flow WHERE id = ?", (flow_id,)
            ).fetchone()
            if found is not None:
                head = self._heads[flow_id] = Head(*found)
        return head

    def created(self, flow_id: str, *, floor: int, at_ms: int) -> Head:
        """A new flow whose first message will have a sequence above `floor`."""
        pk = rows.insert_flow(self.connection, flow_id, rows.born(floor=floor, at_ms=at_ms))
        head = self._heads[flow_id] = Head(pk, at_ms, floor)
        return head

    def append(self, flow_id: str, head: Head, envelopes: Sequence[Envelope]) -> None:
        """Add messages to a flow."""
        self._events += rows.event_values(head.pk, envelopes, before=head.last)
        head.last = envelopes[-1].sequence
        self._fed.add(flow_id)

    def forget(self, flow_id: str) -> None:
        """The flow's row was changed past us."""
        self._heads.pop(flow_id, None)

    def write(self) -> None:
        """Write what is pending; statements that look at events must come after this."""
        for flow_id in self._fed:
            head = self._heads[flow_id]
            rows.update_flow(self.connection, head.pk, flow_id, first_at_ms=head.first_at_ms, last=head.last)
        rows.insert_events(self.connection, self._events)
        self._fed.clear()
        self._events.clear()
