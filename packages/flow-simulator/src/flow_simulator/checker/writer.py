"""A writer that speaks HTTP with a server and logs what it asked and what it was answered."""

import asyncio
import time
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from flow_simulator.checker.entries import Answered, Deleting, Json, Posting, SnapshotTaken
from flow_simulator.checker.log import Log

PAUSE_S = 0.05
"""How long a writer waits before it tries again."""


def flow_url(base_url: str, flow: str) -> str:
    """Where a flow is: its id is one percent-encoded segment."""
    return f"{base_url}/v1/flows/{quote(flow, safe='')}"


class RefusedError(Exception):
    """The server refused a message for good."""


class Writer:
    """One writer of one flow. Names of writers are there once in a campaign, over all their lives."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        *,
        flow: str,
        name: str,
        log: Log,
        keys: bool = True,
    ) -> None:
        """With `keys` a batch has an `Idempotency-Key`, so that sending it again stores it once."""
        self.name = name
        self._client = client
        self._url = flow_url(base_url, flow)
        self._flow = flow
        self._log = log
        self._keys = keys
        self._serial = 0

    def new_key(self) -> str | None:
        """A key for the next batch; `None` without keys."""
        return f"{self.name}/{self._serial + 1}" if self._keys else None

    async def post(self, *messages: Json, key: str | None = None) -> Answered:
        """Send a batch once: one message as JSON, more as lines. Whatever happens is the answer."""
        self._serial += 1
        serial = self._serial
        self._log.write(
            Posting(
                writer=self.name,
                serial=serial,
                flow=self._flow,
                messages=messages,
                key=key,
                at_ns=time.monotonic_ns(),
            )
        )
        content_type = "application/json" if len(messages) == 1 else "application/x-ndjson"
        headers = {"Content-Type": content_type} | ({} if key is None else {"Idempotency-Key": key})
        body = b"\n".join(msgspec.json.encode(message) for message in messages)
        return await self._answer(serial, "POST", f"{self._url}/events", content=body, headers=headers)

    async def post_until_answered(self, *messages: Json, within_s: float = 60.0) -> Answered:
        """Send a batch until the server has it. Raises `RefusedError`, or TimeoutError after `within_s`."""
        key = self.new_key()
        async with asyncio.timeout(within_s):
            while True:
                answer = await self.post(*messages, key=key)
                if answer.accepted:
                    return answer
                if answer.refused and answer.status != 429:
                    raise RefusedError(f"{answer.status}: {answer.error}")
                await asyncio.sleep(PAUSE_S)

    async def delete(self) -> Answered:
        """Delete the flow."""
        self._serial += 1
        serial = self._serial
        self._log.write(Deleting(writer=self.name, serial=serial, flow=self._flow, at_ns=time.monotonic_ns()))
        return await self._answer(serial, "DELETE", self._url)

    async def _answer(self, serial: int, method: str, url: str, **request: Any) -> Answered:
        status, told, error = None, {}, None
        try:
            response = await self._client.request(method, url, **request)
            status = response.status_code
            if status == 200:
                told = msgspec.json.decode(response.content, type=dict[str, Any])
            elif status != 204:
                error = response.text[:500]
        except (httpx.HTTPError, msgspec.MsgspecError) as problem:
            status, error = None, f"{type(problem).__name__}: {problem}"
        answer = Answered(
            writer=self.name,
            serial=serial,
            at_ns=time.monotonic_ns(),
            status=status,
            seq=told.get("seq"),
            count=told.get("count"),
            epoch=told.get("epoch"),
            error=error,
        )
        self._log.write(answer)
        return answer


async def take_snapshot(client: httpx.AsyncClient, base_url: str, *, flow: str, log: Log) -> SnapshotTaken:
    """Get the flow's snapshot and log it. Raises httpx.HTTPStatusError for anything but 200 and 404."""
    asked_ns = time.monotonic_ns()
    response = await client.get(f"{flow_url(base_url, flow)}/snapshot")
    there = response.status_code == 200
    if not there and response.status_code != 404:
        response.raise_for_status()
    taken = SnapshotTaken(
        flow=flow,
        asked_ns=asked_ns,
        at_ns=time.monotonic_ns(),
        seq=int(response.headers["etag"].strip('"').partition("-")[0]) if there else None,
        body=response.text if there else None,
    )
    log.write(taken)
    return taken
