"""The past of restored flows: what their rings held before the checkpoint, fetched once the server is ready.

Until it is there, a reader with an old cursor gets a snapshot; afterwards it resumes exactly.
"""

import asyncio

from nats.aio.msg import Msg

from flow_server.core.envelope import Envelope
from flow_server.store import Backfilled, Log
from flow_server.store.nats.calls import headers_in
from flow_server.store.nats.connection import Connection
from flow_server.store.nats.entries import AFTER_HEADER, unpacked
from flow_server.store.nats.pasts import Past
from flow_server.store.nats.subjects import entry_of, token_of
from flow_server.store.nats.tail import delivery

WITHIN_S = 20.0
"""How long the past of one flow may take."""


class Incomplete(Exception):
    """The stream does not hold all of it any more."""


class _Collected(Exception):
    """Everything is there."""


async def backfill(past: Past, connection: Connection, log: Log, *, stream: str) -> None:
    """Fetch a flow's past and hand it to `log`. Raises `Incomplete`, TimeoutError or the library's errors."""
    checkpoint = past.checkpoint
    envelopes: list[Envelope] = []
    previous = entry_of(checkpoint.base_sequence)
    first_needed = entry_of(checkpoint.base_sequence + 1)

    def take(message: Msg, sequence: int) -> None:
        nonlocal previous
        after = int(headers_in(message).get(AFTER_HEADER, "-1"))
        if sequence > first_needed and after > previous:
            raise Incomplete(f"entry {sequence} continues {after}, the one before it here is {previous}")
        previous = sequence
        envelopes.extend(
            envelope
            for envelope in unpacked(message.data).envelopes(sequence)
            if checkpoint.base_sequence < envelope.sequence <= checkpoint.sequence
        )
        if sequence >= past.last:
            raise _Collected

    subject = f"{stream}.{token_of(past.flow_id)}"
    try:
        async with asyncio.timeout(WITHIN_S):
            client, js = await connection.ensure(), connection.js
            async with delivery(
                client, js, take, stream=stream, subject=subject, after=first_needed - 1
            ) as flowing:
                await flowing.ended()
    except _Collected:
        pass
    log.apply(
        Backfilled(
            flow_id=past.flow_id,
            floor=checkpoint.sequence,
            base_sequence=checkpoint.base_sequence,
            base_at_ms=checkpoint.base_at_ms,
            base=checkpoint.base,
            envelopes=tuple(envelopes),
        )
    )
