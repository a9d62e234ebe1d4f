"""A stream over a socket of one's own, for readers that stop reading, or go away in the middle."""

import asyncio
import socket
from collections.abc import AsyncGenerator

from flow_simulator.checker.frames import FrameParser, WireFrame
from flow_simulator.checker.writer import flow_url


def stream_request(flow: str, *, cursor: int | None = None) -> bytes:
    """A request for the stream, after `cursor` or from the beginning."""
    resume = "" if cursor is None else f"Last-Event-ID: {cursor}\r\n"
    return f"GET {flow_url('', flow)}/stream HTTP/1.1\r\nHost: x\r\n{resume}\r\n".encode()


async def ask_for_stream(
    port: int, flow: str, *, cursor: int | None = None, receive_buffer_bytes: int | None = None
) -> socket.socket:
    """A connection on which the stream was asked for, after `cursor`; nobody reads it yet. Raises OSError."""
    connection = socket.socket()
    try:
        connection.setblocking(False)
        if receive_buffer_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", port))
        await loop.sock_sendall(connection, stream_request(flow, cursor=cursor))
    except BaseException:
        connection.close()
        raise
    return connection


async def frames_on(connection: socket.socket, *, within_s: float) -> AsyncGenerator[WireFrame]:
    """The frames that come on it; in the end it is closed without a farewell. Raises TimeoutError.

    Heartbeats are among them. Anything but 200 is an AssertionError.
    """
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        async with asyncio.timeout(within_s):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head  # noqa: S101  what its callers have asked for
            parser = FrameParser()
            while size := int(await reader.readline(), 16):
                for frame in parser.feed((await reader.readexactly(size + 2))[:-2]):
                    yield frame
    finally:
        writer.transport.abort()
