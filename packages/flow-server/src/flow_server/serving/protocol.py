"""uvicorn's HTTP/1.1 protocol, with what streams and hostile clients need beyond it.

The connection offers itself in the request's scope, so that a stream can be written to past ASGI. A client
that says nothing, or says it too slowly, is cut; what could be read in two ways is refused. Source: uvicorn's
`HttpToolsProtocol`, whose bookkeeping stays untouched: a response still begins and ends over ASGI.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httptools
import msgspec
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from flow_server.http.access_log import AccessLog
from flow_server.http.stream import CONNECTION

HEAD_BYTES = 16 * 1024
"""Largest request head, in bytes; beyond it 431."""

HEADERS = 100
"""Most headers of a request; beyond it 431."""

FRAMING_BYTES = 64 * 1024
"""Most bytes of a chunked body that are not body, beside eight for each that is: extensions, trailers."""

HEAD_S = 10.0
"""How long a head may take from its first byte, or from the connection on, in seconds."""

MESSAGE_S = 40.0
"""How long the rest of a request may take, in seconds. Bodies that somebody reads have a shorter time of
their own, with an answer; this one is for those that nobody reads."""

_PHRASES = {
    400: b"Bad Request",
    431: b"Request Header Fields Too Large",
    505: b"HTTP Version Not Supported",
}


class FlowProtocol(HttpToolsProtocol):
    """One connection."""

    # Slots: with more attributes in its dictionary, a connection could not share the names with the others,
    # which costs 1.3 kB each.
    __slots__ = (
        "_access_log",
        "_answering",
        "_begun",
        "_framing_bytes",
        "_head_bytes",
        "_in_body",
        "_in_head",
        "_on_lost",
        "_on_room",
        "_refused",
        "_rejected",
        "_timer",
    )

    def __init__(self, *, rejected: Counter[str], access_log: AccessLog, **uvicorns: Any) -> None:
        """A connection; `rejected` counts what is refused here, by reason, and `access_log` is told."""
        super().__init__(**uvicorns)
        self._access_log = access_log
        self._rejected = rejected
        self._answering: RequestResponseCycle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = True
        self._in_body = False
        self._begun = False
        self._head_bytes = 0
        self._framing_bytes = 0
        self._refused = False
        self._on_room: Callable[[], None] | None = None
        self._on_lost: Callable[[], None] | None = None

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
        self._expect(HEAD_S, "slow head")

    def data_received(self, data: bytes) -> None:
        """Read on, within bounds of size and time."""
        if self._refused or self.parser is None:
            return
        self._unset_keepalive_if_required()
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._framing_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # What follows would be another protocol, which is not spoken here: this answer is the last.
            if not self._refused:
                self.cycle.keep_alive = False
                self._refused = True
        except httptools.HttpParserError as error:
            self._refuse(400, f"not a request that can be read: {error}", "not http")
        if self._refused:
            return
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self._refuse(431, f"expected a request head of at most {HEAD_BYTES} bytes", "large head")
        elif self._framing_bytes > FRAMING_BYTES:
            self._refuse(400, f"more than {FRAMING_BYTES} bytes of framing in a body", "framing")
        elif self._timer is None:
            if not self._in_head:
                self._expect(MESSAGE_S, "slow body")
            elif self._answered():  # some bytes, yet no request: the time between requests is over
                self._expect(HEAD_S, "slow head")

    def on_message_begin(self) -> None:
        """Offer the connection to the application; the rest of the head must come soon."""
        super().on_message_begin()
        self._begun = True
        self._expect(HEAD_S, "slow head")
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[typeddict-item]

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; trailers are none, and must not become any (RFC 9110, section 6.5.1)."""
        if self._in_head:
            super().on_header(name, value.rstrip(b" \t"))  # the parser leaves what RFC 9110, 5.5 excludes

    def on_headers_complete(self) -> None:
        """The head is there: refuse it when it is too large or ambiguous, else begin the request."""
        self._in_head = False
        self._stop_timer()
        if self._refused or self.parser is None:
            return
        if (refusal := self._refusal(self.parser)) is not None:
            self._refuse(*refusal)
            return
        try:
            super().on_headers_complete()
        except httptools.HttpParserInvalidURLError:
            self._refuse(400, "expected a target with a path", "path")
        else:
            self._in_body = True

    def _refusal(self, parser: httptools.HttpRequestParser) -> tuple[int, str, str] | None:
        """Status, problem and reason of a head that is not taken."""
        hosts = lengths = 0
        codings: list[bytes] = []
        size = len(self.url)
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            hosts += name == b"host"
            lengths += name == b"content-length" and value.strip(b"0") != b""
            if name == b"transfer-encoding":
                codings.append(value.strip().lower())
        version = parser.get_http_version()
        if size > HEAD_BYTES or len(self.headers) > HEADERS:
            problem = f"expected a request head of at most {HEAD_BYTES} bytes and {HEADERS} headers"
            return 431, problem, "large head"
        if version not in ("1.1", "1.0"):
            return 505, f"expected HTTP/1.1, found HTTP/{version}", "version"
        if hosts != 1:
            return 400, f"expected one header Host, found {hosts}", "host"
        if codings and (codings != [b"chunked"] or version != "1.1"):
            return 400, "Transfer-Encoding: expected chunked alone, in HTTP/1.1", "framing"
        if (codings or lengths) and parser.should_upgrade():
            return 400, "Upgrade: expected no body with it; only HTTP/1.1 is spoken here", "upgrade"
        if not self.url.startswith(b"/") and b"/" not in self.url.partition(b"://")[2]:
            return 400, "expected a target with a path", "path"
        return None

    def on_body(self, body: bytes) -> None:
        """A part of a body, unless its head was refused."""
        self._framing_bytes -= 9 * len(body)
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request; the next head may be in the same bytes."""
        self._in_head, self._in_body, self._begun = True, False, False
        self._head_bytes = self._framing_bytes = 0
        self._stop_timer()
        if not self._refused:
            super().on_message_complete()

    def resume_writing(self) -> None:
        """There is room again: nobody but us comes back for a stream that was full."""
        super().resume_writing()
        if self._on_room is not None:
            self._on_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_timer()
        super().connection_lost(exc)
        if self._answering is not None:
            # uvicorn tells the newest request alone; when that one waits behind another, the other would be
            # answered into a closed connection.
            self._answering.disconnected = True
            self._answering.message_event.set()
        if self._on_lost is not None:
            self._on_lost()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _answered(self) -> bool:
        """Whether no request waits for its answer."""
        return not self.cycle or self.cycle.response_complete

    def _expect(self, within_s: float, reason: str) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(within_s, self._give_up, reason)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self, reason: str) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self._rejected[reason] += self._begun  # a connection that never said a word is no request
            self.transport.close()

    def _refuse(self, status: int, problem: str, reason: str) -> None:
        """Answer in our own form and close, unless that would be read as the answer to another request."""
        self._refused = True
        self._stop_timer()
        self._rejected[reason] += 1
        self._access_log.refused(status, reason=reason, peer=self.client[0] if self.client else None)
        if self._in_body:
            if self.cycle.response_started or self.pipeline:
                self.transport.close()
                return
        elif not self._answered():
            self.cycle.keep_alive = False  # the end of its answer is the end of the connection
            return
        body = b'{"status":%d,"error":%b}' % (status, msgspec.json.encode(problem))
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n%b"
            % (status, _PHRASES[status], len(body), body)
        )
        self.transport.close()
