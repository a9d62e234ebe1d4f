"""What clients may make the server hold: at the limit, one beyond it, and well again afterwards."""

import asyncio
import json
import socket
import time
from collections import Counter
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_server.access.authority import Authority
from flow_server.access.tokens import new_token
from flow_server.core.bucket import Bucket
from flow_server.http import bodies
from flow_server.http.forwarded import client_address
from flow_server.http.ingest import IngestBounds
from flow_server.limits import Limits
from flow_server.serving import protocol
from flow_server.store.sqlite import SqliteStore

from ..real_server import Serve, Served, nodes, raw_exchange, until


def _rels(*pairs: str) -> dict[str, object]:
    relationships = [{"fromId": pair[0], "toId": pair[1], "type": "triggers"} for pair in pairs]
    return {"type": "upsert-rels", "relationships": relationships}


async def test_a_flow_takes_nodes_up_to_the_limit_and_updates_beyond_it(serve: Serve) -> None:
    server = await serve(limits=Limits(nodes=3))
    await server.fed("f", nodes("a", "b", "c"))
    answer = await server.post("f", [nodes("a", status="failed"), nodes("d")])
    assert answer.status_code == 422
    assert "4 nodes, the limit is 3 (FLOW_SERVER_MAX_NODES)" in answer.json()["error"]
    assert (await server.snapshot("f"))["nodes"][0]["status"] == "running", "nothing was applied"
    await server.fed("f", nodes("a", "b", "c", status="failed"))
    await server.fed("f", [{"type": "delete-nodes", "ids": ["a"]}, nodes("d")])
    header = {"id": "f", "status": "s", "startedAt": 1}
    four = {"type": "snapshot", "flow": header, "nodes": nodes("1", "2", "3", "4")["nodes"]}
    assert (await server.post("f", four)).status_code == 422
    assert [node["id"] for node in (await server.snapshot("f"))["nodes"]] == ["b", "c", "d"]


async def test_a_flow_takes_relationships_up_to_the_limit(serve: Serve) -> None:
    server = await serve(limits=Limits(relationships=2))
    await server.fed("f", _rels("ab", "bc"))
    answer = await server.post("f", _rels("ab", "cd"))
    assert answer.status_code == 422
    assert "MAX_RELATIONSHIPS" in answer.json()["error"]
    await server.fed("f", _rels("ab", "bc"))


async def test_posts_at_the_same_time_do_not_pass_the_limits_together(serve: Serve, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "flows.db", now_us=lambda: time.time_ns() // 1000)
    server = await serve(store=store, limits=Limits(nodes=20, flows=3))
    posts = [server.post("f", nodes(f"n{number}")) for number in range(60)]
    statuses = Counter(answer.status_code for answer in await asyncio.gather(*posts))
    assert statuses == {200: 20, 422: 40}
    assert len((await server.snapshot("f"))["nodes"]) == 20
    posts = [server.post(f"g{number}", nodes("n", flow_id=f"g{number}")) for number in range(30)]
    statuses = Counter(answer.status_code for answer in await asyncio.gather(*posts))
    assert statuses == {200: 2, 503: 28}


@pytest.mark.parametrize("where", ["id", "label", "status", "family", "region", "flowId"])
async def test_a_text_is_taken_up_to_the_limit_and_named_beyond_it(server: Served, where: str) -> None:
    for length, status in ((4096, 200), (4097, 400)):
        node = {"id": "a", "flowId": "f", "label": "a", "status": "s"} | {where: "\u00fc" * length}
        message = {"type": "upsert-nodes", "nodes": [node]}
        for body, path in (
            (json.dumps(message), f"$.nodes[0].{where}"),
            (json.dumps([nodes("x"), message], ensure_ascii=False), f"$[1].nodes[0].{where}"),
        ):
            answer = await server.post("f", body)
            assert answer.status_code == status, answer.text
            if status == 400:
                assert answer.json()["path"] == path
                assert "at most 4096 characters" in answer.json()["problem"]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"type": "delete-nodes", "ids": ["a", "x" * 5000]}, "$.ids[1]"),
        ({"type": "upsert-flow", "flow": {"id": "f", "status": "s" * 5000, "startedAt": 1}}, "$.flow.status"),
        (
            {
                "type": "snapshot",
                "flow": {"id": "f", "status": "s", "startedAt": 1, "definitionId": "d" * 5000},
            },
            "$.flow.definitionId",
        ),
        (
            {
                "type": "upsert-rels",
                "relationships": [{"fromId": "a", "toId": "b", "type": "triggers", "toFlowId": "x" * 5000}],
            },
            "$.relationships[0].toFlowId",
        ),
        (
            {"type": "delete-rels", "pairs": [{"fromId": "x" * 5000, "toId": "b", "type": "triggers"}]},
            "$.pairs[0].fromId",
        ),
    ],
)
async def test_long_texts_are_found_in_every_message(
    server: Served, message: dict[str, object], path: str
) -> None:
    answer = await server.post("f", message)
    assert (answer.status_code, answer.json()["path"]) == (400, path)
    assert (await server.client.get(server.path("f", "/snapshot"))).status_code == 404


async def test_one_flow_too_many_is_503_and_there_is_room_after_a_delete(serve: Serve) -> None:
    server = await serve(limits=Limits(flows=2))
    for flow in ("a", "b"):
        await server.fed(flow, nodes("n", flow_id=flow))
    answer = await server.post("c", nodes("n", flow_id="c"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "MAX_FLOWS" in answer.json()["error"]
    await server.fed("a", nodes("m", flow_id="a"))
    await server.client.delete(server.path("b", ""))
    await server.fed("c", nodes("n", flow_id="c"))


async def test_one_reader_too_many_is_503_and_there_is_room_when_one_goes(serve: Serve) -> None:
    server = await serve(limits=Limits(readers_per_flow=2, readers=3))
    async with server.reading("f"), server.reading("f"), server.reading("g") as other:
        for flow, setting in (("f", "MAX_READERS_PER_FLOW"), ("g", "MAX_READERS")):
            answer = await server.client.get(server.path(flow, "/stream"))
            assert answer.status_code == 503
            assert setting in answer.json()["error"]
        assert (await server.client.get("/healthz")).status_code == 200
        await other.response.aclose()
        await until(lambda: server.hub.readers() == 2)
        async with server.reading("g"):
            pass


async def test_an_idle_flow_is_deleted(serve: Serve) -> None:
    server = await serve(limits=Limits(idle_ttl_s=0.3), heartbeat_s=0.2)
    await server.fed("f", nodes("a"))
    async with server.reading("f") as reader:
        await reader.take(1)
        await until(lambda: server.hub.flow("f") is None)
        while await reader.next() is not None:
            pass


async def test_too_many_bytes_under_way_are_503_and_the_server_lives(serve: Serve) -> None:
    server = await serve(bounds=IngestBounds(in_flight_bytes=300_000))
    head = b"POST /v1/flows/f/events HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"
    connections: list[socket.socket] = []
    try:
        for _ in range(5):
            connection = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", server.port), 20)
            connections.append(connection)
            await asyncio.to_thread(connection.sendall, head + b" " * 100_000)
        await until(lambda: server.hub.stats.rejected["MAX_BYTES_IN_FLIGHT"] >= 2)
        assert (await server.client.get("/healthz")).status_code == 200
    finally:
        for connection in connections:
            connection.close()
    await until(lambda: server.hub.stats.requests["/v1/flows/{flow_id}/events", 0] >= 1)
    await server.fed("f", nodes("a"))


async def test_a_body_that_never_ends_is_408(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_S", 0.2)
    head = b"POST /v1/flows/f/events HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"
    assert (await raw_exchange(server.port, head)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nhost: x\r\nx-y"])
async def test_a_head_that_never_ends_is_cut(
    server: Served, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.2)
    assert await raw_exchange(server.port, start) == b""


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 17_000, 431),
        (b"GET /" + b"y" * 20_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", 400),
        (b"no http at all\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2, 2\r\n\r\n{}", 400),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
)
async def test_a_head_that_is_large_or_ambiguous_is_refused_in_our_form(
    server: Served, request_: bytes, status: int
) -> None:
    received = await raw_exchange(server.port, request_)
    assert received.startswith(b"HTTP/1.1 %d " % status), received[:200]
    assert json.loads(received.split(b"\r\n\r\n", 1)[1])["status"] == status
    assert (await server.client.get("/healthz")).status_code == 200


async def test_requests_behind_each_other_on_one_connection_are_answered_in_order(server: Served) -> None:
    one = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    last = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    received = await raw_exchange(server.port, one * 20 + last)
    assert received.count(b"HTTP/1.1 200 OK") == 21


async def test_who_posts_too_fast_is_told_when_to_come_back(serve: Serve) -> None:
    server = await serve(bounds=IngestBounds(messages_per_s=5))
    await server.fed("f", [nodes("a")] * 5)
    answer = await server.post("f", [nodes("b")] * 5)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert len((await server.snapshot("f"))["nodes"]) == 1


async def test_who_posts_too_many_bytes_is_told_when_to_come_back_and_others_go_on(
    serve: Serve, tmp_path: Path
) -> None:
    (loud, loud_digest), (quiet, quiet_digest), file = new_token(), new_token(), tmp_path / "grants.json"
    entries = [
        {"name": name, "sha256": digest, "publish": ["*"]}
        for name, digest in (("loud", loud_digest), ("quiet", quiet_digest))
    ]
    file.write_text(json.dumps({"tokens": entries}))
    authority = Authority(file)
    authority.load()
    server = await serve(bounds=IngestBounds(bytes_per_s=10_000), authority=authority)
    body = json.dumps(nodes("a", meta={"x": "x" * 9_800}))

    async def post(token: str) -> httpx.Response:
        return await server.post("f", body, authorization=f"Bearer {token}")

    assert (await post(loud)).status_code == 200
    answer = await post(loud)
    assert answer.status_code == 429
    assert "RATE_BYTES" in answer.json()["error"]
    assert int(answer.headers["retry-after"]) == 1
    assert (await post(quiet)).status_code == 200
    assert server.hub.stats.rejected["RATE_BYTES"] == 1


@given(takes=st.lists(st.tuples(st.integers(1, 9), st.floats(0, 3)), max_size=40), per_s=st.integers(1, 8))
def test_a_bucket_lets_no_more_through_than_its_rate_and_a_seconds_worth(
    takes: list[tuple[int, float]], per_s: int
) -> None:
    bucket, now_s, through = Bucket(per_s=per_s, now_s=0.0), 0.0, 0
    for count, pause_s in takes:
        now_s += pause_s
        wait_s = bucket.take(count, now_s=now_s)
        if wait_s == 0:
            assert through <= per_s * (now_s + 1) + 1e-6, "what was too much had to be made up for"
            through += count
        else:
            assert 0 < wait_s <= 1 + 9 / per_s + 1e-6


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", "junk\n", "junk"),
    ],
)
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(
    peer: str, forwarded: str | None, address: str
) -> None:
    assert client_address(peer, forwarded, [ip_network("10.0.0.0/8")]) == address


async def test_pages_of_named_origins_may_read_and_others_may_not(serve: Serve) -> None:
    server = await serve(cors_origins=frozenset({"https://console.example.org"}))
    await server.fed("f", nodes("a"))
    path = server.path("f", "/snapshot")
    named = await server.client.get(path, headers={"Origin": "https://console.example.org"})
    assert named.headers["access-control-allow-origin"] == "https://console.example.org"
    assert "access-control-allow-credentials" not in named.headers
    for origin in ("https://elsewhere.example", "null", "https://console.example.org.evil.example"):
        other = await server.client.get(path, headers={"Origin": origin})
        assert "access-control-allow-origin" not in other.headers
    asked = await server.client.options(path, headers={"Origin": "https://console.example.org"})
    assert asked.status_code == 204
    assert "Authorization" in asked.headers["access-control-allow-headers"]
