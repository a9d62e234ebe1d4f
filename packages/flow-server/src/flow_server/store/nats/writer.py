"""Writes of one flow: one entry in flight, everything that waits goes in the next one.

An entry is stored only if the flow's newest entry is still the one that this replica applied last. So a
retry cannot be stored twice, a late copy is refused once anything newer is there, and a key that another
replica has stored is known here before ours can be: when the server says that there is something newer, it
is applied first, and then the keys are looked up again.
"""

import asyncio
import contextlib
import random
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence

import nats.errors
import structlog
from nats.js.api import Header
from nats.js.errors import APIError

from flow_server.store import Accepted, BatchTooLarge, Item, StoreFull, StoreUnavailable
from flow_server.store.nats.answers import recent_answers, tombstone_of
from flow_server.store.nats.connection import REQUEST_TIMEOUT_S, Connection, ended
from flow_server.store.nats.entries import Kind, headers_of
from flow_server.store.nats.errors import FULL, TOO_LARGE, TRANSPORT_ERRORS, Conflict, conflict_of, told
from flow_server.store.nats.group import Group, Waiting, take_group
from flow_server.store.nats.health import Health
from flow_server.store.nats.ledger import Ledger, answers_of
from flow_server.store.nats.subjects import token_of

RETRY_S = 0.1
"""Pause after an attempt that the server did not answer."""

CONTENTION_S = (0.001, 0.008)
"""Pause, drawn from this range, when somebody else's write of the same flow is in the way."""

UNCOVERED_ENTRIES = 4096
"""So many entries of a flow may be without a checkpoint; half of what the stream keeps of it."""

log = structlog.get_logger("flow_server.store.nats")


class FlowWriter:
    """The queue of one flow, and the task that empties it; the task ends with the queue."""

    def __init__(
        self,
        flow_id: str,
        *,
        stream: str,
        connection: Connection,
        ledger: Ledger,
        health: Health,
        on_idle: Callable[[str], None],
    ) -> None:
        """Nothing waits yet."""
        self._flow_id = flow_id
        self._stream = stream
        self._subject = f"{stream}.{token_of(flow_id)}"
        self._connection = connection
        self._ledger = ledger
        self._health = health
        self._on_idle = on_idle
        self._queue: deque[Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._problem = ""

    async def write(self, items: Sequence[Item], *, key: str | None, timeout_s: float) -> Accepted | None:
        """Append the items, or delete the flow when there are none. Raises `StoreError`."""
        waiting = Waiting(items, key=key, deadline_s=asyncio.get_running_loop().time() + timeout_s)
        self._queue.append(waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._empty_queue(), name=f"writer of {self._flow_id!r}")
        return await waiting.answer

    async def finished(self) -> None:
        """Wait until nothing is in flight."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def stop(self) -> None:
        """Give up what is in flight; its outcome is unknown."""
        if self._task is not None:
            await ended([self._task])

    async def _empty_queue(self) -> None:
        group: list[Waiting] = []
        try:
            while self._queue:
                group = take_group(self._queue)
                await self._store(group)
        finally:
            # Cancelled, or a bug: whoever waits must hear of it, and the exception goes on its way.
            for waiting in [*group, *self._queue]:
                waiting.fail(StoreUnavailable(f"flow {self._flow_id!r}: the write was given up"))
            self._queue.clear()
            self._task = None
            self._on_idle(self._flow_id)

    async def _store(self, waiting: list[Waiting]) -> None:
        """Store what waits as one entry, or as several when it is too large for one."""
        group: Group | None = None
        entry_id = ""
        expected = -1
        try:
            while True:
                last = self._ledger.last_of(self._flow_id)
                if group is None or last != expected:
                    # What was sent before is decided: had it been stored, it would have been applied.
                    waiting = self._still_wanted(waiting)
                    if not waiting:
                        return
                    if group is None or group.members != tuple(waiting):
                        self._ledger.expect_no_more(entry_id)
                        group = Group(waiting, at_ms=_now_ms())
                        entry_id = secrets.token_hex(8)
                        self._ledger.expect(entry_id, group)
                    expected = last
                if self._given_up(group):
                    return
                try:
                    await self._attempt(group, entry_id, expected)
                except BatchTooLarge as error:
                    if len(waiting) == 1:
                        raise
                    self._ledger.expect_no_more(entry_id)
                    middle = len(waiting) // 2
                    self._queue.extendleft(reversed(waiting[middle:]))
                    waiting, group = waiting[:middle], None
                    log.debug("group split", flow=self._flow_id, problem=str(error))
                    continue
                if group.is_applied:
                    return
        except (BatchTooLarge, StoreFull) as error:
            for member in waiting:
                member.fail(error)
        finally:
            self._ledger.expect_no_more(entry_id)

    async def _attempt(self, group: Group, entry_id: str, expected: int) -> None:
        """Try once; returns when there is a reason to look again. Raises `BatchTooLarge`, `StoreFull`."""
        try:
            stored = await self._publish(group, entry_id, expected)
        except Conflict as conflict:
            if conflict.last is not None and conflict.last < expected:
                self._problem = (
                    f"the stream's newest entry of flow {self._flow_id!r} is {conflict.last}, {expected} was "
                    "applied here: entries were purged by hand or lost"
                )
                await self._pause()
            elif conflict.last is None or conflict.last == expected:
                await asyncio.sleep(random.uniform(*CONTENTION_S))  # noqa: S311
            elif self._ledger.is_forgotten(self._flow_id, conflict.last):
                await self._remember(conflict.last)
            else:
                await self._applied(conflict.last - 1, group)
        except APIError as error:
            if error.err_code in FULL:
                raise StoreFull(f"stream {self._stream}: {error.description}") from error
            self._health.failed(told(error))
            await self._pause()
        except nats.errors.MaxPayloadError as error:
            raise self._too_large(group) from error
        except TRANSPORT_ERRORS as error:
            self._health.failed(told(error))
            await self._pause()
        else:
            await self._applied(stored - 1, group)
            if not group.is_applied and self._ledger.last_of(self._flow_id) >= stored:
                # It came in with a checkpoint, not by itself.
                group.applied(answers_of(stored, group.parts, epoch=self._ledger.epoch))

    async def _publish(self, group: Group, entry_id: str, expected: int) -> int:
        """The stream's sequence of the stored entry."""
        applied = self._ledger.applied
        headers = headers_of(group.kind, after=expected)
        headers[Header.MSG_ID.value] = entry_id
        headers[Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value] = str(expected)
        if group.kind is Kind.TOMBSTONE:
            headers[Header.ROLLUP.value] = "sub"  # the tombstone replaces all that the flow had
        payload = group.payload() if group.kind is Kind.BATCHES else self._tombstone()
        # The server counts headers too, and closes the connection when it all is too large.
        if len(payload) + 1024 > self._connection.client.max_payload:
            raise nats.errors.MaxPayloadError
        try:
            ack = await self._connection.js.publish(
                self._subject, payload, stream=self._stream, headers=headers, timeout=REQUEST_TIMEOUT_S
            )
        except APIError as error:
            if error.err_code == TOO_LARGE:
                raise nats.errors.MaxPayloadError from error
            if conflict := conflict_of(error):
                raise conflict from error
            raise
        if not ack.duplicate:
            self._health.stored(ack.seq, applied=applied, stream=self._stream)
        return ack.seq

    def _tombstone(self) -> bytes:
        record = self._ledger.record(self._flow_id)
        answers = recent_answers() if record is None else record.answers
        answers.forget_old(_now_ms())
        return tombstone_of(answers)

    async def _remember(self, last: int) -> None:
        """Read the tombstone of a flow that was forgotten: it holds the answers to retries."""
        try:
            message = await self._connection.js.get_msg(self._stream, seq=last)
            self._ledger.remember(self._flow_id, last, message.data or b"")
        except (ValueError, *TRANSPORT_ERRORS) as error:
            self._health.failed(f"tombstone {last} of flow {self._flow_id!r}: {told(error)}")
            await self._pause()

    async def _applied(self, sequence: int, group: Group) -> None:
        """Wait until the flow is beyond the sequence, or nobody waits any more."""
        latest_s = max(member.deadline_s for member in group.members)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(latest_s):
                await self._ledger.beyond(self._flow_id, sequence)

    async def _pause(self) -> None:
        """Wait a moment, less when the flow changes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_S):
                await self._ledger.beyond(self._flow_id, self._ledger.last_of(self._flow_id))

    def _still_wanted(self, waiting: list[Waiting]) -> list[Waiting]:
        """Answer what the log already answers; the rest is still to be stored."""
        record = self._ledger.record(self._flow_id)
        now_ms = _now_ms()
        wanted: list[Waiting] = []
        for member in waiting:
            if member.key is not None and record is not None:
                answer = record.answers.get(member.key, now_ms=now_ms)
                if answer is not None:
                    member.give(answer)
            if not member.answer.done():
                wanted.append(member)
        if wanted and wanted[0].kind is Kind.BATCHES and record and record.uncovered >= UNCOVERED_ENTRIES:
            problem = f"flow {self._flow_id!r} has {record.uncovered} entries without a checkpoint"
            for member in wanted:
                member.fail(StoreUnavailable(problem))
            return []
        return wanted

    def _given_up(self, group: Group) -> bool:
        """Fail who has waited too long; whether nobody is left."""
        now_s = asyncio.get_running_loop().time()
        for member in group.pending():
            if member.deadline_s <= now_s:
                problem = self._problem or self._health.problem
                member.fail(StoreUnavailable(f"stream {self._stream}: {problem}"))
        return not group.pending()

    def _too_large(self, group: Group) -> BatchTooLarge:
        limit = self._connection.client.max_payload
        return BatchTooLarge(
            f"the batch of {len(group.items)} messages is {len(group.payload())} bytes when compressed, "
            f"the NATS server's max_payload is {limit}"
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
