"""Emitters' signs of life, told to the other replicas: best effort, outside the stream, nothing is kept."""

import asyncio
import contextlib
import secrets

import msgspec
from msgspec import Struct
from nats.aio.msg import Msg

from flow_server.store import Log
from flow_server.store.nats.calls import subscribe
from flow_server.store.nats.connection import Connection
from flow_server.store.nats.errors import TRANSPORT_ERRORS
from flow_server.store.nats.ledger import Ledger

TELL_S = 1.0
"""How often news are told; within it the latest sign of an emitter counts."""

SIGNS_PER_MESSAGE = 500


class _Signs(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one replica tells the others."""

    sender: str
    asks: bool = False
    """The sender has just started: tell it all that you know."""
    signs: tuple[tuple[str, str, int], ...] = ()
    """Flow id, emitter, Unix ms."""


_decoder = msgspec.json.Decoder(_Signs)


class SignsOfLife:
    """Collects signs and tells them; hands on what others tell."""

    def __init__(self, connection: Connection, ledger: Ledger, flows: Log, *, stream: str) -> None:
        """Nothing to tell yet."""
        self._connection = connection
        self._ledger = ledger
        self._flows = flows
        self._subject = f"{stream}-heard"
        self._sender = secrets.token_hex(8)
        self._news: dict[tuple[str, str], int] = {}
        self._has_news = asyncio.Event()

    def note(self, flow_id: str, emitter: str, *, at_ms: int) -> None:
        """There was a sign of life here."""
        self._news[flow_id, emitter] = at_ms
        self._has_news.set()

    def interrupt(self) -> None:
        """The connection changed: listen on the new one."""
        self._has_news.set()

    async def run(self) -> None:
        """Listen and tell, until cancelled."""
        heard_by: object = None
        while True:
            with contextlib.suppress(*TRANSPORT_ERRORS):
                client = self._connection.client
                if client is not heard_by and client.is_connected:
                    await subscribe(client, self._subject, self._take)
                    await self._tell(_Signs(sender=self._sender, asks=True))
                    heard_by = client
                await self._tell_news()
            await asyncio.sleep(TELL_S)
            if heard_by is self._connection.client_or_none:
                await self._has_news.wait()

    async def _tell_news(self) -> None:
        news, self._news = self._news, {}
        self._has_news.clear()
        signs = [(flow_id, emitter, at_ms) for (flow_id, emitter), at_ms in news.items()]
        for start in range(0, len(signs), SIGNS_PER_MESSAGE):
            part = tuple(signs[start : start + SIGNS_PER_MESSAGE])
            await self._tell(_Signs(sender=self._sender, signs=part))

    async def _tell(self, signs: _Signs) -> None:
        await self._connection.client.publish(self._subject, msgspec.json.encode(signs))

    async def _take(self, message: Msg) -> None:
        try:
            told = _decoder.decode(message.data)
        except msgspec.MsgspecError:
            return  # another release's way of telling; it is lost like any other message here may be
        if told.sender == self._sender:
            return
        for flow_id, emitter, at_ms in told.signs:
            self._flows.heard_elsewhere(flow_id, emitter, at_ms=at_ms)
        if told.asks:
            for flow_id, record in self._ledger.records():
                if record.alive:
                    for emitter, at_ms in self._flows.last_heard(flow_id):
                        self.note(flow_id, emitter, at_ms=at_ms)
