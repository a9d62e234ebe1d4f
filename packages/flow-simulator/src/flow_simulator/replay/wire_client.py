"""The plainest HTTP/1.1 client: one request a connection, the time of each line, how the stream ended."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field


@dataclass
class WireAnswer:
    """What came back: `ended` is `clean`, or `cut` when the connection went before the body's end."""

    status: int
    headers: dict[str, str]
    lines: list[tuple[float, bytes]] = field(default_factory=list[tuple[float, bytes]])
    body: bytes = b""
    ended: str = "clean"


async def _body_parts(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    if headers.get("transfer-encoding") == "chunked":
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            yield (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        yield await reader.readexactly(int(headers.get("content-length", "0")))


async def ask(
    port: int,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str],
    body: bytes = b"",
    close_after_s: float | None = None,
) -> WireAnswer:
    """Send one request and read its answer to the end, or until we close. Raises OSError, EOFError."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}"] if body or method != "GET" else []
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        found = dict(line.split(": ", 1) for line in head[1:] if line)
        answer = WireAnswer(int(head[0].split()[1]), found)
        lower = {name.lower(): value for name, value in found.items()}
        pending = b""
        try:
            async with asyncio.timeout(close_after_s):
                async for part in _body_parts(reader, lower):
                    answer.body += part
                    *whole, pending = (pending + part).split(b"\n")
                    answer.lines += [(loop.time() - began, line) for line in whole]
        except TimeoutError:
            answer.ended = "client closed"
        except (asyncio.IncompleteReadError, ConnectionError):
            answer.ended = "cut"
        return answer
    finally:
        writer.close()
