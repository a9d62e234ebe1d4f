"""The flow server's two endpoints that an emitter needs, as calls. Source: the contract, "HTTP"."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import httpx

from flow_adapter_flux.emitter.answers import (
    Accepted,
    Refused,
    ServerFailure,
    TooLarge,
    failure_of,
    read_answer,
)
from flow_contract import ContractError, Snapshot, decode_message

ANSWER_BYTES = 64 * 1024
"""Most that is read of an answer to a POST."""

SNAPSHOT_BYTES = 128 * 1024 * 1024
"""Most that is read of a snapshot: several times what a server's default limits allow."""

SNAPSHOT_LIMIT_S = 30.0
"""Longest time for a snapshot, in seconds; at least the time for a POST."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the server holds: `snapshot` is `None` when it does not know the flow. `tag` names this state."""

    snapshot: Snapshot | None
    tag: str | None


@dataclass(frozen=True, kw_only=True)
class Unchanged:
    """The server's state is still the one that a tag names."""


class _Answer(NamedTuple):
    status: int
    headers: httpx.Headers
    body: bytes


def _segment(flow_id: str) -> str:
    """A flow's id as one segment of a path; httpx would resolve `.` and `..` as they are."""
    return "%2E" * len(flow_id) if flow_id in {".", ".."} else quote(flow_id, safe="")


class FlowServer:
    """One flow of one server, as one emitter. Every call is one request."""

    def __init__(
        self,
        *,
        url: str,
        flow_id: str,
        emitter: str,
        token_file: Path | None,
        timeout_s: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Make a client; opens no connection yet. `emitter` is the name it gives itself."""
        self._flow = f"{url}/v1/flows/{_segment(flow_id)}"
        self._flow_id = flow_id
        self._token_file = token_file
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            headers={"Flow-Emitter": quote(emitter, safe=""), "User-Agent": "flow-adapter-flux"},
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=1),
            verify=url.startswith("https:"),  # without TLS, a store of CAs would be 5 MB for nothing
            transport=transport,
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def post(
        self, body: bytes, *, idempotency_key: str, within_s: float
    ) -> Accepted | Refused | TooLarge:
        """Send a batch as NDJSON. Raises `ServerFailure`; whether it was stored is then not known.

        `within_s` shortens the time that it may take; at 0 or less nothing is sent.
        """
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": idempotency_key}
        answer = await self._send(
            "POST",
            "/events",
            headers,
            body=body,
            limit_bytes=ANSWER_BYTES,
            limit_s=min(self._timeout_s, within_s),
        )
        return read_answer(answer.status, answer.body, retry_after=answer.headers.get("Retry-After"))

    async def snapshot(self, *, unless: str | None, within_s: float) -> Held | Unchanged:
        """The flow's state, `Unchanged` while `unless` names it. Raises `ServerFailure`."""
        headers = {"Accept": "application/json"}
        if unless is not None:
            headers["If-None-Match"] = unless
        answer = await self._send(
            "GET",
            "/snapshot",
            headers,
            limit_bytes=SNAPSHOT_BYTES,
            limit_s=min(max(self._timeout_s, SNAPSHOT_LIMIT_S), within_s),
        )
        if answer.status == 304 and unless is not None:
            return Unchanged()
        if answer.status == 404 and self._is_of_flow_server(answer):
            return Held(snapshot=None, tag=None)
        if answer.status != 200:
            raise failure_of(answer.status, answer.body, retry_after=answer.headers.get("Retry-After"))
        try:
            message = decode_message(answer.body)
        except ContractError as error:
            raise ServerFailure("unreadable", f"the snapshot: {error}") from error
        if not isinstance(message, Snapshot):
            raise ServerFailure("unreadable", "expected a snapshot message")
        return Held(snapshot=message, tag=answer.headers.get("ETag"))

    @staticmethod
    def _is_of_flow_server(answer: _Answer) -> bool:
        """A flow server's errors are JSON; a gateway without a route answers with something else."""
        return answer.headers.get("Content-Type", "").partition(";")[0].strip().endswith("json")

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        limit_bytes: int,
        limit_s: float,
        body: bytes | None = None,
    ) -> _Answer:
        """One request within `limit_s`, however slowly the answer drips."""
        if limit_s <= 0:
            raise ServerFailure("not leading", "another process speaks for this cluster")
        try:
            async with asyncio.timeout(limit_s):
                request = self._client.build_request(
                    method,
                    self._flow + path,
                    content=body,
                    headers={**headers, **self._authorization()},
                    timeout=limit_s,
                )
                response = await self._client.send(request, stream=True)
                try:
                    received = bytearray()
                    async for chunk in response.aiter_bytes():
                        received += chunk
                        if len(received) > limit_bytes:
                            raise ServerFailure("unreadable", f"an answer of more than {limit_bytes} bytes")
                    return _Answer(response.status_code, response.headers, bytes(received))
                finally:
                    await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            told = f"{type(error).__name__}: {error}".rstrip(": ")
            raise ServerFailure("unreachable", told) from error

    def _authorization(self) -> dict[str, str]:
        """The token as it is now: it is rotated, and may come later than we do."""
        if self._token_file is None:
            return {}
        try:
            token = self._token_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ServerFailure("no token", f"{type(error).__name__}: {error}") from error
        if not token or not token.isascii() or not token.isprintable():
            raise ServerFailure("no token", f"{self._token_file} holds no token")
        return {"Authorization": f"Bearer {token}"}
