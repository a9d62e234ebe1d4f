"""Entries of the stream in order, without a gap: an ordered consumer that knows where its reader is.

The library has one too; it begins again from the stream's first sequence when it must start over before it
has received anything, takes ten seconds to notice silence, and tries to recover by itself when only its
caller knows what is still wanted. Here whatever goes wrong ends the delivery, and the caller starts another
one after what it has.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NoReturn, Protocol

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from flow_server.store.nats.calls import add_consumer, headers_in, subscribe

HEARTBEAT_S = 1.0
"""How often the server says that there is nothing new."""

SILENCE_S = 2.5 * HEARTBEAT_S
"""After how long without a word the delivery is over."""

INACTIVE_S = 10.0
"""How long the server keeps a consumer that nobody listens to."""

_CONTROL = "100"


class DeliveryEnded(Exception):
    """The delivery lost its order, its consumer or its server."""


class Delivered(Protocol):
    """Takes an entry with its sequence in the stream. What it raises ends the delivery."""

    def __call__(self, message: Msg, sequence: int, /) -> None:
        """Take it."""
        ...


class Delivery:
    """One consumer's life. Entries are handed on as they come, on the event loop."""

    def __init__(self, client: Client, deliver: Delivered) -> None:
        """Nothing was delivered yet."""
        self._client = client
        self._deliver = deliver
        self._expected = 1
        self._heard_at_s = 0.0
        self._over = asyncio.Event()
        self._reason: Exception = DeliveryEnded("not begun")
        self.pending = 0
        """How many entries the consumer had to deliver when it was made."""

    @property
    def delivered(self) -> int:
        """How many entries came."""
        return self._expected - 1

    async def ended(self) -> NoReturn:
        """Wait until the delivery is over. Raises what ended it."""
        loop = asyncio.get_running_loop()
        self._heard_at_s = loop.time()
        while not self._over.is_set():
            quiet_s = loop.time() - self._heard_at_s
            if quiet_s >= SILENCE_S:
                raise DeliveryEnded(f"no word from the consumer for {quiet_s:.1f} s")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SILENCE_S - quiet_s):
                    await self._over.wait()
        raise self._reason

    def end(self, reason: Exception) -> None:
        """Let `ended` raise this; the first reason stays."""
        if not self._over.is_set():
            self._reason = reason
            self._over.set()

    async def take(self, message: Msg) -> None:
        """Take what the server sent: an entry, a heartbeat, or a question whether we keep up."""
        self._heard_at_s = asyncio.get_running_loop().time()
        if self._over.is_set():
            return
        headers = headers_in(message)
        if headers.get("Status") == _CONTROL:
            await self._answer(message, headers)
            return
        numbers = message.metadata.sequence
        if numbers.consumer != self._expected:
            self.end(DeliveryEnded(f"expected delivery {self._expected}, got {numbers.consumer}"))
            return
        self._expected += 1
        try:
            self._deliver(message, numbers.stream)
        except Exception as error:
            self.end(error)

    async def _answer(self, message: Msg, headers: dict[str, str]) -> None:
        last = headers.get("Nats-Last-Consumer")
        if last is not None and int(last) != self.delivered:
            self.end(DeliveryEnded(f"{last} entries were sent, {self.delivered} arrived"))
            return
        # Entries are taken in order and at once, so whatever was sent before the question is done.
        wants_answer = message.reply or headers.get("Nats-Consumer-Stalled")
        if wants_answer:
            await self._client.publish(wants_answer)


@asynccontextmanager
async def delivery(
    client: Client,
    js: JetStreamContext,
    deliver: Delivered,
    *,
    stream: str,
    subject: str,
    after: int,
) -> AsyncGenerator[Delivery]:
    """Deliver the entries of `subject` with a stream sequence above `after`. Raises the library's errors."""
    inbox = client.new_inbox()
    flowing = Delivery(client, deliver)
    # The server's flow control bounds what can wait here; a limit of the library's would drop entries.
    subscription = await subscribe(client, inbox, flowing.take)
    try:
        info = await add_consumer(
            js,
            stream,
            ConsumerConfig(
                deliver_subject=inbox,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=after + 1,
                filter_subject=subject,
                ack_policy=AckPolicy.NONE,
                max_deliver=1,
                flow_control=True,
                idle_heartbeat=HEARTBEAT_S,
                inactive_threshold=INACTIVE_S,
                num_replicas=1,
                mem_storage=True,
            ),
        )
        flowing.pending = (info.num_pending or 0) + (info.delivered.consumer_seq if info.delivered else 0)
        yield flowing
    finally:
        flowing.end(DeliveryEnded("not wanted any more"))
        if not client.is_closed:
            await subscription.unsubscribe()
