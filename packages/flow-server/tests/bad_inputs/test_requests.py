"""Requests on raw sockets: framing in two meanings, bad heads, other protocols. A status each, and no harm.

A request that is taken is followed by another one, which must be answered too; after any other the connection
must end, with an error of our own form.
"""

import asyncio
import json
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from flow_simulator.checker.server_process import ServerProcess

from ..real_server import DEADLINE_S, Served, nodes, until

HOST = b"host: x\r\n"
BODY = b'{"type":"delete-nodes","ids":["a"]}'
POST = b"POST /v1/flows/f/events HTTP/1.1\r\n" + HOST
GET = b"GET /healthz HTTP/1.1\r\n" + HOST
LENGTH = b"content-length: %d\r\n" % len(BODY)
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n%b\r\n" % (len(BODY), BODY)
LAST = GET + b"connection: close\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """What is sent, and which statuses come back; `goes_on`: the connection takes another request."""

    data: bytes
    statuses: tuple[int, ...]
    goes_on: bool = False


def refused(data: bytes, status: int = 400) -> Case:
    return Case(data, (status,))


def taken(data: bytes, *statuses: int) -> Case:
    return Case(data + LAST, (*(statuses or (200,)), 200), goes_on=True)


def length(value: bytes) -> bytes:
    return POST + b"content-length:" + value + b"\r\n\r\n" + BODY


def coding(value: bytes, *, name: bytes = b"transfer-encoding:") -> bytes:
    return POST + name + value + b"\r\n\r\n" + CHUNK + b"0\r\n\r\n"


def line(start: bytes) -> bytes:
    return start + b"\r\n" + HOST + b"\r\n"


CASES = {
    # Two meanings: what one side takes for a body is the next request of another side.
    "both lengths": refused(POST + LENGTH + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n" + GET),
    "both lengths turned": refused(POST + b"transfer-encoding: chunked\r\n" + LENGTH + b"\r\n0\r\n\r\n"),
    "two equal lengths": refused(POST + LENGTH + LENGTH + b"\r\n" + BODY),
    "two lengths": refused(POST + LENGTH + b"content-length: 1\r\n\r\n" + BODY),
    "a list of lengths": refused(length(b" 35, 35")),
    "a length with a sign": refused(length(b" +35")),
    "a negative length": refused(length(b" -1")),
    "a length in hex": refused(length(b" 0x23")),
    "a length in words": refused(length(b" many")),
    "no length in the header": refused(length(b"")),
    "a length beyond 2^64": refused(length(b" 99999999999999999999999")),
    "a length with a blank in it": refused(length(b" 3 5")),
    "a length with a fraction": refused(length(b" 35.0")),
    "a vertical tab before a length": refused(length(b"\x0b35")),
    "a blank before the colon": refused(POST + b"content-length : 35\r\n\r\n" + BODY),
    "a tab before a length": taken(length(b"\t35")),
    "zeros before a length": taken(length(b" 0035")),
    "identity, chunked": refused(coding(b" identity, chunked")),
    "chunked, identity": refused(coding(b" chunked, identity")),
    "chunked twice": refused(POST + b"transfer-encoding: chunked\r\n" + coding(b" chunked")[len(POST) :]),
    "xchunked": refused(coding(b" xchunked")),
    "gzip as transfer coding": refused(coding(b" gzip")),
    "a vertical tab before chunked": refused(coding(b" \x0bchunked")),
    "chunked in quotes": refused(coding(b' "chunked"')),
    "a blank before the colon of the coding": refused(coding(b" chunked", name=b"transfer-encoding :")),
    "chunked in HTTP/1.0": refused(coding(b" chunked").replace(b"HTTP/1.1", b"HTTP/1.0")),
    "CHUNKED": taken(coding(b" CHUNKED")),
    "a folded header": refused(POST + b"x: a\r\n b\r\n" + LENGTH + b"\r\n" + BODY),
    "a fold before the first header": refused(GET.replace(b"host", b" host") + b"\r\n"),
    "line feeds alone": refused((POST + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY),
    "carriage returns alone": refused((GET + b"\r\n").replace(b"\r\n", b"\r")),
    "one line feed alone": refused(GET + b"x: y\n\r\n"),
    "a body on a GET": taken(GET + b"content-length: 5\r\n\r\nhello"),
    "a request as the body of a GET": taken(GET + b"content-length: %d\r\n\r\n" % len(LAST) + LAST),
    # Chunks.
    "an extension": taken(CHUNKED + b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "zeros before a chunk's size": taken(CHUNKED + b"000" + CHUNK + b"0\r\n\r\n"),
    "an extension that ends in a line feed": refused(CHUNKED + b"%x;a\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "an extension without end": refused(CHUNKED + b"5;" + b"a" * 1_000_000),
    "a negative chunk": refused(CHUNKED + b"-1\r\n" + BODY),
    "a chunk with 0x": refused(CHUNKED + b"0x23\r\n" + BODY),
    "a chunk beyond 2^64": refused(CHUNKED + b"fffffffffffffffff\r\n" + BODY),
    "a chunk without size": refused(CHUNKED + b"\r\n" + BODY),
    "a chunk that is longer than it says": refused(CHUNKED + CHUNK[:-2] + b"XX0\r\n\r\n"),
    "a blank after a chunk's size": refused(CHUNKED + b"%x \r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "chunks with line feeds alone": refused(CHUNKED + CHUNK.replace(b"\r\n", b"\n") + b"0\n\n"),
    "trailers": taken(CHUNKED + CHUNK + b"0\r\nx: y\r\n\r\n"),
    "trailers that would be headers": taken(
        CHUNKED + CHUNK + b"0\r\ncontent-type: text/plain\r\ncontent-encoding: gzip\r\n\r\n"
    ),
    "trailers without end": refused(CHUNKED + CHUNK + b"0\r\n" + b"x: yyyyyyyyyyyyyyyyyyyy\r\n" * 50_000),
    # Heads.
    "no host": refused(b"GET /healthz HTTP/1.1\r\n\r\n"),
    "no host in HTTP/1.0": refused(b"GET /healthz HTTP/1.0\r\n\r\n"),
    "two hosts": refused(GET + b"host: y\r\n\r\n"),
    "NUL in a header": refused(GET + b"x: a\0b\r\n\r\n"),
    "a control character in a header": refused(GET + b"x: a\x01b\r\n\r\n"),
    "a header without colon": refused(GET + b"nocolon\r\n\r\n"),
    "a header without name": refused(GET + b": v\r\n\r\n"),
    "a header's name with a blank": refused(GET + b"a b: v\r\n\r\n"),
    "a header's name that is not ASCII": refused(GET + b"\xc3\xa9: v\r\n\r\n"),
    "a head of 20 kB": refused(GET + b"x: " + b"y" * 20_000 + b"\r\n\r\n", 431),
    "a head of 20 kB without end": refused(GET + b"x: " + b"y" * 20_000, 431),
    "a path of 20 kB": refused(line(b"GET /" + b"y" * 20_000 + b" HTTP/1.1"), 431),
    "200 headers": refused(GET + b"a: b\r\n" * 200 + b"\r\n", 431),
    "100 headers": taken(GET + b"a: b\r\n" * 99 + b"\r\n"),
    "the first of two requests is bad": refused(line(b"GET /healthz HTTP/1.1\r\nhost: y") + LAST),
    # Start lines and other protocols.
    "an unknown method": refused(line(b"FOO /healthz HTTP/1.1")),
    "a method in lower case": refused(line(b"get /healthz HTTP/1.1")),
    "a method of 5,000 letters": refused(line(b"A" * 5000 + b" /healthz HTTP/1.1")),
    "TRACE": taken(line(b"TRACE /healthz HTTP/1.1"), 405),
    "CONNECT": refused(line(b"CONNECT x:443 HTTP/1.1")),
    "OPTIONS *": refused(line(b"OPTIONS * HTTP/1.1")),
    "an absolute target": taken(line(b"GET http://other/healthz HTTP/1.1")),
    "an absolute target without path": refused(line(b"GET http://other HTTP/1.1")),
    "an absolute target that is none": refused(line(b"GET http://[/healthz HTTP/1.1")),
    "a target without slash": refused(line(b"GET healthz HTTP/1.1")),
    "a target that is a query": refused(line(b"GET ?a HTTP/1.1")),
    "a target with a blank": refused(line(b"GET /heal thz HTTP/1.1")),
    "a target with NUL": refused(line(b"GET /\0 HTTP/1.1")),
    "a target in raw bytes": refused(line(b"GET /\xff HTTP/1.1")),
    "no target": refused(line(b"GET HTTP/1.1")),
    "tabs in the start line": refused(line(b"GET\t/healthz\tHTTP/1.1")),
    "a blank before the method": refused(b" " + GET + b"\r\n"),
    "HTTP/0.9": refused(b"GET /healthz\r\n\r\n", 505),
    "HTTP/1.2": refused(line(b"GET /healthz HTTP/1.2")),
    "HTTP/2.0": refused(line(b"GET /healthz HTTP/2.0"), 505),
    "HTTP/9": refused(line(b"GET /healthz HTTP/9")),
    "XTTP": refused(line(b"GET /healthz XTTP/1.1")),
    "the preface of HTTP/2": refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a TLS hello": refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100),
    "noise": refused(bytes(range(256)) * 4),
    "no HTTP at all": refused(b"hello\r\n\r\n"),
    "empty lines first": taken(b"\r\n\r\n" + GET + b"\r\n"),
    "HTTP/1.0": Case(line(b"GET /healthz HTTP/1.0"), (200,)),
    "an upgrade to websocket": Case(
        GET + b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n\r\n" + LAST, (200,)
    ),
    "an upgrade to HTTP/2": Case(GET + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n" + LAST, (200,)),
    "an upgrade with a body": refused(POST + LENGTH + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n" + BODY),
    "expect 100": taken(POST + b"expect: 100-continue\r\n" + LENGTH + b"\r\n" + BODY, 100, 200),
    "expect something else": taken(POST + b"expect: 200-ok\r\n" + LENGTH + b"\r\n" + BODY),
    "a range": taken(GET + b"range: bytes=0-0\r\n\r\n"),
    # More than one request.
    "100 requests at once": taken((GET + b"\r\n") * 100, *[200] * 100),
    "noise after a request": Case(GET + b"\r\nnoise\r\n\r\n", (200,)),
    "noise after a post": Case(POST + LENGTH + b"\r\n" + BODY + b"noise\r\n\r\n", (200,)),
    "a request after the last one": Case(LAST + LAST, (200,)),
}  # fmt: skip


def exchange(port: int, data: bytes) -> tuple[bytes, bool]:
    """What came back until the end, and whether the end was a reset: the server did not read all of it."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        try:
            connection.sendall(data)
            while part := connection.recv(65536):
                received += part
        except ConnectionError:
            return received, True
    return received, False


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(CASES) >= 60


async def test_every_request_has_its_status_and_the_server_lives(server: Served) -> None:
    await server.fed("f", {"type": "delete-nodes", "ids": ["x"]})
    wrong: list[str] = []
    for name, case in CASES.items():
        received, reset = await asyncio.to_thread(exchange, server.port, case.data)
        statuses = tuple(map(int, re.findall(rb"(?:^|(?<=[\r\nk}]))HTTP/1\.1 (\d{3}) ", received)))
        if statuses != case.statuses and not (reset and len(case.data) > 16_384):
            wrong.append(f"{name}: {statuses} {received[-200:]!r}")
        elif statuses and statuses[-1] >= 400:
            body = json.loads(received.rsplit(b"\r\n\r\n", 1)[1])
            if body["status"] != statuses[-1] or not body["error"]:
                wrong.append(f"{name}: {body}")
        if (await server.client.get("/healthz")).text != "ok":
            wrong.append(f"{name}: the server does not answer")
    assert not wrong, "\n".join(wrong)
    assert server.hub.stats.rejected["framing"] > 5
    assert server.hub.stats.rejected["not http"] > 20


async def test_a_stream_is_not_disturbed_by_what_its_own_client_sends_after_it(server: Served) -> None:
    def read() -> bytes:
        with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S) as connection:
            connection.sendall(b"GET /v1/flows/f/stream HTTP/1.1\r\n" + HOST + b"\r\nnoise\r\n\r\n")
            received = b""
            while b"upsert-nodes" not in received:
                received += connection.recv(65536)
            return received

    reading = asyncio.create_task(asyncio.to_thread(read))
    await until(lambda: server.hub.readers() == 1)
    await server.fed("f", nodes("a"))
    received = await reading
    assert received.count(b"HTTP/1.1 ") == 1
    assert b'"status":400' not in received


@pytest.mark.parametrize("sent", [b"", GET, POST + LENGTH + b"\r\n", POST + LENGTH + b"\r\n" + BODY[:9]])
async def test_a_client_that_closes_its_side_early_is_let_go(server: Served, sent: bytes) -> None:
    def half_close() -> bytes:
        with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(65536)

    assert await asyncio.to_thread(half_close) == b""
    assert (await server.client.get("/healthz")).text == "ok"
    assert server.hub.flow("f") is None


async def test_a_client_that_goes_away_while_a_request_waits_behind_its_stream_is_not_answered(
    tmp_path: Path,
) -> None:
    # In a process of its own: with the event loop that it has there, an answer to nobody is an error.
    stream = b"GET /v1/flows/f/stream HTTP/1.1\r\n" + HOST + b"\r\n"
    async with ServerProcess(tmp_path, {"FLOW_SERVER_HEARTBEAT": "200ms"}) as server:

        def go_away() -> None:
            with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S) as connection:
                connection.sendall(stream + GET + b"\r\n")
                assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")

        await asyncio.to_thread(go_away)
        await server.logged("stream ended")
        assert await server.stop() == 0
        assert b"Traceback" not in server.log.read_bytes()
