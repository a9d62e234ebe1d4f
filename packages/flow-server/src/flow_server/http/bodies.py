"""Request bodies: read within a bound, unpacked within the same bound.

Source: the contract, "HTTP": 413 beyond the bound, also when a body only gets that large by unpacking; a
corrupt, truncated or continued encoding is 400, an encoding we do not know 415.
"""

import asyncio
import sys
import zlib

from litestar.types import HTTPScope, Receive

from flow_contract import shown
from flow_server.http.errors import HttpError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LARGEST_ZSTD_WINDOW_LOG = 23
"""Largest window that a zstd frame may ask for, as a power of two: 8 MiB, more than any body of ours."""

_GZIP = 31  # zlib's window bits for a gzip header and nothing else
_ZSTD_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: LARGEST_ZSTD_WINDOW_LOG}


class BodyTooLarge(HttpError):
    """413. `unread` tells whether the client may still be sending."""

    def __init__(self, *, limit_bytes: int, unpacked: bool = False) -> None:
        """The bound in bytes, and whether unpacking exceeded it."""
        when = " when unpacked" if unpacked else ""
        super().__init__(
            413, f"expected a body of at most {limit_bytes} bytes{when}", reason="body too large"
        )
        self.unread = not unpacked


def header(scope: HTTPScope, name: bytes) -> str | None:
    """The value of a header, given in lower case; of one sent twice the values joined as RFC 9110 says."""
    values = [value for key, value in scope["headers"] if key == name]
    return b", ".join(values).decode("latin-1") if values else None


def peer_of(scope: HTTPScope) -> str | None:
    """The address that a request came from, for a log line."""
    client = scope["client"]
    return None if client is None else client[0]


BODY_S = 30.0
"""How long a body may take, in seconds."""


class InFlight:
    """Bytes of bodies that are read, decoded or on their way into the store, all requests together."""

    def __init__(self, *, limit_bytes: int) -> None:
        """Nothing held yet."""
        self._limit_bytes = limit_bytes
        self.held_bytes = 0

    def hold(self, size: int) -> None:
        """Hold some more. Raises `HttpError` (503) when that is too much."""
        if self.held_bytes + size > self._limit_bytes:
            raise HttpError(
                503,
                f"more than {self._limit_bytes} bytes of bodies are under way",
                reason="MAX_BYTES_IN_FLIGHT",
                retry_after_s=1,
            )
        self.held_bytes += size

    def release(self, size: int) -> None:
        """They are dealt with."""
        self.held_bytes -= size


class Share:
    """What one request has in flight."""

    __slots__ = ("_held_bytes", "_in_flight")

    def __init__(self, in_flight: InFlight) -> None:
        """Nothing yet."""
        self._in_flight = in_flight
        self._held_bytes = 0

    def hold(self, size: int) -> None:
        """Hold some more. Raises `HttpError` (503) when all requests together hold too much."""
        self._in_flight.hold(size)
        self._held_bytes += size

    def release(self) -> None:
        """The request is answered."""
        self._in_flight.release(self._held_bytes)
        self._held_bytes = 0


async def read_body(scope: HTTPScope, receive: Receive, *, limit_bytes: int, share: Share) -> bytes:
    """The body as it was sent; `share` holds it.

    Raises `BodyTooLarge`; `HttpError` when it takes too long (408) or too many are under way (503);
    `ClientGone` when the client went away.
    """
    try:
        async with asyncio.timeout(BODY_S):
            return await _read(scope, receive, limit_bytes=limit_bytes, share=share)
    except TimeoutError as error:
        raise HttpError(
            408, f"the body took more than {BODY_S:g} s", reason="slow body", headers={"Connection": "close"}
        ) from error


async def _read(scope: HTTPScope, receive: Receive, *, limit_bytes: int, share: Share) -> bytes:
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdecimal() and int(declared) > limit_bytes:
        raise BodyTooLarge(limit_bytes=limit_bytes)
    message = await receive()
    if message["type"] == "http.request" and not message["more_body"] and len(message["body"]) <= limit_bytes:
        share.hold(len(message["body"]))
        return message["body"]
    parts: list[bytes] = []
    size = 0
    while message["type"] == "http.request":
        size += len(message["body"])
        if size > limit_bytes:
            raise BodyTooLarge(limit_bytes=limit_bytes)
        share.hold(len(message["body"]))
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)
        message = await receive()
    raise ClientGone


class ClientGone(Exception):
    """The client went away before its body was whole; nobody is there to answer."""


def unpacked(body: bytes, *, encoding: str | None, limit_bytes: int) -> bytes:
    """The body without its `Content-Encoding`. Raises `HttpError` (400, 415) and `BodyTooLarge`."""
    match (encoding or "identity").strip().lower():
        case "identity":
            return body
        case "gzip" | "x-gzip":
            decompressor = zlib.decompressobj(_GZIP)
        case "zstd":
            decompressor = zstd.ZstdDecompressor(options=_ZSTD_OPTIONS)
        case other:
            raise HttpError(
                415,
                f"Content-Encoding: expected gzip, zstd or identity, found {shown(other)}",
                reason="content encoding",
                headers={"Accept-Encoding": "gzip, zstd, identity"},
            )
    try:
        plain = decompressor.decompress(body, limit_bytes + 1)
    except (zlib.error, zstd.ZstdError) as error:
        raise _corrupt(encoding, str(error)) from error
    if len(plain) > limit_bytes:
        raise BodyTooLarge(limit_bytes=limit_bytes, unpacked=True)
    if not decompressor.eof:
        raise _corrupt(encoding, "it is truncated")
    if decompressor.unused_data:
        raise _corrupt(encoding, f"{len(decompressor.unused_data)} bytes follow its end")
    return plain


def _corrupt(encoding: str | None, problem: str) -> HttpError:
    return HttpError(
        400, f"the body is not what Content-Encoding: {encoding} says: {problem}", reason="encoding"
    )
