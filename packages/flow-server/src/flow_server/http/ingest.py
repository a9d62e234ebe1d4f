"""`POST /v1/flows/{flowId}/events`: one `ingest` for every door.

`EventsDoor` is a plain ASGI function that stands in front of the router, where a request costs a third of
what a handler costs; the route behind it, which OpenAPI describes, answers with the same function.
"""

import asyncio
import hashlib
import re
from typing import Any, cast
from urllib.parse import unquote

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from flow_contract import decode_batch, has_control_character, shown
from flow_server.core.grants import EVERYBODY, Identity, Principal
from flow_server.core.identity import identity_in
from flow_server.core.texts import TEXT_CHARACTERS, check_texts
from flow_server.http import audit
from flow_server.http.answers import encoded_headers, send_answer, send_error
from flow_server.http.authorise import authorise_emitter, authorise_messages
from flow_server.http.bodies import (
    BodyTooLarge,
    ClientGone,
    InFlight,
    Share,
    header,
    peer_of,
    read_body,
    unpacked,
)
from flow_server.http.caching import DATA_HEADERS
from flow_server.http.errors import HttpError, answer_to
from flow_server.http.flow_path import flow_id_of
from flow_server.http.rates import Rates
from flow_server.hub import Hub

KEY_CHARACTERS = 256
"""Longest `Idempotency-Key` and `Flow-Emitter`, in characters."""

EMITTER_SYNTAX = "([!-$&-~]|%[0-9A-Fa-f]{2})+"
"""What `Flow-Emitter` looks like: printable ASCII, the percent sign only in escapes."""

_EMITTER = re.compile(EMITTER_SYNTAX)

DRAIN_BYTES = 4 * 2**20
"""How much of a body that is too large is read and thrown away, so that the client sees the 413."""

DRAIN_S = 5.0
"""How long that may take, in seconds."""

_JSON = "application/json"
_NDJSON = "application/x-ndjson"
_ANSWER_HEADERS = encoded_headers({"Content-Type": _JSON, **DATA_HEADERS})

_encode = msgspec.json.Encoder().encode


class IngestBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one POST may bring."""

    body_bytes: int = 2**20
    """Longest body, packed and unpacked."""
    batch_messages: int = 1024
    in_flight_bytes: int = 64 * 2**20
    """Bytes of bodies that may be under way, all requests together."""
    messages_per_s: int = 0
    """Messages a second that each principal may post; 0: any number."""
    bytes_per_s: int = 0
    """Bytes of bodies, unpacked, a second that each principal may post; 0: any number."""


async def ingest(
    hub: Hub,
    flow_id: str,
    body: bytes,
    *,
    bounds: IngestBounds,
    content_type: str | None = None,
    encoding: str | None = None,
    key: str | None = None,
    identity: Identity = EVERYBODY,
    peer: str | None = None,
    rates: Rates | None = None,
    share: Share | None = None,
) -> bytes:
    """Take in a body; the answer's JSON. Raises what `answer_to` knows; then nothing was applied."""
    lines = _is_lines(content_type)
    if encoding is not None:
        body = unpacked(body, encoding=encoding, limit_bytes=bounds.body_bytes)
        if share is not None:
            share.hold(len(body))
    if rates is not None:
        rates.take_bytes(identity, len(body))
    messages = decode_batch(body, flow_id=flow_id, lines=lines)
    if len(messages) > bounds.batch_messages:
        raise HttpError(
            413,
            f"expected a batch of at most {bounds.batch_messages} messages, found {len(messages)}",
            reason="batch too large",
        )
    longest = max(map(len, body.split(b"\n"))) if lines else len(body)
    if longest > TEXT_CHARACTERS:  # else no text in it is longer
        check_texts(messages, batch=lines or body.lstrip(b" \t\r\n").startswith(b"["))
    if rates is not None:
        rates.take_messages(identity, len(messages))
    if identity is not EVERYBODY:
        authorise_messages(identity, flow_id, messages)
    accepted = await hub.ingest(flow_id, messages, key=key)
    audit.snapshots_taken_in(identity, flow_id, messages, sequence=accepted.seq, peer=peer)
    return _encode(accepted)


def _is_lines(content_type: str | None) -> bool:
    media_type = (content_type or _JSON).split(";", 1)[0].strip().lower()
    if media_type not in (_JSON, _NDJSON):
        raise HttpError(
            415,
            f"Content-Type: expected {_JSON} for a message or an array of messages, or {_NDJSON} for one "
            f"message a line, found {shown(content_type or '')}",
            reason="content type",
        )
    return media_type == _NDJSON


def emitter_of(scope: HTTPScope) -> str | None:
    """The name in the header `Flow-Emitter`, percent-decoded. Raises `HttpError`."""
    if (value := header(scope, b"flow-emitter")) is None:
        return None
    try:
        name = unquote(value, errors="strict") if _EMITTER.fullmatch(value) else ""
    except UnicodeDecodeError:
        name = ""
    if not 1 <= len(name) <= KEY_CHARACTERS or has_control_character(name):
        raise HttpError(
            400,
            f"Flow-Emitter: expected a percent-encoded name of 1 to {KEY_CHARACTERS} characters, "
            f"found {shown(value)}",
            reason="emitter",
        )
    return name


def _key_of(scope: HTTPScope) -> str | None:
    key = header(scope, b"idempotency-key")
    if key is not None and not 1 <= len(key) <= KEY_CHARACTERS:
        raise HttpError(
            400, f"Idempotency-Key: expected 1 to {KEY_CHARACTERS} characters, found {len(key)}", reason="key"
        )
    return key


def _own_key(key: str | None, identity: Identity) -> str | None:
    """The key as the store is to know it: what one principal has sent must not swallow what another sends."""
    if key is None or identity is EVERYBODY or not isinstance(identity, Principal):
        return key
    return hashlib.sha256(_encode([identity.name, key])).hexdigest()


class EventsDoor:
    """Answers a POST of events over ASGI."""

    def __init__(self, hub: Hub, *, bounds: IngestBounds) -> None:
        """A door to `hub`."""
        self._hub = hub
        self._bounds = bounds
        self._rates = Rates(messages_per_s=bounds.messages_per_s, bytes_per_s=bounds.bytes_per_s)
        self._in_flight = InFlight(limit_bytes=bounds.in_flight_bytes)

    async def answer(self, flow_id: str, scope: HTTPScope, receive: Receive, send: Send) -> int:
        """Answer the request; returns the status, 499 when the client went away before its body was whole."""
        identity = identity_in(cast("dict[str, Any]", scope))
        share = Share(self._in_flight)
        try:
            emitter, key = emitter_of(scope), _key_of(scope)
            if emitter is not None:
                authorise_emitter(identity, flow_id)
            answer = await ingest(
                self._hub,
                flow_id,
                await read_body(scope, receive, limit_bytes=self._bounds.body_bytes, share=share),
                bounds=self._bounds,
                content_type=header(scope, b"content-type"),
                encoding=header(scope, b"content-encoding"),
                key=_own_key(key, identity),
                identity=identity,
                peer=peer_of(scope),
                rates=self._rates,
                share=share,
            )
        except ClientGone:
            return 499
        except Exception as error:
            if (problem := answer_to(error)) is None:
                raise
            self._hub.stats.rejected[problem.reason] += 1
            if isinstance(error, HttpError) and error.status in (401, 403):
                audit.write_refused(identity, flow_id, error, method="POST", peer=peer_of(scope))
            if isinstance(error, BodyTooLarge) and error.unread:
                problem.headers["Connection"] = "close"
                await send_error(send, problem, more_body=True)
                await _drain(scope, receive)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await send_error(send, problem)
            return problem.status
        finally:
            share.release()
        if emitter is not None:
            self._hub.heard(flow_id, emitter)
        await send_answer(send, status=200, headers=_ANSWER_HEADERS, body=answer)
        return 200


async def _drain(scope: HTTPScope, receive: Receive) -> None:
    """Read on for a while: closing on a client that still sends would lose it the answer (RFC 9112, 9.6)."""
    if header(scope, b"expect") is not None:
        return  # it waits for our word before it sends, and has it now
    drained = 0
    try:
        async with asyncio.timeout(DRAIN_S):
            while drained < DRAIN_BYTES:
                message = await receive()
                if message["type"] != "http.request":
                    return
                drained += len(message["body"])
                if not message["more_body"]:
                    return
    except TimeoutError:
        return


class _Answered(Response[None]):
    """A response that the door writes itself."""

    def __init__(self, door: EventsDoor, flow_id: str) -> None:
        super().__init__(None)
        self._door = door
        self._flow_id = flow_id

    def to_asgi_response(self, app: object, request: object, **_: object) -> ASGIApp:  # type: ignore[override]
        return self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door.answer(self._flow_id, scope, receive, send)  # type: ignore[arg-type]


@post("/v1/flows/{flow_id:str}/events", status_code=200, summary="Take in a message or a batch")
async def post_events(flow_id: FromPath[str], door: NamedDependency[EventsDoor]) -> _Answered:
    """One message, an array of messages, or NDJSON; whole or not at all."""
    return _Answered(door, flow_id_of(flow_id))
