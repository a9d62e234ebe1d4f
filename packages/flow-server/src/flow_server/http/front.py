"""What every request passes before the router: its path made strict, the prefix off, headers on.

Posts of events leave here through their own door. Source: `flow_path`; RFC 9110, section 9.3.2 (HEAD).
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from flow_server.core.identity import identity_in
from flow_server.http import audit
from flow_server.http.access_log import CLIENT_GONE, AccessLog
from flow_server.http.answers import encoded_headers, send_answer, send_error
from flow_server.http.authorise import authorise
from flow_server.http.bodies import header, peer_of
from flow_server.http.cors import check_origin, cors_headers
from flow_server.http.errors import HttpError, answer_to
from flow_server.http.flow_path import (
    BadPathError,
    check_flow_id,
    routed_path,
    segments_of,
    without_prefix,
)
from flow_server.http.forwarded import Network, client_address
from flow_server.http.ingest import EventsDoor
from flow_server.stats import Stats

EVENTS_SEGMENT = "events"
EVENTS_ROUTE = "/v1/flows/{flow_id}/events"


def security_headers(*, frame_ancestors: str = "'none'") -> dict[str, str]:
    """Headers of every answer. The page needs scripts, styles and requests from here and nothing else."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {frame_ancestors}; "
        "require-trusted-types-for 'script'; trusted-types flow-canvas"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def check_query(query: bytes) -> None:
    """Refuse a token in a URL. Raises `HttpError`. Source: RFC 9700, section 4.3.2."""
    if b"access_token=" in query:
        raise HttpError(
            400,
            "a token in the URL is kept by logs and histories: send it as Authorization: Bearer TOKEN",
            reason="token in url",
        )


def raw_path_of(scope: HTTPScope) -> bytes:
    """The path as it was sent, without the query; of servers that do not keep it, what it must have been."""
    return cast("dict[str, Any]", scope).get("raw_path") or quote(scope["path"]).encode()


class Front:
    """The outermost ASGI application of the HTTP side."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        events: EventsDoor,
        stats: Stats,
        prefix: str,
        headers: dict[str, str],
        methods: Mapping[str, str],
        metrics_open: bool = False,
        cors_origins: frozenset[str] = frozenset(),
        trusted_proxies: Sequence[Network] = (),
        access_log: AccessLog,
    ) -> None:
        """Stand in front of `app`, whose routes have `methods`; `prefix` is empty or like `/sovereign`."""
        self._app = app
        self._events = events
        self._stats = stats
        self._prefix = prefix.encode()
        self._headers = encoded_headers(headers)
        self._methods = {route: allowed.encode() for route, allowed in methods.items()}
        self._metrics_open = metrics_open
        self._cors_origins = cors_origins
        self._trusted_proxies = trusted_proxies
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; anything else than HTTP goes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        began_s = time.perf_counter()
        status = size_bytes = 0
        method = scope["method"]
        headers = self._headers
        if self._cors_origins:
            headers = [*headers, *cors_headers(scope, self._cors_origins)]
        if self._trusted_proxies and (peer := scope["client"]) is not None:
            address = client_address(peer[0], header(scope, b"x-forwarded-for"), self._trusted_proxies)
            scope["client"] = (address, peer[1])

        async def send_counted(message: Message) -> None:
            nonlocal status, size_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                own = message.get("headers", ())
                if status == 204 and (allowed := self._allowed(scope)):
                    own = [*(pair for pair in own if pair[0] != b"allow"), (b"allow", allowed)]
                message["headers"] = [*own, *headers]
            elif message["type"] == "http.response.body":
                size_bytes += len(message["body"])
            await send(message)

        told_status = 500  # what the server below answers when an exception gets as far as it
        try:
            scope, route = await self._routed(scope, receive, send_counted)
            if route is None:
                await self._app(scope, receive, send_counted)
                route = cast("dict[str, Any]", scope).get("path_template", "unknown")
            self._stats.requests[route, status] += 1
            told_status = CLIENT_GONE
        finally:
            told_status = status or told_status
            if self._access_log.wants(told_status):
                self._access_log.finished(
                    scope,
                    path=raw_path_of(scope),
                    method=method,
                    status=told_status,
                    size_bytes=size_bytes,
                    took_s=time.perf_counter() - began_s,
                )

    def _allowed(self, scope: Scope) -> bytes | None:
        """The methods of the route, for `Allow`: the framework names those of one of its handlers."""
        return self._methods.get(cast("dict[str, Any]", scope).get("path_template", ""))

    async def _routed(self, scope: HTTPScope, receive: Receive, send: Send) -> tuple[HTTPScope, str | None]:
        """The scope for the router, or the route of a request that was answered here."""
        raw_path = raw_path_of(scope)
        identity = identity_in(cast("dict[str, Any]", scope))
        flow_id = None
        try:
            if (below := without_prefix(raw_path, prefix=self._prefix)) is None:
                location = [(b"location", self._prefix + b"/")]
                await send_answer(send, status=308, headers=location, body=b"")
                return scope, "prefix"
            segments = segments_of(below)
            of_a_flow = segments[:2] == ["v1", "flows"] and len(segments) > 2 and segments[2:] != [""]
            if of_a_flow:
                flow_id = segments[2]
                check_flow_id(flow_id)
            check_query(scope["query_string"])
            if scope["method"] == "POST":
                check_origin(scope, self._cors_origins)
            authorise(identity, method=scope["method"], segments=segments, metrics_open=self._metrics_open)
        except (BadPathError, HttpError) as error:
            if (problem := answer_to(error)) is not None:
                self._stats.rejected[problem.reason] += 1
                await send_error(send, problem)
            if (
                isinstance(error, HttpError)
                and error.status in (401, 403)
                and scope["method"] in ("POST", "DELETE")
            ):
                audit.write_refused(identity, flow_id, error, method=scope["method"], peer=peer_of(scope))
            return scope, "refused"
        if of_a_flow and segments[3:] == [EVENTS_SEGMENT] and scope["method"] == "POST":
            await self._events.answer(segments[2], scope, receive, send)
            return scope, EVENTS_ROUTE
        if scope["method"] == "HEAD" and segments[-1] != "stream":
            scope = scope.copy()  # the server below keeps its own, and so sends no body to a HEAD
            scope["method"] = "GET"
        scope["path"] = routed_path(segments)
        return scope, None
