"""The floor: one `asyncio.Protocol` on uvloop that writes the same bytes as the server and does nothing else.

No routing, decoding, folding, ring, resume or limits: what any server in this language has to pay. A GET is a
stream that begins with a snapshot; a POST's body is a message, or NDJSON, sent to all streams.
"""

import asyncio
import socket
import sys
from typing import cast

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One transfer chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Floor(asyncio.Protocol):
    """One connection: a stream after its GET, else a sequence of POSTs."""

    streams: set[asyncio.Transport] = set()  # noqa: RUF012
    sequence = 1
    snapshot = b'event: snapshot\nid: 1\ndata: {"type":"snapshot","nodes":[],"relationships":[]}\n\n'

    def __init__(self) -> None:
        """Nothing received yet."""
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a stream."""
        self.streams.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        """Answer every whole request in the buffer."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            if head.startswith(b"get"):
                self.buffer = self.buffer[end + 4 :]
                self.transport.write(HEAD + chunk(self.snapshot))
                self.streams.add(self.transport)
                continue
            start = head.index(b"content-length:") + 15
            length = int(head[start:].split(b"\r\n", 1)[0])
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            self.publish(body)

    def publish(self, body: bytes) -> None:
        """Send each line to every stream, and answer."""
        for line in body.splitlines():
            Floor.sequence += 1
            event = line[9 : line.index(b'"', 9)]
            frame = chunk(b"event: %b\nid: %d\ndata: %b\n\n" % (event, self.sequence, line))
            for stream in self.streams:
                stream.write(frame)
        answer = b'{"seq":%d}' % self.sequence
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
        self.transport.write(head % (len(answer), answer))


async def serve(snapshot_bytes: int) -> None:
    """Serve on a free port, printed on the first line of standard output, until the process is ended."""
    Floor.snapshot = b'event: snapshot\nid: 1\ndata: {"type":"snapshot","pad":"%b"}\n\n' % (
        b"x" * snapshot_bytes
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    server = await asyncio.get_running_loop().create_server(Floor, sock=listener)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 64))
