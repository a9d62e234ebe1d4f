"""What this replica has applied of the stream, and what of it belongs to whom. No I/O.

Invariants: entries are applied in the order of the stream, each at most once; an entry is applied to a flow
only when it continues what was applied to it before; whoever waits learns of it in the same step.
"""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from flow_contract import FlowMessage
from flow_server.core.envelope import Envelope
from flow_server.core.idempotency import RecentAnswers
from flow_server.store import Accepted, Appended, Deleted, Item, Log
from flow_server.store.nats.answers import answers_in, recent_answers
from flow_server.store.nats.entries import Batches, Entry, Kind, Part, unpacked
from flow_server.store.nats.errors import Gap
from flow_server.store.nats.subjects import wire_sequence

PRESSING_ENTRIES = 1024
"""So many entries of a flow without a checkpoint call for one at once."""


class Own(Protocol):
    """An entry that this replica wrote and waits for."""

    at_ms: int
    parts: tuple[Part, ...]
    items: tuple[Item, ...]

    def applied(self, answers: list[Accepted]) -> None:
        """It was applied; one answer for each part."""
        ...


class FlowRecord:
    """One flow, or what is left of a deleted one."""

    __slots__ = ("alive", "answers", "covered", "last", "revision", "uncovered", "waiting")

    def __init__(self) -> None:
        """Nothing known."""
        self.alive = False
        self.last = 0
        """Stream sequence of the newest entry applied to it."""
        self.covered = 0
        """Up to which stream sequence a checkpoint is known to hold it."""
        self.uncovered = 0
        """How many entries were applied since."""
        self.revision = 0
        """Revision of its checkpoint in the bucket, as we know it."""
        self.answers = recent_answers()
        self.waiting: list[asyncio.Future[None]] = []


class Ledger:
    """Where the entries of the stream go in."""

    def __init__(self, log: Log) -> None:
        """Nothing applied; changes go to `log`."""
        self._log = log
        self._flows: dict[str, FlowRecord] = {}
        self._own: dict[str, Own] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self.epoch = ""
        self.applied = 0
        """Stream sequence of the newest entry that came in."""
        self.pressed = asyncio.Event()
        """Set when a flow grows fast and needs a checkpoint soon."""
        self.begun_at = 0
        """A flow that has no record had no live entry at this stream sequence."""

    def record(self, flow_id: str) -> FlowRecord | None:
        """The flow's record; `None` when nothing is known of it."""
        return self._flows.get(flow_id)

    def records(self) -> Iterator[tuple[str, FlowRecord]]:
        """All records; the caller may change the ledger meanwhile."""
        return iter(list(self._flows.items()))

    def last_of(self, flow_id: str) -> int:
        """Stream sequence of the flow's newest entry as far as is known here, 0 for none."""
        record = self._flows.get(flow_id)
        return 0 if record is None else record.last

    def known_of(self, flow_id: str) -> int:
        """Up to which stream sequence all that is left of the flow was applied here, at least."""
        return self.last_of(flow_id) or self.begun_at

    def is_forgotten(self, flow_id: str, last: int) -> bool:
        """Whether the newest entry of a flow without a record may be this: its tombstone, long applied."""
        return self.last_of(flow_id) == 0 and last <= self.begun_at

    def remember(self, flow_id: str, last: int, tombstone: bytes) -> None:
        """A forgotten flow is about to be written again; its tombstone says what was answered before."""
        record = self._flows.setdefault(flow_id, FlowRecord())
        record.last = record.covered = last
        record.answers = answers_in(tombstone)

    def forget_deleted(self, *, up_to: int) -> None:
        """Drop the records of flows deleted at or before this stream sequence."""
        for flow_id, record in self.records():
            if not record.alive and record.last <= up_to and not record.waiting:
                del self._flows[flow_id]
        self.begun_at = max(self.begun_at, up_to)

    def restored(self, flow_id: str, *, last: int, answers: RecentAnswers[Accepted], revision: int) -> None:
        """A flow was read from a checkpoint that covers it up to `last`."""
        record = self._flows.setdefault(flow_id, FlowRecord())
        record.alive = True
        record.last = record.covered = last
        record.uncovered = 0
        record.revision = revision
        record.answers = answers
        self._wake(record)

    def gone(self, flow_id: str, *, at: int) -> None:
        """A flow that we hold was deleted at or before `at`, and we missed it."""
        record = self._flows.pop(flow_id)
        self._log.apply(Deleted(flow_id=flow_id, sequence=wire_sequence(max(record.last, at))))
        self._wake(record)

    def begin_anew(self, epoch: str) -> None:
        """The stream is another one: nothing of what we hold is in it."""
        for flow_id, record in self.records():
            if record.alive:
                self._log.apply(Deleted(flow_id=flow_id, sequence=wire_sequence(record.last)))
        records = list(self._flows.values())
        self._flows.clear()
        self.epoch = epoch
        self.applied = self.begun_at = 0
        for record in records:
            self._wake(record)

    # Entries.

    def expect(self, entry_id: str, own: Own) -> None:
        """An entry with this id is ours."""
        self._own[entry_id] = own

    def expect_no_more(self, entry_id: str) -> None:
        """Nobody waits for this entry any more."""
        self._own.pop(entry_id, None)

    def take(self, entry: Entry) -> None:
        """Apply an entry. Raises `Gap` when one before it is missing, ValueError when it cannot be read."""
        if entry.sequence <= self.applied:
            return  # a delivery that began again
        if entry.kind is not Kind.PROBE:
            record = self._flows.get(entry.flow_id)
            if record is None or entry.sequence > record.last:  # else a checkpoint covers it
                self._apply(entry, record or FlowRecord())
        self.applied = entry.sequence
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            _resolve(waiting)

    def _apply(self, entry: Entry, record: FlowRecord) -> None:
        continues = entry.after == record.last or (record.last == 0 and entry.after <= self.begun_at)
        # A tombstone continues anything: it takes what was before it out of the stream, also what we missed.
        if not continues and entry.kind is not Kind.TOMBSTONE:
            raise Gap(
                f"flow {entry.flow_id!r}: entry {entry.sequence} continues {entry.after}, "
                f"the newest here is {record.last}"
            )
        own = self._own.pop(entry.id, None)
        if entry.kind is Kind.TOMBSTONE:
            record.alive = False
            if entry.after != record.last:  # what went with the tombstone was not applied here
                record.answers = answers_in(entry.payload)
            self._log.apply(Deleted(flow_id=entry.flow_id, sequence=wire_sequence(entry.sequence)))
            answers: list[Accepted] = []
        else:
            answers = self._append(entry, record, own)
            record.alive = True
        record.last = entry.sequence
        record.uncovered += 1
        if record.uncovered % PRESSING_ENTRIES == 0:
            self.pressed.set()
        self._flows[entry.flow_id] = record
        if own is not None:
            own.applied(answers)
        self._wake(record)

    def _append(self, entry: Entry, record: FlowRecord, own: Own | None) -> list[Accepted]:
        if own is not None:
            at_ms, parts = own.at_ms, own.parts
            envelopes = tuple(
                _envelope(entry.sequence, index, at_ms, item.encoded, item.message)
                for index, item in enumerate(own.items)
            )
        else:
            batches: Batches = unpacked(entry.payload)
            at_ms, parts = batches.at_ms, batches.parts
            envelopes = batches.envelopes(entry.sequence)
        self._log.apply(Appended(flow_id=entry.flow_id, envelopes=envelopes))
        answers = answers_of(entry.sequence, parts, epoch=self.epoch)
        for part, answer in zip(parts, answers, strict=True):
            if part.key is not None:
                record.answers.put(part.key, answer, now_ms=at_ms)
        return answers

    # Waiting.

    async def reached(self, sequence: int) -> None:
        """Return when the entry with this stream sequence, whoever's, came in."""
        while self.applied < sequence:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)

    async def beyond(self, flow_id: str, sequence: int) -> None:
        """Return when the flow's newest applied entry is above this stream sequence."""
        while self.last_of(flow_id) <= sequence:
            record = self._flows.setdefault(flow_id, FlowRecord())
            waiter = asyncio.get_running_loop().create_future()
            record.waiting.append(waiter)
            try:
                await waiter
            finally:
                if waiter in record.waiting:
                    record.waiting.remove(waiter)

    def _wake(self, record: FlowRecord) -> None:
        waiting, record.waiting = record.waiting, []
        _resolve(waiting)


def _resolve(waiting: list[asyncio.Future[None]]) -> None:
    for waiter in waiting:
        if not waiter.done():
            waiter.set_result(None)


def answers_of(entry: int, parts: tuple[Part, ...], *, epoch: str) -> list[Accepted]:
    """The answer to each part of the entry with this stream sequence."""
    answers: list[Accepted] = []
    index = -1
    for part in parts:
        index += part.count
        answers.append(Accepted(seq=wire_sequence(entry, index), count=part.count, epoch=epoch))
    return answers


def _envelope(entry: int, index: int, at_ms: int, encoded: bytes, message: FlowMessage) -> Envelope:
    return Envelope(sequence=wire_sequence(entry, index), at_ms=at_ms, encoded=encoded, message=message)
