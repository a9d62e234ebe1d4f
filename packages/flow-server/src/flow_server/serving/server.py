"""A uvicorn server that stops cleanly. Source: uvicorn's `Server.shutdown` and `capture_signals`.

uvicorn alone waits for open streams for ever, and raises the signal again at the end, so the process would
die of it instead of leaving with status 0.
"""

import asyncio
import contextlib
import signal
import socket
from collections import Counter
from collections.abc import Callable, Generator
from functools import partial

import structlog
import uvicorn
from litestar.types import ASGIApp

from flow_server.http.access_log import AccessLog
from flow_server.serving.protocol import FlowProtocol

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

HANDLES = 16
"""On the one listening socket. libuv takes one new connection from a handle in a turn of the event loop, and
a turn is long when many read: 600 readers that came back to a busy flow waited 3.5 s for it, now 0.6 s. All
of them look when somebody connects, 3 us each."""

log = structlog.get_logger(__name__)


class Server(uvicorn.Server):
    """Serves until a stop signal, then lets requests and streams end within the grace time."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_stop: Callable[[], None],
        grace_s: float,
        rejected: Counter[str],
        access_log: AccessLog | None = None,
    ) -> None:
        """`on_stop` is called first thing when the server stops; it must let streams end.

        Requests that do not get as far as `app` are counted in `rejected`, by reason, and told to
        `access_log`.
        """
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type]
                http=partial(  # type: ignore[arg-type]
                    FlowProtocol, rejected=rejected, access_log=access_log or AccessLog()
                ),
                loop="uvloop",
                ws="none",
                lifespan="off",
                interface="asgi3",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                log_config=None,
                backlog=4096,
                timeout_keep_alive=75,
            )
        )
        self._on_stop = on_stop
        self._grace_s = grace_s

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone: `stopping_at_signals` has them from before the store opens."""
        yield

    def stop(self, number: signal.Signals) -> None:
        """Stop serving; a second call does not wait for anybody."""
        log.info("stopping", signal=number.name)
        self.force_exit = self.should_exit
        self.should_exit = True
        self._on_stop()

    async def serve_at(self, listener: socket.socket) -> None:
        """Serve who connects to a socket that listens already; a stop closes it first thing."""
        # It and all its handles: while one is open, the kernel takes connections that nobody will serve.
        await self.serve(sockets=[listener, *[listener.dup() for _ in range(HANDLES - 1)]])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let streams and requests end; cut what is left after the grace time."""
        self._on_stop()
        cut = asyncio.get_running_loop().call_later(self._grace_s, self._cut_connections)
        try:
            await super().shutdown(sockets)
        finally:
            cut.cancel()

    def _cut_connections(self) -> None:
        connections = list(self.server_state.connections)
        log.warning("connections cut after the grace time", connections=len(connections))
        for connection in connections:
            connection.transport.abort()  # type: ignore[union-attr]


@contextlib.contextmanager
def stopping_at_signals(server: Server) -> Generator[None]:
    """Stop the server at SIGTERM and SIGINT; before it has started, cancel the task that is to start it."""
    loop = asyncio.get_running_loop()
    starting = asyncio.current_task()

    def stop(number: signal.Signals) -> None:
        server.stop(number)
        if not server.started and starting is not None:
            starting.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
