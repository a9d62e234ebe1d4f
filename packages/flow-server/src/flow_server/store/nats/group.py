"""POSTs that go out together: their batches, and who waits for them. No I/O."""

import asyncio
from collections import deque
from collections.abc import Sequence

from flow_server.store import Accepted, Item
from flow_server.store.nats.entries import Batches, Kind, Part, packed
from flow_server.store.nats.subjects import MESSAGES_PER_ENTRY

GROUP_BYTES = 1_048_576
"""How much JSON is put together; one batch alone may be larger."""


class Waiting:
    """One POST, or one DELETE when it has no items, until it is answered."""

    __slots__ = ("answer", "deadline_s", "items", "key", "size_bytes")

    def __init__(self, items: Sequence[Item], *, key: str | None, deadline_s: float) -> None:
        """`deadline_s` is in the event loop's time."""
        self.items = tuple(items)
        self.key = key
        self.deadline_s = deadline_s
        self.size_bytes = sum(len(item.encoded) for item in self.items)
        self.answer: asyncio.Future[Accepted | None] = asyncio.get_running_loop().create_future()

    @property
    def kind(self) -> Kind:
        """What entry it becomes."""
        return Kind.BATCHES if self.items else Kind.TOMBSTONE

    def give(self, answer: Accepted | None) -> None:
        """Answer, unless whoever waited has gone."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Answer with an error, unless whoever waited has gone."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Group:
    """What one entry of the stream is made of; the ledger hands it the answers."""

    def __init__(self, members: Sequence[Waiting], *, at_ms: int) -> None:
        """At least one member; a DELETE is alone."""
        self.members = tuple(members)
        self.at_ms = at_ms
        self.kind = self.members[0].kind
        self.parts = tuple(Part(member.key, len(member.items)) for member in self.members)
        self.items = tuple(item for member in self.members for item in member.items)
        self.is_applied = False

    def payload(self) -> bytes:
        """The payload of an entry of batches."""
        lines = tuple(item.encoded for item in self.items)
        return packed(Batches(at_ms=self.at_ms, parts=self.parts, lines=lines))

    def applied(self, answers: list[Accepted]) -> None:
        """The entry was applied here."""
        self.is_applied = True
        for member, answer in zip(self.members, answers or [None], strict=True):
            member.give(answer)

    def fail(self, error: Exception) -> None:
        """None of it is answered in another way any more."""
        for member in self.members:
            member.fail(error)

    def pending(self) -> list[Waiting]:
        """Members that somebody still waits for."""
        return [member for member in self.members if not member.answer.done()]


def take_group(queue: deque[Waiting]) -> list[Waiting]:
    """As many from the front of the queue as fit in one entry, at least one.

    A key is taken once: the second POST with it is answered from what became of the first.
    """
    first = queue.popleft()
    taken, messages, size_bytes, keys = [first], len(first.items), first.size_bytes, {first.key}
    if first.kind is not Kind.BATCHES:
        return taken
    while queue and queue[0].kind is Kind.BATCHES:
        candidate = queue[0]
        messages += len(candidate.items)
        size_bytes += candidate.size_bytes
        known = candidate.key is not None and candidate.key in keys
        if known or messages > MESSAGES_PER_ENTRY or size_bytes > GROUP_BYTES:
            break
        keys.add(candidate.key)
        taken.append(queue.popleft())
    return taken
