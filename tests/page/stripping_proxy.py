"""A reverse proxy as many stand before servers: takes a prefix off the path, hands bytes on as they come."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

PIECE = 65_536


class StrippingProxy:
    """Serves `prefix/` by asking the server at `target_port` for the rest of the path; all else is 404."""

    def __init__(self, prefix: str, target_port: int) -> None:
        """`prefix` begins with a slash and ends without one."""
        self.prefix = prefix
        self.target_port = target_port
        self.asked: list[str] = []
        self._open: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[str]:
        """Serve on a free port; gives the address of the prefix, without a slash at its end."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{self.prefix}"
        finally:
            server.close()
            for writer in [*self._open]:
                writer.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request for each connection: the simplest proxy there is."""
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *headers = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, path, version = first.split(" ", 2)
        self.asked.append(path)
        if path == self.prefix or path.startswith(f"{self.prefix}?"):
            location = path.replace(self.prefix, f"{self.prefix}/", 1)
            writer.write(_short("308 Permanent Redirect", f"Location: {location}\r\n"))
            await writer.drain()
            return
        if not path.startswith(f"{self.prefix}/"):
            writer.write(_short("404 Not Found"))
            await writer.drain()
            return
        back, forth = await asyncio.open_connection("127.0.0.1", self.target_port)
        self._open.add(forth)
        kept = [line for line in headers if not line.lower().startswith("connection:")]
        lines = [f"{method} {path.removeprefix(self.prefix)} {version}", *kept, "Connection: close", "", ""]
        forth.write("\r\n".join(lines).encode("latin-1"))
        up = asyncio.create_task(_pour(reader, forth))
        try:
            await _pour(back, writer)
        finally:
            up.cancel()
            self._open.discard(forth)
            forth.close()


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Hand on what comes, when it comes: a stream must not wait in a buffer."""
    while piece := await source.read(PIECE):
        target.write(piece)
        await target.drain()


def _short(status: str, more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1")
