"""What the server has not got yet: the newest change of each node and relationship, and batches of them.

Invariants: one entry per key, so it is bounded by the region however long the server is away; a deletion
waits only for what the server may hold; a batch that was taken does not change until it is settled, and
news wait behind it, so the server sees changes in order.
"""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from flow_contract import (
    DeleteNodes,
    DeleteRels,
    FlowMessage,
    RelationshipKey,
    UpsertNodes,
    UpsertRels,
    encode_message,
)

BATCH_MESSAGES = 500
BATCH_BYTES = 512 * 1024
"""Most that one POST carries: half of what a server takes by default leaves room for a stricter one."""

Key = str | RelationshipKey
"""A node's id or a relationship's key."""

_DELETE_RELS, _DELETE_NODES, _UPSERT_NODES, _UPSERT_RELS = range(4)
_DELETIONS = (_DELETE_RELS, _DELETE_NODES)


class Entry(NamedTuple):
    """One message that waits. `phase` orders a batch, `since` is when its key began to wait, in seconds."""

    key: Key
    phase: int
    line: bytes
    since: float


@dataclass(frozen=True, eq=False)
class Batch:
    """What goes out in one POST, in order; never empty."""

    entries: tuple[Entry, ...]

    @property
    def body(self) -> bytes:
        """The messages as NDJSON."""
        return b"".join(entry.line for entry in self.entries)


class Outbox:
    """Coalesces changes by key and hands them out in batches. Times are seconds of the caller's clock."""

    def __init__(self) -> None:
        """Begin empty, knowing of nothing that the server holds."""
        self._waiting: dict[Key, Entry] = {}
        self._taken: deque[Batch] = deque()
        self._held: set[Key] = set()
        self._refused: dict[Key, bytes] = {}

    def __len__(self) -> int:
        """How many nodes and relationships have a change that waits or is on its way."""
        taken = {entry.key for batch in self._taken for entry in batch.entries}
        return len(self._waiting.keys() | taken)

    @property
    def unsettled(self) -> bool:
        """Whether a batch was taken and the server's answer is still open."""
        return bool(self._taken)

    def oldest_since(self) -> float | None:
        """When the change that waits longest began to; `None`: nothing waits."""
        taken = (entry for batch in self._taken for entry in batch.entries)
        return min((entry.since for entry in (*taken, *self._waiting.values())), default=None)

    def put(self, message: FlowMessage, *, now: float) -> None:
        """Take a change of one node or one relationship; the newest of a key replaces what waits for it."""
        key, phase = _placed(message)
        earlier = self._waiting.pop(key, None)
        if phase in _DELETIONS and key not in self._held:
            self._refused.pop(key, None)
            return  # the server never got it
        line = encode_message(message) + b"\n"
        if self._refused.get(key) == line:
            return
        self._refused.pop(key, None)
        self._waiting[key] = Entry(key, phase, line, earlier.since if earlier else now)

    def restart(self, messages: Iterable[FlowMessage], *, held: Collection[Key], now: float) -> int:
        """Everything that differs from what the server was just seen to hold, in place of all that waits.

        `held` are the keys that it has of this region. Gives the number of changes that nobody had asked
        for. Batches that were taken must be settled before.
        """
        waited = self._waiting
        self._waiting = {}
        self._held = set(held)
        for message in messages:
            self.put(message, now=now)
        for key, entry in self._waiting.items():
            if key in waited:
                self._waiting[key] = entry._replace(since=waited[key].since)
        return sum(key not in waited for key in self._waiting)

    def take_batch(self) -> Batch | None:
        """The next batch: the one not settled yet if there is one, else the first of what waits."""
        if self._taken:
            return self._taken[0]
        if not self._waiting:
            return None
        chosen: list[Entry] = []
        size = 0
        for entry in sorted(self._waiting.values(), key=lambda entry: entry.phase):
            size += len(entry.line)
            if chosen and (size > BATCH_BYTES or len(chosen) == BATCH_MESSAGES):
                break
            chosen.append(entry)
        for entry in chosen:
            del self._waiting[entry.key]
            self._held.add(entry.key)
        self._taken.append(Batch(tuple(chosen)))
        return self._taken[0]

    def accepted(self) -> None:
        """The server has the taken batch."""
        batch = self._taken.popleft()
        deleted = {entry.key for entry in batch.entries if entry.phase in _DELETIONS}
        if not deleted:
            return
        sent = {entry.key for entry in batch.entries} - deleted
        along = {
            key
            for key in self._held - sent
            if isinstance(key, RelationshipKey) and (key.from_id in deleted or key.to_id in deleted)
        }
        self._held -= (deleted | along) - self._waiting.keys()

    def refused(self, index: int) -> Entry:
        """The server will never take message `index` of the taken batch: drop it until it changes.

        The others are the taken batch now. Gives the entry that was dropped.
        """
        batch = self._taken.popleft()
        dropped = batch.entries[index]
        if dropped.key not in self._waiting:
            self._refused[dropped.key] = dropped.line
        if rest := batch.entries[:index] + batch.entries[index + 1 :]:
            self._taken.appendleft(Batch(rest))
        return dropped

    def too_large(self) -> Entry | None:
        """The server did not take the taken batch as a whole: the halves are two batches now.

        A single message cannot be split: it is dropped like a refused one, and given.
        """
        batch = self._taken[0]
        if len(batch.entries) == 1:
            return self.refused(0)
        self._taken.popleft()
        middle = len(batch.entries) // 2
        self._taken.extendleft((Batch(batch.entries[middle:]), Batch(batch.entries[:middle])))
        return None


def _placed(message: FlowMessage) -> tuple[Key, int]:
    """A message's key and where in a batch it belongs. Raises ValueError for what a mirror does not send."""
    match message:
        case DeleteRels(pairs=(pair,)):
            return pair.key, _DELETE_RELS
        case DeleteNodes(ids=(node_id,)):
            return node_id, _DELETE_NODES
        case UpsertNodes(nodes=(node,)):
            return node.id, _UPSERT_NODES
        case UpsertRels(relationships=(relationship,)):
            return relationship.key, _UPSERT_RELS
        case _:
            raise ValueError(
                f"expected a change of one node or one relationship, got {type(message).__name__}"
            )
