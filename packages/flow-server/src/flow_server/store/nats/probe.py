"""Entries that mean nothing: does the stream take writes, and has this replica all that is in it?

A server that has lost its quorum, or lags behind, answers questions as if nothing had happened. A write that
was stored, and has come back through the log, proves that both were not so when it was made.
"""

import asyncio

from nats.js.api import Header

from flow_server.store import StoreUnavailable
from flow_server.store.nats.connection import Connection
from flow_server.store.nats.entries import Kind, headers_of
from flow_server.store.nats.errors import TRANSPORT_ERRORS, told
from flow_server.store.nats.health import Health
from flow_server.store.nats.ledger import Ledger
from flow_server.store.nats.subjects import PROBE_NAME

PROBE_S = 5.0
"""After so long without a write a probe is written."""

PROBE_AGAIN_S = 0.5
"""How often it is tried while writes fail."""

CATCH_UP_S = 5.0
"""How long a replica may take to have all that the stream has."""


class Probe:
    """Writes probes."""

    def __init__(self, connection: Connection, ledger: Ledger, health: Health, *, stream: str) -> None:
        """Nothing was written yet."""
        self._connection = connection
        self._ledger = ledger
        self._health = health
        self._stream = stream
        self._passing: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Keep knowing whether writes are taken, until cancelled."""
        while True:
            await asyncio.sleep(PROBE_AGAIN_S)
            if not self._health.is_fine or self._health.quiet_s >= PROBE_S:
                await self.write()

    async def write(self) -> int | None:
        """Write one, the one before it goes; its sequence in the stream, `None` when it was not stored."""
        applied = self._ledger.applied
        headers = headers_of(Kind.PROBE, after=0) | {Header.ROLLUP.value: "sub"}
        subject = f"{self._stream}.{PROBE_NAME}"
        try:
            ack = await self._connection.js.publish(subject, b"", stream=self._stream, headers=headers)
        except TRANSPORT_ERRORS as error:
            self._health.failed(told(error))
            return None
        self._health.stored(ack.seq, applied=applied, stream=self._stream)
        return ack.seq

    async def pass_through(self) -> None:
        """Return when all that was in the stream at this call is applied here. Raises `StoreUnavailable`.

        Whoever calls while a probe is under way shares the next one, so any number of callers costs one.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._pass_after(self._passing), name="nats store: pass through")
        await asyncio.shield(self._next)

    async def _written(self) -> int:
        while True:
            if (sequence := await self.write()) is not None:
                return sequence
            await asyncio.sleep(PROBE_AGAIN_S)

    async def _pass_after(self, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await asyncio.wait({earlier})
        self._passing, self._next = self._next, None
        try:
            async with asyncio.timeout(CATCH_UP_S):
                await self._ledger.reached(await self._written())
        except TimeoutError:
            problem = f"stream {self._stream}: this replica may be behind: {self._health.problem}"
            raise StoreUnavailable(problem) from None
