"""The store that keeps nothing: state lives in the hub alone and is gone with the process.

Sequences still never repeat: a flow starts at the clock's microseconds, or above the highest sequence that
a deleted flow had, whichever is higher.
"""

import secrets
from collections.abc import Callable, Sequence

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
    Store,
)


class MemoryStore:
    """Appends are durable for as long as the process lives."""

    def __init__(self, *, now_us: Callable[[], int]) -> None:
        """`now_us` gives Unix microseconds."""
        self.epoch = secrets.token_hex(8)
        self._now_us = now_us
        self._last: dict[str, int] = {}
        self._answers = FlowAnswers[Accepted](entries=IDEMPOTENCY_KEYS, age_ms=IDEMPOTENCY_AGE_MS)
        self._spent = 0  # highest sequence of a flow that was deleted
        self._log: Log | None = None

    async def open(self, log: Log) -> None:
        """There is nothing to recover."""
        self._log = log

    async def append(self, flow_id: str, items: Sequence[Item], *, key: str | None = None) -> Accepted:
        """Append a batch: without a wait, so batches cannot mix."""
        assert self._log is not None, "the store is not open"  # noqa: S101
        now_us = self._now_us()
        at_ms = now_us // 1000
        if key is not None and (answer := self._answers.get(flow_id, key, now_ms=at_ms)) is not None:
            return answer
        first = self._last.get(flow_id, max(self._spent, now_us - 1)) + 1
        envelopes = tuple(
            Envelope(sequence=first + index, at_ms=at_ms, encoded=item.encoded, message=item.message)
            for index, item in enumerate(items)
        )
        last = envelopes[-1].sequence
        self._last[flow_id] = last
        self._log.apply(Appended(flow_id=flow_id, envelopes=envelopes))
        accepted = Accepted(seq=last, count=len(envelopes), epoch=self.epoch)
        if key is not None:
            self._answers.put(flow_id, key, accepted, now_ms=at_ms)
        return accepted

    async def delete(self, flow_id: str) -> None:
        """Delete a flow; of an unknown one nothing is kept, yet the log hears of it."""
        assert self._log is not None, "the store is not open"  # noqa: S101
        last = self._last.pop(flow_id, None)
        self._answers.forget_old(now_ms=self._now_us() // 1000)
        sequence = max(self._spent, last or 0) + 1
        if last is not None:
            self._spent = max(self._spent, sequence)
        self._log.apply(Deleted(flow_id=flow_id, sequence=sequence))

    async def catch_up(self, flow_id: str, sequence: int) -> None:
        """Nobody else hands out sequences."""

    def heard(self, flow_id: str, emitter: str, *, at_ms: int) -> None:
        """There is nobody to tell."""

    def writable(self) -> bool:
        """Memory always takes writes."""
        return True

    async def aclose(self) -> None:
        """There is nothing to let go of."""


def _is_a_store(store: MemoryStore) -> Store:  # pyright: ignore[reportUnusedFunction]
    return store
