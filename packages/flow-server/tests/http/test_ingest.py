"""`POST …/events` on a real server."""

import asyncio
import base64
import gzip
import json
import socket
import zlib
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from flow_server.http.ingest import IngestBounds

from ..real_server import Serve, Served, nodes, raw_exchange

WIRE = Path(__file__).parents[3] / "flow-contract" / "vectors" / "wire"


def _cases(kind: str) -> list[dict[str, Any]]:
    return [case for path in sorted(WIRE.glob(f"{kind}-*.json")) for case in json.loads(path.read_text())]


def _body(case: dict[str, Any]) -> bytes:
    return base64.b64decode(case["base64"]) if "base64" in case else case["body"].encode()


async def test_a_message_is_answered_with_its_sequence_the_count_and_the_epoch(server: Served) -> None:
    first = await server.post("f", nodes("a"))
    assert first.status_code == 200
    assert first.headers["content-type"] == "application/json"
    answer = first.json()
    assert answer == {"seq": answer["seq"], "count": 1, "epoch": server.hub.store.epoch}
    second = (await server.post("f", [nodes("b"), nodes("c")])).json()
    assert second["seq"] == answer["seq"] + 2
    assert second["count"] == 2


async def test_every_accepted_vector_is_taken_in(server: Served) -> None:
    refused: list[str] = []
    for number, case in enumerate(_cases("accepted")):
        kind = "application/x-ndjson" if case.get("lines") else "application/json"
        flow = case.get("flowId") or _flow_in(case) or f"v{number}"
        answer = await server.post(flow, _body(case), content_type=kind)
        if answer.status_code != 200:
            refused.append(f"{case['name']}: {answer.text}")
    assert not refused


def _flow_in(case: dict[str, Any]) -> str | None:
    return next((message["flow"]["id"] for message in case["messages"] if "flow" in message), None)


def _flow_of(case: dict[str, Any]) -> str | None:
    """The flow that a single message's header names, where the case is not about that."""
    try:
        flow_id = json.loads(case["body"])["flow"]["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return flow_id if isinstance(flow_id, str) and flow_id.isprintable() and 0 < len(flow_id) < 254 else None


async def test_every_rejected_vector_is_400_with_its_path_and_changes_nothing(server: Served) -> None:
    await server.fed("f", nodes("a"))
    before = await server.snapshot("f")
    wrong: list[str] = []
    for case in _cases("rejected"):
        kind = "application/x-ndjson" if case.get("lines") else "application/json"
        flow = case.get("flowId") or _flow_of(case) or "f"
        answer = await server.post(flow, _body(case), content_type=kind)
        if answer.status_code != 400 or answer.json()["path"] != case["path"]:
            wrong.append(f"{case['name']}: {answer.status_code} {answer.text}")
    assert not wrong
    assert await server.snapshot("f") == before


async def test_lines_are_a_batch_with_a_sequence_each(server: Served) -> None:
    lines = b"\n".join(json.dumps(nodes(name)).encode() for name in "abc") + b"\n\n"
    answer = await server.post("f", lines, content_type="application/x-ndjson; charset=utf-8")
    assert answer.json()["count"] == 3
    async with server.reading("f") as reader:
        [snapshot] = await reader.take(1)
        assert snapshot.id == answer.json()["seq"]


async def test_a_batch_with_one_bad_message_is_rejected_whole(server: Served) -> None:
    answer = await server.post("f", [nodes("a"), nodes("b", status="")])
    assert answer.status_code == 400
    assert answer.json()["path"] == "$[1].nodes[0].status"
    assert (await server.client.get(server.path("f", "/snapshot"))).status_code == 404


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity"])
async def test_packed_bodies_are_taken_in(server: Served, encoding: str) -> None:
    pack = {"gzip": gzip.compress, "zstd": zstd.compress, "identity": bytes}[encoding]
    answer = await server.post("f", pack(json.dumps(nodes("a")).encode()), content_encoding=encoding)
    assert answer.status_code == 200


_PLAIN = json.dumps(nodes("a")).encode()
_GZIP, _ZSTD = gzip.compress(_PLAIN), zstd.compress(_PLAIN)


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", _GZIP[:-3], 400),
        ("gzip", _GZIP[:10], 400),
        ("gzip", _GZIP[:-8] + b"\0" * 8, 400),
        ("gzip", _GZIP + b"x", 400),
        ("gzip", _GZIP + _GZIP, 400),
        ("gzip", _ZSTD, 400),
        ("gzip", b"", 400),
        ("gzip", zlib.compress(_PLAIN), 400),
        ("gzip", gzip.compress(b" " * (2**20 + 1)), 413),
        ("gzip", gzip.compress(_GZIP), 400),
        ("zstd", _ZSTD[:-1], 400),
        ("zstd", _ZSTD + b"x", 400),
        ("zstd", _ZSTD + _ZSTD, 400),
        ("zstd", _GZIP, 400),
        ("zstd", b"", 400),
        ("zstd", zstd.compress(b" " * (2**20 + 1)), 413),
        ("br", _PLAIN, 415),
        ("gzip, gzip", gzip.compress(_GZIP), 415),
    ],
)
async def test_a_body_that_does_not_unpack_is_refused(
    server: Served, encoding: str, body: bytes, status: int
) -> None:
    answer = await server.post("f", body, content_encoding=encoding)
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "x"]
)
async def test_another_content_type_is_415_and_says_which_to_use(server: Served, kind: str) -> None:
    answer = await server.post("f", nodes("a"), content_type=kind)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]
    assert "application/x-ndjson" in answer.json()["error"]


async def test_no_content_type_at_all_is_json(server: Served) -> None:
    answer = await server.client.post(server.path("f", "/events"), content=_PLAIN)
    assert "content-type" not in answer.request.headers
    assert answer.status_code == 200


async def test_a_body_of_exactly_the_limit_passes_and_one_more_byte_is_413(serve: Serve) -> None:
    server = await serve(bounds=IngestBounds(body_bytes=2000))
    padded = _PLAIN + b" " * (2000 - len(_PLAIN))
    assert (await server.post("f", padded)).status_code == 200
    assert (await server.post("f", padded + b" ")).status_code == 413


async def test_a_client_that_still_sends_sees_the_413(server: Served) -> None:
    size = 3 * 2**20
    head = f"POST /v1/flows/f/events HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n".encode()
    received = await raw_exchange(server.port, head + b" " * size)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in received.lower()
    assert json.loads(received.split(b"\r\n\r\n", 1)[1])["status"] == 413


async def test_a_chunked_body_that_grows_too_large_is_413(server: Served) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    head = b"POST /v1/flows/f/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    received = await raw_exchange(server.port, head + chunk * 20 + b"0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_waits_for_100_is_told_413_at_once(server: Served) -> None:
    head = b"POST /v1/flows/f/events HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
    head += b"content-length: 9999999\r\n\r\n"
    received = await raw_exchange(server.port, head)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in received


async def test_a_batch_of_more_messages_than_the_limit_is_413(serve: Serve) -> None:
    server = await serve(bounds=IngestBounds(batch_messages=3))
    assert (await server.post("f", [nodes("a")] * 3)).status_code == 200
    answer = await server.post("f", [nodes("a")] * 4)
    assert answer.status_code == 413
    assert "3 messages, found 4" in answer.json()["error"]


async def test_a_retried_batch_is_stored_once(server: Served) -> None:
    first = (await server.post("f", nodes("a"), idempotency_key="k")).json()
    await server.fed("f", nodes("b"))
    again = (await server.post("f", nodes("other"), idempotency_key="k")).json()
    assert again == first
    assert [node["id"] for node in (await server.snapshot("f"))["nodes"]] == ["a", "b"]
    elsewhere = (await server.post("g", nodes("a", flow_id="g"), idempotency_key="k")).json()
    assert elsewhere["seq"] != first["seq"]


@pytest.mark.parametrize("key", ["", "x" * 257])
async def test_an_idempotency_key_that_is_empty_or_long_is_400(server: Served, key: str) -> None:
    answer = await server.post("f", nodes("a"), idempotency_key=key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]


async def test_a_node_of_another_flow_is_kept_under_its_own_key(server: Served) -> None:
    await server.fed("f", [nodes("a"), nodes("a", flow_id="g")])
    assert [node["flowId"] for node in (await server.snapshot("f"))["nodes"]] == ["f", "g"]
    await server.fed("f", {"type": "delete-nodes", "ids": ["a"]})
    assert (await server.snapshot("f"))["nodes"] == []


async def test_a_client_that_leaves_in_the_middle_of_its_body_changes_nothing(server: Served) -> None:
    def leave() -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"POST /v1/flows/f/events HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")

    await asyncio.to_thread(leave)
    assert (await server.client.get("/healthz")).status_code == 200
    assert (await server.client.get(server.path("f", "/snapshot"))).status_code == 404
