"""The access log: a line for each finished request, of a stream at its end. Never a query, token or body.

Unless told otherwise it is about refused requests alone: posts that are taken in come by the thousand a
second, and the metrics count them, while a refusal is what somebody has to act on. To be refused costs a
client nothing, so only so many a second have a line; the next one says how many had none. Who asks for all
lines gets all.
"""

import time
from collections.abc import Callable
from typing import Any, cast

import structlog
from litestar.types import HTTPScope

from flow_contract.error import SHOWN_CHARACTERS
from flow_server.core.bucket import Bucket
from flow_server.core.identity import identity_in
from flow_server.http.audit import name_of
from flow_server.http.bodies import peer_of

NONE, ERRORS, ALL = "none", "errors", "all"
"""What the setting may be: nothing, refused and failed requests, every request."""

PROBES = frozenset({"/healthz", "/readyz"})
"""Routes without a line: the kubelet asks every few seconds, and tells by itself what it does not like."""

LINES_PER_S = 50
"""Most lines a second, unless all are asked for."""

CLIENT_GONE = 499
"""Status of a request whose client went away before it had an answer; a common word in access logs."""

STREAM_END = "flow_server.stream_end"
"""Under this name a stream puts a `StreamEnd` into its scope."""

StreamEnd = tuple[str, int]
"""How a stream ended, and how many bytes of it were written past ASGI."""

log = structlog.get_logger(__name__)


class AccessLog:
    """Writes the lines that are asked for."""

    def __init__(self, wanted: str = ERRORS, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        """`wanted` is `none`, `errors` or `all`."""
        self._from_status = {NONE: 1000, ERRORS: 400, ALL: 0}[wanted]
        self._all = wanted == ALL
        self._clock_s = clock_s
        self._bucket = Bucket(per_s=LINES_PER_S, now_s=clock_s())
        self._left_out = 0

    def wants(self, status: int) -> bool:
        """Whether a request with this status has a line."""
        return status >= self._from_status

    def finished(
        self,
        scope: HTTPScope,
        *,
        path: bytes,
        method: str,
        status: int,
        size_bytes: int,
        took_s: float,
    ) -> None:
        """A request is over. `path` is as it was sent, without the query."""
        fields = cast("dict[str, Any]", scope)
        if fields.get("path_template") in PROBES:
            return
        end: StreamEnd | None = fields.get(STREAM_END)
        more: dict[str, Any] = {}
        if end is not None:
            more["ended"], past_asgi_bytes = end
            size_bytes += past_asgi_bytes
        self._write(
            "request finished",
            status,
            method=method,
            path=path[:SHOWN_CHARACTERS].decode("latin-1"),
            bytes=0 if method == "HEAD" else size_bytes,
            took_ms=round(took_s * 1000, 2),
            principal=name_of(identity_in(fields)),
            peer=peer_of(scope),
            **more,
        )

    def refused(self, status: int, *, reason: str, peer: str | None) -> None:
        """A connection was refused before there was a request that could be read."""
        if self.wants(status):
            self._write("request refused unread", status, reason=reason, peer=peer)

    def _write(self, event: str, status: int, **fields: Any) -> None:
        if status >= 400 and not self._all:
            if self._bucket.take(1, now_s=self._clock_s()):
                self._left_out += 1
                return
            if self._left_out:
                fields["left_out"], self._left_out = self._left_out, 0
        if status >= 500:
            log.warning(event, status=status, **fields)
        else:
            log.info(event, status=status, **fields)
