"""Deliveries: in order, without a gap, and over as soon as something is wrong with them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from flow_server.store.nats.errors import TRANSPORT_ERRORS
from flow_server.store.nats.stream import settle_stream
from flow_server.store.nats.tail import Delivery, DeliveryEnded, delivery
from flow_server.store.settings import NatsSettings
from flow_simulator.nats_servers import NatsServer
from flow_simulator.proxy import Faults, Proxy

from ...real_server import until


class Taken:
    """What was delivered."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.sequences: list[int] = []

    def __call__(self, message: Msg, sequence: int, /) -> None:
        self.payloads.append(message.data)
        self.sequences.append(sequence)


@asynccontextmanager
async def following(
    settings: NatsSettings, taken: Taken, *, port: int, after: int = 0
) -> AsyncGenerator[Delivery]:
    client = Client()
    await client.connect(f"nats://127.0.0.1:{port}", error_cb=_ignore, allow_reconnect=False)
    try:
        js, subject = JetStreamContext(client), f"{settings.stream}.*"
        async with delivery(
            client, js, taken, stream=settings.stream, subject=subject, after=after
        ) as flowing:
            yield flowing
    finally:
        await client.close()


async def _ignore(_: Exception) -> None:
    return


async def stored(js: JetStreamContext, settings: NatsSettings, count: int, size: int = 10) -> list[int]:
    """Store entries; their sequences."""
    subject = f"{settings.stream}.Zg"
    acks = [await js.publish(subject, str(number).encode().ljust(size)) for number in range(count)]
    return [ack.seq for ack in acks]


async def test_many_large_entries_come_in_order_however_slowly_they_are_read(
    nats: NatsServer, js: JetStreamContext, settings: NatsSettings
) -> None:
    await settle_stream(js, settings, create=True)
    sequences = await stored(js, settings, 600, size=100_000)
    taken = Taken()
    async with Proxy(("127.0.0.1", nats.port)) as way:
        way.faults = Faults(delay_s=0.001)
        async with following(settings, taken, port=way.port) as flowing:
            assert flowing.pending == 600
            await until(lambda: len(taken.sequences) == 600)
    assert taken.sequences == sequences
    assert [int(payload) for payload in taken.payloads] == list(range(600))


async def test_it_begins_where_it_is_told(
    nats: NatsServer, js: JetStreamContext, settings: NatsSettings
) -> None:
    await settle_stream(js, settings, create=True)
    sequences = await stored(js, settings, 10)
    taken = Taken()
    async with following(settings, taken, port=nats.port, after=sequences[6]):
        await until(lambda: len(taken.sequences) == 3)
        sequences += await stored(js, settings, 2)
        await until(lambda: len(taken.sequences) == 5)
    assert taken.sequences == sequences[7:]


async def test_silence_ends_it(nats: NatsServer, js: JetStreamContext, settings: NatsSettings) -> None:
    await settle_stream(js, settings, create=True)
    async with (
        asyncio.timeout(20),
        Proxy(("127.0.0.1", nats.port)) as way,
        following(settings, Taken(), port=way.port) as flowing,
    ):
        way.faults = Faults(stall=True)
        with pytest.raises(DeliveryEnded, match="no word from the consumer"):
            await flowing.ended()
        way.faults = Faults()


async def test_what_the_reader_of_an_entry_raises_ends_it_and_nothing_more_is_handed_on(
    nats: NatsServer, js: JetStreamContext, settings: NatsSettings
) -> None:
    await settle_stream(js, settings, create=True)
    sequences = await stored(js, settings, 10)

    class Picky(Taken):
        def __call__(self, message: Msg, sequence: int, /) -> None:
            if sequence == sequences[4]:
                raise ValueError("not this one")
            super().__call__(message, sequence)

    taken = Picky()
    async with following(settings, taken, port=nats.port) as flowing, asyncio.timeout(20):
        with pytest.raises(ValueError, match="not this one"):
            await flowing.ended()
    assert taken.sequences == sequences[:4]


async def test_however_often_the_connection_breaks_nothing_is_left_out(
    nats: NatsServer, js: JetStreamContext, settings: NatsSettings
) -> None:
    await settle_stream(js, settings, create=True)
    sequences: list[int] = []
    taken = Taken()
    async with Proxy(("127.0.0.1", nats.port)) as way, asyncio.timeout(60):

        async def follow() -> None:
            while True:
                after = taken.sequences[-1] if taken.sequences else 0
                with contextlib.suppress(DeliveryEnded, *TRANSPORT_ERRORS):
                    async with following(settings, taken, port=way.port, after=after) as flowing:
                        await flowing.ended()

        following_on = asyncio.create_task(follow())
        for _ in range(8):
            sequences += await stored(js, settings, 100, size=20_000)
            way.cut()
        await until(lambda: len(taken.sequences) >= len(sequences))
        following_on.cancel()
        await asyncio.wait({following_on})
    assert taken.sequences == sequences
