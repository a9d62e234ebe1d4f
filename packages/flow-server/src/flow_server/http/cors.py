"""Pages of other origins: those that are named, exactly, may read and write. Source: WHATWG Fetch, CORS."""

from litestar.types import HTTPScope

from flow_contract import shown
from flow_server.http.bodies import header
from flow_server.http.errors import HttpError

ALLOWED_HEADERS = "Authorization, Content-Type, Flow-Emitter, Idempotency-Key, If-None-Match, Last-Event-ID"
"""What such a page may send."""

EXPOSED_HEADERS = "ETag, Retry-After"
"""What it may see beside the body."""


def cors_headers(scope: HTTPScope, origins: frozenset[str]) -> list[tuple[bytes, bytes]]:
    """What lets a page of this request's origin read the answer; nothing when the origin is not named.

    Never with credentials: there are no cookies, and tokens are sent by the page's own code.
    """
    origin = header(scope, b"origin") if origins else None
    if origin is None:
        return []
    vary = [(b"vary", b"Origin")]
    if origin not in origins:
        return vary
    headers = [
        *vary,
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", EXPOSED_HEADERS.encode()),
    ]
    if scope["method"] == "OPTIONS":
        headers += [
            (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE"),
            (b"access-control-allow-headers", ALLOWED_HEADERS.encode()),
            (b"access-control-max-age", b"600"),
        ]
    return headers


def check_origin(scope: HTTPScope, origins: frozenset[str]) -> None:
    """Refuse a post by a page of another origin. Raises `HttpError` (403). Source: W3C Fetch Metadata.

    Browsers post a body without a type without asking first, and a gate in front may add who is signed in.
    """
    if header(scope, b"sec-fetch-site") in ("cross-site", "same-site"):
        origin = header(scope, b"origin")
        if origin not in origins:
            raise HttpError(
                403,
                f"a page of {shown(origin or 'another origin')} may not post here (FLOW_SERVER_CORS_ORIGINS)",
                reason="another origin",
            )
