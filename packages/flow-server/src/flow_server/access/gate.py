"""The gate: a plain ASGI function around the whole application that says in the scope who asks.

It lets everybody through: what an identity may do is decided where the path is known. Middleware and guards
of the framework would not run for unknown paths and wrong methods; this does.
"""

from typing import Any, cast

import structlog
from litestar.types import ASGIApp, Receive, Scope, Send

from flow_server.access.authority import Authority
from flow_server.access.jwts import Refused
from flow_server.core.grants import Stranger
from flow_server.core.identity import IDENTITY, STILL_ALLOWED

log = structlog.get_logger(__name__)


class Gate:
    """Stands around `app`."""

    def __init__(self, app: ASGIApp, authority: Authority) -> None:
        """Ask `authority` who each request speaks for."""
        self._app = app
        self._authority = authority

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note who asks, and go on."""
        if scope["type"] == "http":
            fields = cast("dict[str, Any]", scope)
            shown = [value for name, value in scope["headers"] if name == b"authorization"]
            try:
                principal = self._authority.remembered(shown) or await self._authority.principal(shown)
            except Refused as refused:
                fields[IDENTITY] = Stranger(str(refused), showed_token=bool(shown))
            else:
                fields[IDENTITY] = principal
                fields[STILL_ALLOWED] = self._authority.still
        await self._app(scope, receive, send)
