"""A stream of its own for each test, on the session's server, and the library's own view of it."""

import secrets
from collections.abc import AsyncGenerator, Callable

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from flow_server.store.settings import NatsSettings
from flow_simulator.nats_servers import NatsServer


@pytest.fixture
def nats(shared_nats: Callable[[], NatsServer]) -> NatsServer:
    return shared_nats()


@pytest.fixture
def settings(nats: NatsServer) -> NatsSettings:
    return NatsSettings(urls=(nats.url,), stream=f"S-{secrets.token_hex(4)}", replicas=1, timeout_s=3.0)


@pytest.fixture
async def js(nats: NatsServer) -> AsyncGenerator[JetStreamContext]:
    """What an operator sees."""
    client = Client()
    await client.connect(nats.url)
    yield JetStreamContext(client)
    await client.close()
