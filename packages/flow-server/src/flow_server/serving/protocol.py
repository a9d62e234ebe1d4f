"""uvicorn's HTTP/1.1 protocol, with what streams and hostile clients need beyond it.

The connection offers itself in the request's scope, so that a stream can be written to past ASGI. Source:
uvicorn's `HttpToolsProtocol`, whose bookkeeping stays untouched: a response still begins and ends over ASGI.
"""

import asyncio
from collections.abc import Callable

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flow_server.http.stream import CONNECTION

HEAD_BYTES = 16 * 1024
"""Largest request head, in bytes; beyond it 431."""

HEADERS = 100
"""Most headers of a request; beyond it 431."""

HEAD_S = 10.0
"""How long a head may take from its first byte, or from the connection on, in seconds."""


class FlowProtocol(HttpToolsProtocol):
    """One connection."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True
    _refused = False
    _on_room: Callable[[], None] | None = None
    _on_lost: Callable[[], None] | None = None

    @property
    def full(self) -> bool:
        """Whether the transport is above its high-water mark, or closing."""
        return self.flow.write_paused or self.transport.is_closing()

    def write_chunk(self, chunked: bytes) -> None:
        """Write a transfer chunk; the transport keeps a reference, not a copy."""
        self.transport.write(chunked)

    def attach(self, *, on_room: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """Tell a stream about this connection."""
        self._on_room = on_room
        self._on_lost = on_lost
        if self.transport.is_closing():
            asyncio.get_running_loop().call_soon(on_lost)

    def detach(self) -> None:
        """The stream is over."""
        self._on_room = self._on_lost = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection that never says what it wants is not kept."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Read on, unless a head gets too large."""
        if self._refused:
            return
        self._head_bytes += len(data) if self._in_head else 0
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self._refuse_head(431, f"expected a request head of at most {HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        """Offer the connection to the application; the rest of the head must come soon."""
        super().on_message_begin()
        self._expect_head()
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        """The head is there: refuse it when it is too large or ambiguous, else begin the request."""
        self._in_head = False
        self._stop_head_timer()
        hosts = sum(name == b"host" for name, _ in self.headers)
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEADERS:
            problem = f"expected a request head of at most {HEAD_BYTES} bytes and {HEADERS} headers"
            self._refuse_head(431, problem)
        elif hosts != 1:
            self._refuse_head(400, f"expected one header Host, found {hosts}")
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body, unless its head was refused."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request; the next head may be in the same bytes."""
        self._in_head, self._head_bytes = True, 0
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP request is told so in our own form."""
        self._refuse_head(400, f"not a request that can be read: {msg}")

    def _expect_head(self) -> None:
        self._stop_head_timer()
        self._in_head = True
        self._head_timer = self.loop.call_later(HEAD_S, self._give_up_on_head)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up_on_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse_head(self, status: int, problem: str) -> None:
        self._refused = True
        self._stop_head_timer()
        body = b'{"status":%d,"error":%b}' % (status, msgspec.json.encode(problem))
        reason = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}[status]
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n%b"
            % (status, reason, len(body), body)
        )
        self.transport.close()

    def resume_writing(self) -> None:
        """There is room again: nobody but us comes back for a stream that was full."""
        super().resume_writing()
        if self._on_room is not None:
            self._on_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_head_timer()
        super().connection_lost(exc)
        if self._on_lost is not None:
            self._on_lost()
