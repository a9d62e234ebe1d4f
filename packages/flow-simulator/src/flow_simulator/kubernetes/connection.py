"""One HTTP/1.1 connection: bytes to requests, and the writing of heads, chunks and ends.

An `asyncio.Protocol` of our own: the faults need what servers hide, half answers, single bytes, resets.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from http import HTTPStatus
from typing import Any, cast

import httptools

from flow_simulator.kubernetes.answers import Answer
from flow_simulator.kubernetes.api import BODY_LIMIT_BYTES
from flow_simulator.kubernetes.requests import Request

CHUNKED_ABOVE_BYTES = 2048
"""As recorded: longer bodies come in chunks, shorter ones with a length."""


class TooLargeBody(Exception):
    """A request whose body is over the limit; the connection cannot go on."""


class Connection(asyncio.Protocol):
    """One client's connection; `serve` handles its requests one after the other, in a task of its own."""

    def __init__(self, serve: Callable[["Connection"], Coroutine[Any, Any, None]]) -> None:
        """`serve` runs from the first byte to the last and is cancelled when the client goes."""
        self._serve = serve
        self._parser = httptools.HttpRequestParser(self)
        self._requests: deque[Request | TooLargeBody] = deque()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self.task: asyncio.Task[None] | None = None
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._too_large = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start serving."""
        self._transport = cast("asyncio.Transport", transport)
        self.task = asyncio.get_running_loop().create_task(self._serve(self))

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is no HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop serving."""
        self._writable.set()
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable.set()

    # httptools

    def on_url(self, url: bytes) -> None:
        """The request's target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Answer `Expect: 100-continue`."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if len(self._body) + len(body) > BODY_LIMIT_BYTES:
            self._too_large = True
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """A whole request is there."""
        request = Request(
            method=self._parser.get_method().decode(),
            target=self._target.decode("latin-1"),
            headers=self._headers,
            body=bytes(self._body),
        )
        self._requests.append(TooLargeBody() if self._too_large else request)
        self._begin()
        self._news.set()

    # For whoever serves

    async def next_request(self) -> Request:
        """The next request. Raises `TooLargeBody`."""
        while not self._requests:
            self._news.clear()
            await self._news.wait()
        request = self._requests.popleft()
        if isinstance(request, TooLargeBody):
            raise request
        return request

    @property
    def local_address(self) -> str:
        """`host:port` that the client came to."""
        host, port = self._open().get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    def write(self, data: bytes) -> None:
        """Hand bytes to the transport; ignored when the client is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the client has read enough."""
        await self._writable.wait()

    async def send(self, answer: Answer) -> None:
        """A whole answer."""
        self.write(whole(answer))
        await self.drained()
        if answer.close:
            self.close()

    def close(self) -> None:
        """Send what is waiting, then close."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Throw away what is waiting and cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _open(self) -> asyncio.Transport:
        if self._transport is None:
            raise ConnectionError("the connection is not made yet")
        return self._transport


def head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Status line and headers, with the empty line."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(payload: bytes) -> bytes:
    """One transfer chunk; the empty one ends the body."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def whole(answer: Answer) -> bytes:
    """Head and body of an answer."""
    headers = list(answer.header_lines())
    if answer.close:
        headers.append(("Connection", "close"))
    if len(answer.body) > CHUNKED_ABOVE_BYTES:
        return head(answer.status, (*headers, ("Transfer-Encoding", "chunked"))) + (
            chunk(answer.body) + chunk(b"")
        )
    return head(answer.status, (*headers, ("Content-Length", str(len(answer.body))))) + answer.body
