"""A TCP proxy on loopback that breaks what goes through it, as networks do. It knows nothing of HTTP.

async with Proxy(("127.0.0.1", port)) as proxy:
    ...  # clients connect to proxy.url
    proxy.faults = Faults(delay_s=0.2, piece_bytes=1)
    proxy.cut()
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

PIECE_BYTES = 65_536
"""How much is handed on at once without a fault."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing sends a reset and forgets what was not sent."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What is wrong with the network, for open and for new connections; without arguments nothing is."""

    refuse: bool = False
    """Each new connection is reset as soon as it is there; open ones go on."""
    stall: bool = False
    """Nothing goes through, in no direction, and nobody is told: half-open connections, a partition."""
    delay_s: float = 0.0
    """How much later each piece arrives, in seconds."""
    piece_bytes: int = PIECE_BYTES
    """How many bytes are handed on at once; with 1 the other end sees each byte by itself."""
    bytes_per_s: float | None = None
    """How much goes through each direction of a connection in a second."""


class Proxy:
    """Listens on a free port of loopback and hands everything on to `target`; an async context manager."""

    def __init__(self, target: tuple[str, int]) -> None:
        """Not listening yet; `target` is host and port, and may change for connections to come."""
        self.target = target
        self.accepted = 0
        """How many connections there were, refused ones too."""
        self._faults = Faults()
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._break_after: int | None = None

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and cut what is open."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections go through to the target."""
        return len(self._open)

    @property
    def faults(self) -> Faults:
        """What is wrong now. What a fault held back goes on when it is taken away."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._changed.set()
        self._changed = asyncio.Event()

    async def emptied(self) -> None:
        """Wait until no connection is open."""
        while self._open:
            self._ended.clear()
            await self._ended.wait()

    def cut(self) -> None:
        """Reset every open connection at both ends."""
        for connection in tuple(self._open):
            connection.reset()

    def silence(self) -> None:
        """Hand nothing on any more over the connections that are open, and tell nobody, until they are cut.

        So do gateways that forgot a connection; new ones go through.
        """
        for connection in self._open:
            connection.heard.clear()

    def break_answer_after(self, answered_bytes: int) -> None:
        """End the connection that gets the next answer, after so many more bytes of it."""
        self._break_after = answered_bytes

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: the one that asyncio makes for a coroutine complains when it is cancelled.
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, to its end."""
        self.accepted += 1
        ends = [writer]
        try:
            await self._not_stalled()
            if not self._faults.refuse:
                from_server, to_server = await asyncio.open_connection(*self.target)
                ends.append(to_server)
                await self._connect(_Connection(ends), reader, writer, from_server, to_server)
        except OSError:
            pass  # the target is away: the client's connection is reset, which is what it would see
        finally:
            for end in ends:
                _reset(end)

    async def _connect(
        self,
        connection: "_Connection",
        from_client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        """Hand on both ways until both ways have ended."""
        self._open.add(connection)
        try:
            await asyncio.gather(
                self._hand_on(connection, from_client, to_server, answers=False),
                self._hand_on(connection, from_server, to_client, answers=True),
            )
        finally:
            self._open.discard(connection)
            self._ended.set()

    async def _hand_on(
        self,
        connection: "_Connection",
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        *,
        answers: bool,
    ) -> None:
        """One direction of a connection, to its end."""
        try:
            while True:
                await self._not_stalled()
                piece = await source.read(self._faults.piece_bytes)
                await self._travel(len(piece))
                await connection.heard.wait()
                if answers and piece and (breaks := self._breaks_in(connection, piece)) is not None:
                    sink.write(piece[:breaks])
                    sink.close()  # a reset would be quicker than the last bytes
                    connection.reset()
                    return
                if not piece:
                    sink.write_eof()
                    return
                sink.write(piece)
                await sink.drain()
        except OSError:
            connection.reset()

    async def _not_stalled(self) -> None:
        while self._faults.stall:
            await self._changed.wait()

    async def _travel(self, count: int) -> None:
        """Take the time that a piece of `count` bytes takes now."""
        rate = self._faults.bytes_per_s
        wait_s = self._faults.delay_s + (count / rate if rate else 0.0)
        if wait_s:
            await asyncio.sleep(wait_s)
        await self._not_stalled()

    def _breaks_in(self, connection: "_Connection", piece: bytes) -> int | None:
        """Where in a piece of an answer the connection breaks; `None`: not in this one."""
        if self._break_after is not None:
            connection.break_after, self._break_after = self._break_after, None
        if connection.break_after is None:
            return None
        if connection.break_after <= len(piece):
            return connection.break_after
        connection.break_after -= len(piece)
        return None


class _Connection:
    """The writing ends of one connection, and after how many more bytes of an answer it breaks."""

    def __init__(self, ends: list[asyncio.StreamWriter]) -> None:
        self._ends = ends
        self.heard = asyncio.Event()
        self.heard.set()
        self.break_after: int | None = None

    def reset(self) -> None:
        """End it at both ends at once, but for what is ending by itself already."""
        self.heard.set()
        for end in self._ends:
            _reset(end)


def _reset(end: asyncio.StreamWriter) -> None:
    """End a connection at once, without a farewell."""
    if end.transport.is_closing():
        return
    end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    end.transport.abort()
