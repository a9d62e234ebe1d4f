"""`GET /healthz` and `GET /readyz`: constant answers, open to everybody."""

from litestar import MediaType, get
from litestar.di import NamedDependency

from flow_server.http.errors import HttpError
from flow_server.hub import Hub


@get("/healthz", summary="Whether the process lives", media_type=MediaType.TEXT)
async def healthz() -> str:
    """Always `ok`."""
    return "ok"


@get("/readyz", summary="Whether the server takes writes", media_type=MediaType.TEXT)
async def readyz(hub: NamedDependency[Hub]) -> str:
    """`ok`, or 503 while the server stops or its store does not take writes."""
    if hub.stopping:
        raise HttpError(503, "the server is stopping", reason="not ready", retry_after_s=1)
    if not hub.store.writable():
        raise HttpError(503, "the store does not take writes", reason="not ready", retry_after_s=1)
    return "ok"
