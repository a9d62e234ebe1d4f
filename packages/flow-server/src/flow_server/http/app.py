"""The application: routes over one hub, and what stands in front of them."""

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version as version_of
from typing import Any

import structlog
from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp

from flow_contract import shown
from flow_server.http.access_log import AccessLog
from flow_server.http.errors import HttpError, answer_to, unknown_path
from flow_server.http.flows import delete_flow, get_flow, list_flows
from flow_server.http.forwarded import Network
from flow_server.http.front import Front, security_headers
from flow_server.http.health import healthz, readyz
from flow_server.http.history import get_history
from flow_server.http.ingest import EventsDoor, IngestBounds, post_events
from flow_server.http.metrics import AuthState, get_metrics, registry_of
from flow_server.http.openapi import openapi_config
from flow_server.http.page import CANVAS, Page, get_asset, get_page
from flow_server.http.snapshot import SnapshotCache, get_snapshot
from flow_server.http.stream import stream_flow
from flow_server.hub import Hub

log = structlog.get_logger(__name__)


def create_app(
    hub: Hub,
    *,
    bounds: IngestBounds | None = None,
    prefix: str = "",
    frame_ancestors: str = "'none'",
    metrics_open: bool = False,
    cors_origins: frozenset[str] = frozenset(),
    trusted_proxies: Sequence[Network] = (),
    authority: AuthState | None = None,
    access_log: AccessLog | None = None,
) -> ASGIApp:
    """The HTTP side over a hub that is running. `prefix` is where a proxy shows it, stripped or not.

    `authority` is only asked for its numbers; who may do what comes in the scope.
    """
    version = version_of("flow-server")
    door = EventsDoor(hub, bounds=bounds or IngestBounds())
    app = Litestar(
        route_handlers=[
            delete_flow,
            get_asset,
            get_flow,
            get_history,
            get_metrics,
            get_page,
            get_snapshot,
            healthz,
            list_flows,
            post_events,
            readyz,
            stream_flow,
        ],
        dependencies={
            "hub": _always(hub),
            "door": _always(door),
            "page": _always(Page.built_into(CANVAS, version=version)),
            "metrics": _always(registry_of(hub, authority)),
            "snapshots": _always(SnapshotCache()),
        },
        exception_handlers={Exception: _answer_error},
        openapi_config=openapi_config(title="flow-server", version=version),
        logging_config=None,
    )
    return Front(
        app,
        events=door,
        stats=hub.stats,
        prefix=prefix,
        methods=_methods_of(app),
        headers=security_headers(frame_ancestors=frame_ancestors),
        metrics_open=metrics_open,
        cors_origins=cors_origins,
        trusted_proxies=trusted_proxies,
        access_log=access_log or AccessLog(),
    )


def _methods_of(app: Litestar) -> dict[str, str]:
    """Path template -> the methods that may be asked of it; every GET but of the stream is a HEAD too."""
    return {
        route.path_format: _allowed(route.methods, route.path_format)
        for route in app.routes
        if isinstance(route, HTTPRoute)
    }


def _allowed(methods: Iterable[str], path: str) -> str:
    """`Allow` of a path, or a template of paths: with the HEAD that the framework does not know of."""
    allowed = set(methods)
    if "GET" in allowed and not re.fullmatch(r"/v1/flows/[^/]+/stream/?", path):
        allowed.add("HEAD")
    return ", ".join(sorted(allowed))


def _always(value: object) -> Provide:
    """A dependency that is the same for every request."""

    def provided() -> Any:
        return value

    return Provide(provided, sync_to_thread=False)


def _as_ours(error: HTTPException, *, method: str, path: str) -> HttpError:
    """What the framework refuses, in the form of our own errors."""
    if error.status_code == 404:
        return unknown_path(path)
    headers, detail = dict(error.headers or {}), error.detail
    if error.status_code == 405:
        allowed = _allowed(headers.get("allow", "").split(", "), path)
        headers, detail = {"Allow": allowed}, f"method: expected one of {allowed}, found {shown(method)}"
    return HttpError(error.status_code, detail, reason=f"http {error.status_code}", headers=headers)


def _answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Any exception of a route as JSON; what we do not know is logged and a 500."""
    if isinstance(error, HTTPException):
        error = _as_ours(error, method=request.method, path=request.scope["path"])
    if (answer := answer_to(error)) is None:
        log.error("request failed", method=request.method, path=request.scope["path"], exc_info=error)
        answer = answer_to(HttpError(500, "internal error", reason="internal error"))
        assert answer is not None  # noqa: S101
    return Response(
        answer.body, status_code=answer.status, headers=answer.headers, media_type="application/json"
    )
