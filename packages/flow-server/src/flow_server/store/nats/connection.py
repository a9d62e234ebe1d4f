"""The connection to the servers: found, kept, encrypted when it must be, made anew when it was closed."""

import asyncio
import contextlib
import random
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

from flow_server.store import StoreError
from flow_server.store.nats.credentials import Credentials
from flow_server.store.nats.errors import TRANSPORT_ERRORS, told
from flow_server.store.settings import NatsSettings

REQUEST_TIMEOUT_S = 2.0
"""How long one request waits for its answer; a leader that is alive answers in milliseconds."""

CONNECT_TIMEOUT_S = 2.0
"""How long one server may take to let us in."""

CLOSE_TIMEOUT_S = 1.0
"""How long a connection may take to close: with TLS the other end has a say in it."""

log = structlog.get_logger("flow_server.store.nats")


class Connection:
    """One client at a time; `ensure` gives a working one or raises."""

    def __init__(self, settings: NatsSettings, *, on_change: Callable[[], None]) -> None:
        """Nothing is connected yet; `on_change` is called when a connection is lost."""
        self._settings = settings
        self._on_change = on_change
        self._client: Client | None = None
        self._last_error = "no server answered"
        self._urls = deque(random.sample(settings.urls, len(settings.urls)))
        self._connecting = asyncio.Lock()
        self._trouble: asyncio.Future[Exception] | None = None
        self._is_closing = False

    @property
    def js(self) -> JetStreamContext:
        """The streams' side of the client."""
        return JetStreamContext(self.client, timeout=REQUEST_TIMEOUT_S)

    @property
    def client(self) -> Client:
        """The client. Raises a connection error when there is none."""
        if self._client is None:
            raise nats.errors.ConnectionClosedError
        return self._client

    @property
    def client_or_none(self) -> Client | None:
        """The client, if there is one."""
        return self._client

    async def ensure(self) -> Client:
        """A connected client; when there is none, each server is tried once.

        Raises `StoreError` when a server refuses us for what we are, else a connection error.
        """
        async with self._connecting:
            if self._client is not None and not self._client.is_closed:
                return self._client
            for _ in range(len(self._urls)):
                self._urls.rotate(-1)  # not first the one that was lost
                with contextlib.suppress(*TRANSPORT_ERRORS):
                    self._client = await self._connected(self._urls[0])
                    log.info("connected to nats", server=self._settings.shown(self._urls[0]))
                    return self._client
            raise nats.errors.NoServersError(self.problem)

    async def _connected(self, url: str) -> Client:
        """A client of this server."""
        client, options = Client(), self._options()
        self._trouble = asyncio.get_running_loop().create_future()
        connecting = asyncio.ensure_future(client.connect(url, **options))
        try:
            await asyncio.wait(
                {connecting, self._trouble}, timeout=CONNECT_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )
            if self._trouble.done():
                raise self._as_refusal(self._trouble.result())
            if not connecting.done():
                raise TimeoutError("the server does not answer")
            connecting.result()
            self._check_encrypted(client)
        except BaseException as error:
            self._last_error = told(error)
            connecting.cancel()
            with contextlib.suppress(*TRANSPORT_ERRORS, asyncio.CancelledError):
                await connecting
            await _close(client)
            raise
        finally:
            self._trouble = None
        return client

    async def aclose(self) -> None:
        """Let go of the connection; what was sent is flushed."""
        self._is_closing = True
        if self._client is not None:
            await _close(self._client)

    @property
    def problem(self) -> str:
        """What the last attempt to connect met."""
        return f"{self._settings.servers}: {self._last_error}"

    def _options(self) -> dict[str, Any]:
        settings = self._settings
        options: dict[str, Any] = {
            "name": "flow-server",
            "connect_timeout": 2,
            # A new client is made by `ensure`. The library's own way back forgets a server for good once it
            # refuses us, never closes connections that were half made, and sends what was meant for before.
            "allow_reconnect": False,
            # A server that is stopped, not dead, keeps its connections: only silence tells.
            "ping_interval": 1,
            "max_outstanding_pings": 2,
            # What is published while disconnected fails at once, else it would be sent much later.
            "pending_size": 1,
            "error_cb": self._on_error,
            "closed_cb": self._on_closed,
        }
        if settings.ca_file is not None or settings.cert_file is not None:
            options["tls"] = _tls(settings)
        if settings.creds_file is not None:
            credentials = Credentials(settings.creds_file)
            options["user_jwt_cb"] = credentials.jwt
            options["signature_cb"] = credentials.sign
        return options

    def _check_encrypted(self, client: Client) -> None:
        # The library encrypts when the server asks for it, and only then; one in the middle need not ask.
        wanted = self._settings.ca_file is not None or any(
            url.startswith("tls://") for url in self._settings.urls
        )
        told: dict[str, Any] = client._server_info  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        if wanted and not told.get("tls_required"):
            raise StoreError(f"{self._settings.servers}: expected TLS, the server offers none")

    async def _on_error(self, error: Exception) -> None:
        self._last_error = told(error)
        log.debug("nats error", problem=self._last_error)
        if self._trouble is not None and not self._trouble.done():
            self._trouble.set_result(error)

    async def _on_closed(self) -> None:
        if not self._is_closing and self._client is not None:
            log.warning("disconnected from nats", problem=self._last_error)
            self._on_change()

    def _as_refusal(self, error: Exception) -> Exception:
        """`StoreError` when a server says no to what we are, so that asking again is pointless."""
        text = str(error).lower()
        if isinstance(error, ssl.SSLCertVerificationError) or "authorization" in text:
            return StoreError(f"{self._settings.servers} refused us: {told(error)}")
        return error


async def ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks that use the library until they are done: some of its calls swallow a cancellation."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.1)


async def _close(client: Client) -> None:
    with contextlib.suppress(*TRANSPORT_ERRORS):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await client.close()


def _tls(settings: NatsSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        files = [settings.ca_file, settings.cert_file, settings.key_file]
        shown = ", ".join(str(file) for file in files if file is not None)
        raise StoreError(f"cannot use the TLS files {shown}: {error}") from error
    return context
