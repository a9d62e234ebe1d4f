"""`/healthz`, `/readyz` and `/metrics`, served by uvicorn beside the work."""

import contextlib
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import uvicorn
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from flow_adapter_flux.metrics import Metrics

READY_LIMIT_S = 120.0
"""Not ready when the Kubernetes API gave no line, list or Lease for this long, in seconds."""

_PLAIN = b"text/plain; charset=utf-8"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class HealthApp:
    """The ASGI application. `silence_s` tells for how long the Kubernetes API has said nothing.

    Ready without the flow server, the definitions or the Lease: none of these is a reason to restart us, and
    a bootstrap waits for what is not ready.
    """

    def __init__(self, *, silence_s: Callable[[], float], metrics: Metrics) -> None:
        """Serve these two."""
        self._silence_s = silence_s
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; only HTTP gets here."""
        status, kind, body = self._answer(scope["method"], scope["path"])
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, method: str, path: str) -> tuple[int, bytes, bytes]:
        if path not in {"/healthz", "/readyz", "/metrics"}:
            return 404, _PLAIN, b"not found: there are /healthz, /readyz and /metrics\n"
        if method not in {"GET", "HEAD"}:
            return 405, _PLAIN, b"only GET\n"
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST.encode(), generate_latest(self._metrics.registry)
        silence_s = self._silence_s()
        if path == "/readyz" and silence_s > READY_LIMIT_S:
            return 503, _PLAIN, b"the Kubernetes API has said nothing for %d s\n" % silence_s
        return 200, _PLAIN, b"ok\n"


class HealthServer(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    def __init__(self, app: HealthApp) -> None:
        """Serve `app` once `serve` is awaited."""
        super().__init__(
            uvicorn.Config(
                app,  # pyright: ignore[reportArgumentType] - uvicorn's own ASGI types are narrower
                http="h11",
                ws="none",
                lifespan="off",
                interface="asgi3",
                access_log=False,
                server_header=False,
                log_config=None,
                limit_concurrency=64,
                timeout_keep_alive=65,
                timeout_graceful_shutdown=1,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield
