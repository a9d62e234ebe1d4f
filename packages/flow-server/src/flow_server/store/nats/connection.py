"""The connection to the servers: found, kept, encrypted when it must be, made anew when it was closed."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

from flow_server.store import StoreError
from flow_server.store.nats.credentials import Credentials
from flow_server.store.nats.errors import TRANSPORT_ERRORS
from flow_server.store.settings import NatsSettings

REQUEST_TIMEOUT_S = 2.0
"""How long one request waits for its answer; a leader that is alive answers in milliseconds."""

CONNECT_TIMEOUT_S = 5.0
"""How long one round over all servers may take."""

log = structlog.get_logger("flow_server.store.nats")


class Connection:
    """One client at a time; `ensure` gives a working one or raises."""

    def __init__(self, settings: NatsSettings, *, on_change: Callable[[], None]) -> None:
        """Nothing is connected yet; `on_change` is called when a connection is lost or is there again."""
        self._settings = settings
        self._on_change = on_change
        self._client: Client | None = None
        self._last_error = "no server answered"
        self._refused: asyncio.Future[StoreError] | None = None
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
        """A connected client, or one that reconnects by itself; connect when there is none.

        Raises `StoreError` when a server refuses us for what we are, else a connection error.
        """
        if self._client is not None and not self._client.is_closed:
            return self._client
        options = self._options()
        client = Client()
        self._refused = asyncio.get_running_loop().create_future()
        connecting = asyncio.ensure_future(client.connect(**options))
        try:
            await asyncio.wait(
                {connecting, self._refused},
                timeout=CONNECT_TIMEOUT_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if self._refused.done():
                raise self._refused.result()
            if not connecting.done():
                raise nats.errors.NoServersError(self._last_error)
            connecting.result()
            self._check_encrypted(client)
        except BaseException:
            connecting.cancel()
            with contextlib.suppress(*TRANSPORT_ERRORS, asyncio.CancelledError):
                await connecting
            await _close(client)
            raise
        finally:
            self._refused = None
        self._client = client
        return client

    async def aclose(self) -> None:
        """Let go of the connection; what was sent is flushed."""
        self._is_closing = True
        if self._client is not None:
            await _close(self._client)

    def problem(self) -> str:
        """What the last attempt to connect met."""
        return f"{self._settings.servers}: {self._last_error}"

    def _options(self) -> dict[str, Any]:
        settings = self._settings
        options: dict[str, Any] = {
            "servers": list(settings.urls),
            "name": "flow-server",
            "connect_timeout": 2,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": 0.2,
            # A node that is stopped, not dead, keeps its connections: only silence tells.
            "ping_interval": 2,
            "max_outstanding_pings": 2,
            # Publishing while disconnected must fail at once: what the library sends later, when its caller
            # has long been told of a failure, would be a message out of nowhere.
            "pending_size": 1,
            "error_cb": self._on_error,
            "disconnected_cb": self._on_disconnected,
            "reconnected_cb": self._on_reconnected,
            "closed_cb": self._on_disconnected,
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
        self._last_error = str(error) or repr(error)
        log.debug("nats error", problem=self._last_error)
        refused = self._refused
        if refused is not None and not refused.done() and _is_refusal(error):
            problem = f"{self._settings.servers} refused us: {self._last_error}"
            refused.set_result(StoreError(problem))

    async def _on_disconnected(self) -> None:
        if self._is_closing or self._client is None:
            return
        log.warning("disconnected from nats", problem=self._last_error)
        self._on_change()

    async def _on_reconnected(self) -> None:
        assert self._client is not None  # noqa: S101
        try:
            self._check_encrypted(self._client)
        except StoreError as error:
            log.error("nats connection is not encrypted", problem=str(error))
            await self._client.close()
            return
        url = self._client.connected_url
        log.info("connected to nats again", server=url.netloc if url else "")
        self._on_change()


async def ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks that use the library until they are done: some of its calls swallow a cancellation."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.1)


async def _close(client: Client) -> None:
    with contextlib.suppress(*TRANSPORT_ERRORS):
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


def _is_refusal(error: Exception) -> bool:
    """Whether a server says no to what we are, so that asking again is pointless."""
    text = str(error).lower()
    return (
        isinstance(error, ssl.SSLCertVerificationError) or "authorization" in text or "authentication" in text
    )
