"""Calls of the library whose types it leaves open, with types; each ignore below is one of its gaps."""

from collections.abc import Awaitable, Callable
from typing import cast

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, ConsumerInfo, RawStreamMsg, StreamConfig, StreamInfo


def headers_in(message: Msg | RawStreamMsg) -> dict[str, str]:
    """The message's headers, none when it has none."""
    found = message.headers  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return cast("dict[str, str]", found or {})


async def subscribe(client: Client, subject: str, take: Callable[[Msg], Awaitable[None]]) -> Subscription:
    """Take every message, one after another; none is dropped for being too many."""
    return await client.subscribe(  # pyright: ignore[reportUnknownMemberType]
        subject, cb=take, pending_msgs_limit=-1, pending_bytes_limit=-1
    )


async def add_stream(js: JetStreamContext, config: StreamConfig) -> StreamInfo:
    """Make a stream."""
    return await js.add_stream(config)  # pyright: ignore[reportUnknownMemberType]


async def add_consumer(js: JetStreamContext, stream: str, config: ConsumerConfig) -> ConsumerInfo:
    """Make a consumer."""
    return await js.add_consumer(stream, config)  # pyright: ignore[reportUnknownMemberType]
