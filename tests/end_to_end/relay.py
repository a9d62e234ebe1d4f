"""Stands between adapters and the flow server and logs what they posted and were answered.

The checker needs to know every message; an adapter keeps no such log.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import unquote

import httpx
import uvicorn

from flow_contract.service.listening import ListenAddress, listening_socket
from flow_simulator.checker import Answered, Log, Posting

OF_ONE_CONNECTION = {b"host", b"connection", b"keep-alive", b"transfer-encoding", b"content-length"}


class Relay:
    """Hands requests on to `target`, an URL, one by one; what the target does not answer is a 502."""

    def __init__(self, target: str, log: Log) -> None:
        self._target = target
        self._log = log
        self._serial = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[int]:
        """Serve on a free port; gives the port."""
        config = uvicorn.Config(
            self._serve, lifespan="off", log_config=None, access_log=False, loop="none", interface="asgi3"
        )
        server = _Server(config)
        with listening_socket(ListenAddress("127.0.0.1", 0)) as listener:
            async with httpx.AsyncClient(timeout=30.0) as self._client:
                serving = asyncio.create_task(server.serve(sockets=[listener]))
                try:
                    yield listener.getsockname()[1]
                finally:
                    server.should_exit = server.force_exit = True
                    await serving

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        headers = [(name, value) for name, value in scope["headers"] if name not in OF_ONE_CONNECTION]
        path: bytes = scope["raw_path"]
        if scope["method"] == "POST" and path.endswith(b"/events"):
            answer = await self._recorded(path.decode(), headers, body)
        else:
            answer = await self._handed_on(scope["method"], path.decode(), headers, body)
        status, headers, content = answer or (502, [], b"")
        headers = [(name, value) for name, value in headers if name.lower() not in OF_ONE_CONNECTION]
        if status != 304:
            headers.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _recorded(self, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Any:
        self._serial += 1
        serial, named = self._serial, dict(headers)
        writer = unquote(named[b"flow-emitter"].decode())
        key = named.get(b"idempotency-key")
        self._log.write(
            Posting(
                writer=writer,
                serial=serial,
                flow=unquote(path.split("/")[-2]),
                messages=tuple(json.loads(line) for line in body.split(b"\n") if line.strip()),
                key=None if key is None else key.decode(),
                at_ns=time.monotonic_ns(),
            )
        )
        answer = await self._handed_on("POST", path, headers, body)
        told: dict[str, Any] = json.loads(answer[2]) if answer and answer[0] == 200 else {}
        self._log.write(
            Answered(
                writer=writer,
                serial=serial,
                at_ns=time.monotonic_ns(),
                status=answer[0] if answer else None,
                seq=told.get("seq"),
                count=told.get("count"),
                epoch=told.get("epoch"),
                error=answer[2].decode()[:300] if answer and answer[0] != 200 else None,
            )
        )
        return answer

    async def _handed_on(
        self, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
        """Status, headers and raw body of the target's answer; `None` when no whole one came."""
        try:
            async with self._client.stream(
                method, f"{self._target}{path}", headers=headers, content=body
            ) as response:
                content = b"".join([piece async for piece in response.aiter_raw()])
                return response.status_code, list(response.headers.raw), content
        except httpx.HTTPError:
            return None


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave signals to pytest."""
        yield
