"""Each harm that an input could do, planted between a real server and the judge, must be found."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from flow_simulator.checker import Log

from ..real_server import Served, nodes
from .control import Control, Wrong
from .inputs import LAST, Cursor, PostedBody, RawBytes
from .other_flows import OtherFlows
from .watched_flow import WATCHED, WatchedFlow

Alter = Callable[[bytes], bytes]

GOOD = PostedBody(
    body=b'{"type":"upsert-nodes","nodes":[{"id":"a","flowId":"f","label":"Alpha","status":"running"}]}',
    content_type=b"application/json",
)
BAD = PostedBody(body=b'{"type":"upsert-nodes","nodes":[]}', content_type=b"application/json")
POST = b"POST /v1/flows/x/events HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
RAW_GOOD = RawBytes(data=POST % (len(GOOD.body), GOOD.body))
RAW_BAD = RawBytes(data=POST % (2, b"[]"))
COMES_BACK = Cursor(lines=b"Last-Event-ID: " + LAST + b"\r\n")


class Liar:
    """A relay that alters what passes, from the moment when it is told to."""

    def __init__(self, upstream: int) -> None:
        self.answered: Alter = bytes
        self._upstream = upstream

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        there = asyncio.create_task(_copy(reader, up_writer, bytes))
        await _copy(up_reader, writer, self._answered)
        there.cancel()
        up_writer.close()

    def _answered(self, data: bytes) -> bytes:
        return self.answered(data)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, alter: Alter) -> None:
    while data := await reader.read(65536):
        writer.write(alter(data))
    writer.close()


class Judging:
    """A judge whose every connection goes through the liar."""

    def __init__(self, port: int, liar: Liar) -> None:
        self.liar = liar
        self.control = Control(port)
        self.watched = WatchedFlow(self.control, Log())
        self.others = OtherFlows(self.control, watched=WATCHED)

    async def send(self, *inputs: PostedBody | Cursor | RawBytes) -> None:
        await asyncio.to_thread(self._send, *inputs)

    def _send(self, *inputs: PostedBody | Cursor | RawBytes) -> None:
        for sent in inputs:
            match sent:
                case PostedBody():
                    self.watched.post(sent)
                case Cursor():
                    self.watched.come_back(sent)
                case RawBytes():
                    self.others.send(sent)
                    self.watched.check_unchanged()


@asynccontextmanager
async def judging(server: Served) -> AsyncGenerator[Judging]:
    liar = Liar(server.port)
    relay = await asyncio.start_server(liar.relay, "127.0.0.1", 0)
    async with relay:
        port: int = relay.sockets[0].getsockname()[1]
        judge = await asyncio.to_thread(Judging, port, liar)
        try:
            yield judge
        finally:
            judge.watched.close()
            judge.others.close()
            judge.control.close()


async def test_a_server_that_does_no_harm_is_not_accused(server: Served) -> None:
    async with judging(server) as judge:
        await judge.send(GOOD, BAD, COMES_BACK, GOOD, RAW_GOOD, RAW_BAD, COMES_BACK)


@pytest.mark.parametrize(
    ("sent", "before", "after", "found"),
    [
        (BAD, b"HTTP/1.1 400", b"HTTP/1.1 500", "500"),
        (RAW_BAD, b"HTTP/1.1 400", b"HTTP/1.1 500", "500"),
        (BAD, b"HTTP/1.1 400", b"HTTP/1.1 200", "answered with 200"),
        (GOOD, b"HTTP/1.1 200", b"HTTP/1.1 400", "in another form than ours"),
        (BAD, b'"error"', b'"eRror"', "in another form than ours"),
        (RAW_BAD, b'"error"', b'"eRror"', "in another form than ours"),
        (BAD, b"$.nodes", b"$.modes", "expected the path $.nodes"),
        (GOOD, b'"count":1', b'"count":2', "were answered with"),
        (GOOD, b'"label":"Alpha"', b'"label":"ALPHA"', "the history has"),
        (RAW_GOOD, b'{"seq":', b'{"sEq":', "changed without an answer"),
        (RAW_GOOD, b'"label":"Alpha"', b'"label":""     ', "does not read back"),
        (COMES_BACK, b"event: delete-nodes\nid: 1", b"event: delete-nodes\nid: 2", "are the newest"),
    ],
)  # fmt: skip
async def test_an_answer_that_should_not_be_is_found(
    server: Served, sent: PostedBody | Cursor | RawBytes, before: bytes, after: bytes, found: str
) -> None:
    async with judging(server) as judge:
        if isinstance(sent, Cursor):
            await judge.send(GOOD)
        judge.liar.answered = lambda data: data.replace(before, after)
        with pytest.raises(Wrong, match=found.replace("$", r"\$")):
            await judge.send(sent)


@pytest.mark.parametrize("flow", [WATCHED, "y"])
async def test_a_change_that_goes_with_a_refusal_is_found(server: Served, flow: str) -> None:
    async with judging(server) as judge:
        await judge.send(GOOD)
        loop, changing = asyncio.get_running_loop(), set[asyncio.Task[int]]()

        def change(data: bytes) -> bytes:
            if b" 400 " in data:
                changing.add(loop.create_task(server.fed(flow, nodes("smuggled"))))
            return data

        judge.liar.answered = change
        with pytest.raises(Wrong, match="changed"):
            await judge.send(*[RAW_BAD] * 20)  # the change itself comes a moment after the refusal


async def test_a_request_that_is_not_answered_is_found(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packages.flow-server.tests.mutation.watched_flow.ANSWER_S", 0.3)
    async with judging(server) as judge:
        judge.liar.answered = lambda data: b"" if b" 400 " in data else data
        with pytest.raises(Wrong, match="was not answered"):
            await judge.send(BAD)
