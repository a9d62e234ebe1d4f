"""`GET /v1/flows/{flowId}/stream`: server-sent events. Source: the contract, "The stream".

The route returns Litestar's own `ServerSentEvent`, subclassed: `to_asgi_response` gives a bare ASGI loop over
frames that all readers share, instead of a generator and a task group for each. Without that override the
same object streams the same frames through Litestar's own path; a test compares the two.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import structlog
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.sse import ServerSentEvent, ServerSentEventMessage
from litestar.types import ASGIApp, HTTPResponseBodyEvent, Receive, Scope, Send

from flow_server.core import sse
from flow_server.core.grants import Action
from flow_server.core.identity import permit_in
from flow_server.core.resume import cursor_of
from flow_server.flow import CHUNK_BYTES
from flow_server.http.access_log import STREAM_END, StreamEnd
from flow_server.http.answers import encoded_headers
from flow_server.http.bodies import header
from flow_server.http.caching import DATA_HEADERS
from flow_server.http.flow_path import flow_id_of
from flow_server.hub import Hub
from flow_server.reading import Connection, Ending, Reader

RETRY_MS = (1_000, 8_000)
"""Bounds of the delay after which readers come back when the server stops: not all in the same instant."""

CONNECTION = "flow_server.connection"
"""Under this name our protocol class puts itself into `scope["extensions"]`."""

HEADERS = {
    "Content-Type": "text/event-stream",
    **DATA_HEADERS,
    "X-Accel-Buffering": "no",
}
_ENCODED_HEADERS = encoded_headers(HEADERS)

log = structlog.get_logger(__name__)


class _SharedFrames(ServerSentEventMessage):
    """Frames as they are, for Litestar's own path."""

    def __init__(self, wire: bytes) -> None:
        super().__init__()
        self._wire = wire

    def encode(self) -> bytes:
        return self._wire


class FlowStream(ServerSentEvent):
    """The stream of one flow to one reader."""

    def __init__(
        self,
        hub: Hub,
        flow_id: str,
        *,
        cursor: int | None,
        peer: str | None,
        permit: Callable[[], bool] | None = None,
    ) -> None:
        """Stream what comes after `cursor`, with `None` from a snapshot on, while `permit` is true."""
        self._permit = permit
        self._hub = hub
        self._flow_id = flow_id
        self._cursor = cursor
        self._peer = peer
        super().__init__(self._messages(), headers=HEADERS)

    def to_asgi_response(self, app: object, request: object, **_: object) -> ASGIApp:  # type: ignore[override]
        """The bare loop, in place of Litestar's streaming response."""
        return self._stream

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        with self._reading() as reader:
            try:
                await send({"type": "http.response.start", "status": 200, "headers": _ENCODED_HEADERS})
                if connection is not None:
                    await reader.pushed_to(connection)
                else:
                    await _pull(reader, receive, send)
                last = _farewell() if reader.ending is Ending.SERVER_STOPS else b""
                await send({"type": "http.response.body", "body": last, "more_body": False})
            finally:
                end: StreamEnd = (_reason(reader), 0 if connection is None else reader.size_bytes)
                cast("dict[str, Any]", scope)[STREAM_END] = end

    async def _messages(self) -> AsyncGenerator[ServerSentEventMessage]:
        """The same frames for Litestar's own path."""
        with self._reading() as reader:
            while True:
                if (chunk := reader.take()) is not None:
                    yield _SharedFrames(chunk.wire)
                elif reader.ending:
                    break
                else:
                    await reader.changed()
            if reader.ending is Ending.SERVER_STOPS:
                yield _SharedFrames(_farewell())

    @contextmanager
    def _reading(self) -> Generator[Reader]:
        """The reader of this stream; one line in the log at its end."""
        with self._hub.reading(self._flow_id, cursor=self._cursor, permit=self._permit) as reader:
            try:
                yield reader
            finally:
                reason = _reason(reader)
                self._hub.stats.streams_ended[reason] += 1
                log.info(
                    "stream ended",
                    flow=self._flow_id,
                    reason=reason,
                    frames=reader.frames,
                    cursor=reader.cursor,
                    peer=self._peer,
                )


def _reason(reader: Reader) -> str:
    return (reader.ending or Ending.CLIENT_GONE).value


def connection_of(scope: Scope) -> Connection | None:
    """The connection that our own protocol class offers; other ASGI servers offer none."""
    extensions: dict[str, Any] = cast("dict[str, Any]", scope).get("extensions") or {}
    return extensions.get(CONNECTION)


async def _pull(reader: Reader, receive: Receive, send: Send) -> None:
    """Take, write, look again: the server's backpressure reaches exactly this reader."""
    listening = asyncio.create_task(_end_with_client(reader, receive), name="listen for disconnect")
    try:
        while True:
            if (chunk := reader.take()) is not None:
                for start in range(0, len(chunk.wire), CHUNK_BYTES):
                    await send(_body(chunk.wire[start : start + CHUNK_BYTES]))
            elif reader.ending:
                return
            else:
                await reader.changed()
    finally:
        listening.cancel()


async def _end_with_client(reader: Reader, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reader.end(Ending.CLIENT_GONE)


def _body(part: bytes) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": part, "more_body": True}


def _farewell() -> bytes:
    return sse.retry(delay_ms=random.randint(*RETRY_MS))  # noqa: S311


@get(
    "/v1/flows/{flow_id:str}/stream",
    summary="Read a flow as server-sent events",
    media_type="text/event-stream",
)
async def stream_flow(
    flow_id: FromPath[str], request: Request[Any, Any, Any], hub: NamedDependency[Hub]
) -> FlowStream:
    """Snapshot first, then each message; with `Last-Event-ID` exactly what came after it."""
    # The header wins: an EventSource that reconnects keeps the URL it was made with.
    last_event_id = header(request.scope, b"last-event-id")
    if last_event_id is None:
        last_event_id = request.query_params.get("lastEventId")
    cursor = cursor_of(last_event_id)
    flow_id = flow_id_of(flow_id)
    if cursor is not None:
        await hub.store.catch_up(flow_id, cursor)  # a snapshot from before the cursor would go back in time
    hub.check_room_for_reader(flow_id)
    permit = permit_in(cast("dict[str, Any]", request.scope), Action.READ, flow_id)
    peer = request.client.host if request.client else None
    return FlowStream(hub, flow_id, cursor=cursor, peer=peer, permit=permit)
