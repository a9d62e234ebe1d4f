"""Starts real servers on free ports, in the test's own loop."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import httpx
import pytest
from hypothesis import settings

from flow_contract.service.listening import ListenAddress, listening_socket
from flow_server.access.authority import Authority
from flow_server.access.gate import Gate
from flow_server.flow import RingBounds
from flow_server.http.app import create_app
from flow_server.http.ingest import IngestBounds
from flow_server.hub import Hub
from flow_server.limits import Limits
from flow_server.serving.server import Server
from flow_server.store import Store
from flow_server.store.memory import MemoryStore

from .real_server import DEADLINE_S, Serve, Served, until

settings.register_profile("flow-server", deadline=None)  # a busy machine is no bug
settings.load_profile("flow-server")


@pytest.fixture
async def serve() -> AsyncGenerator[Serve]:
    """Starts servers; all are stopped, and must stop cleanly, at the end of the test."""
    async with AsyncExitStack() as stack:

        async def started(
            *,
            store: Store | None = None,
            bounds: IngestBounds | None = None,
            ring: RingBounds | None = None,
            heartbeat_s: float = 15.0,
            grace_s: float = 5.0,
            prefix: str = "",
            send_buffer_bytes: int | None = None,
            authority: Authority | None = None,
            limits: Limits | None = None,
            cors_origins: frozenset[str] = frozenset(),
        ) -> Served:
            hub = Hub(
                store or MemoryStore(now_us=lambda: time.time_ns() // 1000),
                bounds=ring,
                heartbeat_s=heartbeat_s,
                limits=limits,
            )
            app = create_app(
                hub, bounds=bounds, prefix=prefix, authority=authority, cors_origins=cors_origins
            )
            if authority is not None:
                app = Gate(app, authority)
            server = Server(app, on_stop=hub.stop, grace_s=grace_s, rejected=hub.stats.rejected)
            listener = stack.enter_context(
                listening_socket(
                    ListenAddress("127.0.0.1", 0), backlog=4096, send_buffer_bytes=send_buffer_bytes
                )
            )
            port: int = listener.getsockname()[1]
            await stack.enter_async_context(hub.running())
            serving = asyncio.create_task(server.serve_at(listener))
            client = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S)
            )

            def stop() -> None:
                server.should_exit = True

            async def stopped() -> None:
                stop()
                await client.aclose()
                await serving

            stack.push_async_callback(stopped)
            await until(lambda: server.started)
            return Served(port, hub, client, stop)

        yield started


@pytest.fixture
async def server(serve: Serve) -> Served:
    """A server with default settings."""
    return await serve()
