"""A small real HTTP server that keeps one flow as the contract says, records requests, and errs on demand.

It runs in the test's own loop, so in virtual time too. The real flow server is used where time is real.
"""

import asyncio
import gzip
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from flow_contract import ContractError, FlowMessage, decode_batch, encode_message

from .picture import Picture


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def messages(self) -> list[FlowMessage]:
        return decode_batch(self.body, lines=True)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to one request. Without `stores` it changes nothing on the server."""

    status: int = 503
    body: bytes = b'{"error":"a fault"}'
    headers: dict[str, str] = field(default_factory=dict[str, str])
    stores: bool = False
    drop: bool = False
    half: bool = False
    never: bool = False
    late_s: float = 0.0
    drip_s: float = 0.0


def unheard(status: int | None, body: bytes) -> None:
    """Nobody wants to know what was answered."""


class RecordingServer:
    """One flow `flow`. `picture` is `None` while nobody has fed it."""

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.sequence = 0
        self.epoch = "e1"
        self.requests: list[Request] = []
        self.faults: deque[Fault] = deque()
        self.away: Fault | None = None
        self.token: str | None = None
        self.refuses: Callable[[FlowMessage], str | None] = lambda message: None
        self.body_limit = 1024 * 1024
        self.on_post: Callable[[Request], Callable[[int | None, bytes], None]] = lambda request: unheard
        self.on_delete: Callable[[], None] = lambda: None
        self._keys: dict[str, bytes] = {}
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def posts(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]

    @property
    def gets(self) -> list[Request]:
        return [request for request in self.requests if request.method == "GET"]

    def wipe(self, *, epoch: str | None = None) -> None:
        """Forget the flow: a DELETE or, with a new epoch, a restart."""
        self.picture = None
        self.sequence += 1
        self._keys.clear()
        if epoch is None:
            self.on_delete()
        self.epoch = epoch or self.epoch

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while await self._answer_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # streams of asyncio report a cancelled connection as an error
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        fields = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(
            method=method, path=path, headers=headers, body=body, at=asyncio.get_running_loop().time()
        )
        self.requests.append(request)
        answered = self.on_post(request) if method == "POST" else unheard
        fault = self.faults.popleft() if self.faults else self.away
        if fault is None:
            status, content, answer = self._answer(request)
            answered(status, answer)
            return await self._send(writer, status, content, answer, drip_s=0.0)
        if fault.stores:
            self._answer(request)
        # What is not this flow server's own answer tells nothing about the batch.
        answered(fault.status if fault.status >= 500 else None, b"")
        if fault.drop:
            writer.transport.abort()
            return False
        if fault.never:
            await asyncio.Event().wait()
        await asyncio.sleep(fault.late_s)
        if fault.half:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
            await writer.drain()
            return False
        if fault.status == 0:  # the right answer, late or slowly
            return await self._send(writer, *self._answer(request), drip_s=fault.drip_s)
        content = {"Content-Type": "application/json", **fault.headers}
        return await self._send(writer, fault.status, content, fault.body, drip_s=fault.drip_s)

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        headers: dict[str, str],
        body: bytes,
        *,
        drip_s: float,
    ) -> bool:
        length = {} if status in {204, 304} else {"Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, **length}.items())
        answer = f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode("latin-1") + (b"" if not length else body)
        pieces = [answer] if not drip_s else [answer[at : at + 1] for at in range(len(answer))]
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(drip_s)
        return True

    def _answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        content = {"Content-Type": "application/json"}
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return 401, content, b'{"error":{"problem":"unknown token"}}'
        if request.method == "GET":
            return self._snapshot(request, content)
        if len(request.body) > self.body_limit:
            return 413, content, b'{"error":{"problem":"too large"}}'
        return self._ingest(request, content)

    def _ingest(self, request: Request, content: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        key = request.headers.get("idempotency-key", "")
        if key and key in self._keys:
            return 200, content, self._keys[key]
        try:
            messages = request.messages
            for index, message in enumerate(messages):
                if (path := self.refuses(message)) is not None:
                    raise ContractError(path=f"$[{index}]{path}", problem="not wanted here")
        except ContractError as error:
            said = {"error": {"path": error.path, "problem": error.problem, "status": 400}}
            return 400, content, json.dumps(said).encode()
        self.picture = self.picture or Picture()
        self.picture.take(messages)
        self.sequence += len(messages)
        answer = json.dumps({"seq": self.sequence, "count": len(messages), "epoch": self.epoch}).encode()
        self._keys[key] = answer
        return 200, content, answer

    def _snapshot(self, request: Request, content: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if self.picture is None:
            return 404, content, b'{"error":{"problem":"unknown flow"}}'
        tag = f'"{self.epoch}-{self.sequence}-gzip"'
        if request.headers.get("if-none-match") == tag:
            return 304, {"ETag": tag}, b""
        body = gzip.compress(encode_message(self.picture.snapshot("flow")), compresslevel=1)
        return 200, {**content, "ETag": tag, "Content-Encoding": "gzip"}, body
