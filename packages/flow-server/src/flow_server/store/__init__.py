"""What the hub asks of a store, and what a store hands back. Implementations are beside this file.

A store is a log of changes. It hands every change, own writes, another replica's writes and what it
recovered, to `Log.apply` in the order of its log, on the event loop, and a change enters a flow nowhere else.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from flow_contract import FlowMessage, encode_message
from flow_server.core.envelope import Envelope
from flow_server.core.fold import StateImage


class Item(Struct, frozen=True):
    """One message to append, with its JSON, which is made once for the log and the readers."""

    message: FlowMessage
    encoded: bytes


def items_of(messages: Sequence[FlowMessage]) -> list[Item]:
    """The items of a batch."""
    return [Item(message, encode_message(message)) for message in messages]


class Accepted(Struct, frozen=True, kw_only=True):
    """The answer to a batch, as on the wire: the last sequence, how many messages, and the store's epoch."""

    seq: int
    count: int
    epoch: str


class Appended(Struct, frozen=True, kw_only=True):
    """A batch entered a flow's log; all of it or nothing."""

    flow_id: str
    envelopes: tuple[Envelope, ...]


class Deleted(Struct, frozen=True, kw_only=True):
    """A flow was deleted at this sequence; what comes later has a higher one."""

    flow_id: str
    sequence: int


class Checkpoint(Struct, frozen=True, kw_only=True):
    """A flow as it was at `sequence`, with the base that its history is replayed from.

    Every message above `base_sequence` and up to `sequence` is still in the log.
    """

    sequence: int
    first_at_ms: int
    """When the first message since creation or DELETE came, Unix milliseconds."""
    at_ms: int
    """When the message with this sequence came."""
    state: StateImage
    base_sequence: int
    base_at_ms: int
    base: StateImage


class Restored(Struct, frozen=True, kw_only=True):
    """A flow as a store recovered it: a checkpoint, and the log's messages above its base, oldest first.

    Messages above the checkpoint's `sequence` are folded into the state; the others only fill the ring.
    """

    flow_id: str
    checkpoint: Checkpoint
    envelopes: tuple[Envelope, ...]


class Backfilled(Struct, frozen=True, kw_only=True):
    """The past of a flow that was restored without it: a base, and the messages from there to the floor.

    It counts only while the flow's floor is still `floor`, the one that it was restored with.
    """

    flow_id: str
    floor: int
    base_sequence: int
    base_at_ms: int
    base: StateImage
    envelopes: tuple[Envelope, ...]


Change = Appended | Deleted | Restored | Backfilled


class Log(Protocol):
    """Where a store hands its changes; the hub."""

    def apply(self, change: Change) -> None:
        """Let a change enter its flow. Synchronous: when it returns, readers can see the change."""
        ...

    def checkpoint(self, flow_id: str) -> Checkpoint | None:
        """The flow as it is now, for the store to keep; `None` when there is no such flow."""
        ...

    def heard_elsewhere(self, flow_id: str, emitter: str, *, at_ms: int) -> None:
        """Another replica had a sign of life of an emitter."""
        ...

    def last_heard(self, flow_id: str) -> Iterable[tuple[str, int]]:
        """Emitters of the flow with the time of their last sign of life, Unix milliseconds."""
        ...


class Store(Protocol):
    """A log of changes. Which implementation it is, is known to `__main__` alone."""

    @property
    def epoch(self) -> str:
        """Changes when, and only when, state may have been lost."""
        ...

    async def open(self, log: Log) -> None:
        """Recover what is kept and hand it to `log`. Raises `StoreError`: the start must stop."""
        ...

    async def append(self, flow_id: str, items: Sequence[Item], *, key: str | None = None) -> Accepted:
        """Append a batch, whole or not at all. Returns when it is durable and `log.apply` has run.

        A batch with the `key` of one that was appended less than 120 s ago is not appended again and has
        the same answer, also when the flow was deleted in between. Raises `StoreFull`, `BatchTooLarge`, or
        `StoreUnavailable`: the outcome may be unknown.
        """
        ...

    async def delete(self, flow_id: str) -> None:
        """Delete a flow; nothing is kept of an unknown one. Raises as `append`."""
        ...

    async def catch_up(self, flow_id: str, sequence: int) -> None:
        """Return when this sequence was applied here, or surely was never handed out by another replica.

        Raises `StoreUnavailable` when that cannot be found out.
        """
        ...

    def heard(self, flow_id: str, emitter: str, *, at_ms: int) -> None:
        """Tell other replicas of a sign of life of an emitter. Returns at once, and may be lost."""
        ...

    def writable(self) -> bool:
        """Whether writes are expected to succeed; `readyz` asks."""
        ...

    async def aclose(self) -> None:
        """Finish what is in flight and let go of files and connections."""
        ...


class StoreError(Exception):
    """A store cannot do what it is for; the text says which file or server and why."""


class StoreFull(StoreError):
    """There is no room for the batch; nothing of it was kept."""


class BatchTooLarge(StoreError):
    """The batch cannot be kept whatever room there is; the text names the limit. Nothing of it was kept."""


class StoreUnavailable(StoreError):
    """The store does not answer; whether the batch was kept is unknown. Worth another try."""

    def __init__(self, problem: str, *, retry_after_s: int = 1) -> None:
        """Keep how long to wait before the next try, in seconds."""
        super().__init__(problem)
        self.retry_after_s = retry_after_s


IDEMPOTENCY_KEYS = 1024
"""How many keys a flow remembers."""

IDEMPOTENCY_AGE_MS = 120_000
"""How long a flow remembers a key, in milliseconds."""
