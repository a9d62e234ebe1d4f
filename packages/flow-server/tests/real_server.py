"""A running server as tests see it: a client of it, and a real reader of its streams."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from flow_server.hub import Hub

DEADLINE_S = 20.0


@dataclass(frozen=True)
class Event:
    """A frame as a reader sees it."""

    type: str
    id: int | None
    data: Any


class EventReader:
    """Reads frames off a stream, one at a time."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.raw = b""
        self._chunks = response.aiter_raw()
        self._rest = b""

    async def next(self, *, within_s: float = DEADLINE_S) -> Event | None:
        """The next frame; `None` at the end of the stream. `retry:` lines are skipped."""
        async with asyncio.timeout(within_s):
            while True:
                while b"\n\n" not in self._rest:
                    chunk = await anext(self._chunks, None)
                    if chunk is None:
                        return None
                    self.raw += chunk
                    self._rest += chunk
                frame, self._rest = self._rest.split(b"\n\n", 1)
                fields = dict(line.split(": ", 1) for line in frame.decode().split("\n"))
                if "event" in fields:
                    number = fields.get("id")
                    return Event(
                        fields["event"], None if number is None else int(number), json.loads(fields["data"])
                    )

    async def take(self, count: int) -> list[Event]:
        """The next `count` frames; fails at the end of the stream."""
        events = [await self.next() for _ in range(count)]
        assert None not in events, "the stream ended"
        return [event for event in events if event is not None]


class Served:
    """A running server and a client of it."""

    def __init__(self, port: int, hub: Hub, client: httpx.AsyncClient, stop: Callable[[], None]) -> None:
        self.port = port
        self.hub = hub
        self.client = client
        self.stop = stop

    def path(self, flow_id: str, rest: str) -> str:
        segment = quote(flow_id, safe="").replace(".", "%2E")  # a client may resolve dot segments itself
        return f"/v1/flows/{segment}{rest}"

    async def post(self, flow_id: str, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        headers = {"content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await self.client.post(self.path(flow_id, "/events"), content=content, headers=headers)

    async def fed(self, flow_id: str, body: Any) -> int:
        """Post, and return the sequence."""
        answer = await self.post(flow_id, body)
        assert answer.status_code == 200, answer.text
        return answer.json()["seq"]

    async def snapshot(self, flow_id: str) -> Any:
        answer = await self.client.get(self.path(flow_id, "/snapshot"))
        assert answer.status_code == 200, answer.text
        return answer.json()

    @asynccontextmanager
    async def reading(
        self, flow_id: str, *, last_event_id: int | str | None = None, query: str = ""
    ) -> AsyncGenerator[EventReader]:
        headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
        path = self.path(flow_id, "/stream") + query
        async with self.client.stream("GET", path, headers=headers) as response:
            assert response.status_code == 200
            yield EventReader(response)


Serve = Callable[..., Awaitable[Served]]


def nodes(*ids: str, status: str = "running", flow_id: str = "f", **fields: Any) -> dict[str, Any]:
    """An `upsert-nodes` message."""
    return {
        "type": "upsert-nodes",
        "nodes": [{"id": node, "flowId": flow_id, "label": node, "status": status, **fields} for node in ids],
    }


async def until(condition: Callable[[], bool], *, within_s: float = DEADLINE_S) -> None:
    """Return when the condition holds; fails after the deadline."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, "the condition did not come true"
        await asyncio.sleep(0.005)


async def raw_exchange(port: int, data: bytes, *, within_s: float = DEADLINE_S) -> bytes:
    """Send bytes as they are and read until the server closes."""

    def exchange() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=within_s) as connection:
            connection.sendall(data)
            received = b""
            while part := connection.recv(65536):
                received += part
            return received

    return await asyncio.to_thread(exchange)
