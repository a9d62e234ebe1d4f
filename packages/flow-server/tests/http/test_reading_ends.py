"""Snapshot, flows, history, health, metrics, page, paths and the description, on a real server."""

import asyncio
import gzip
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from backports import zstd
from prometheus_client.parser import text_string_to_metric_families

from flow_server.flow import RingBounds
from flow_server.http import front
from flow_server.http import snapshot as snapshot_module
from flow_server.http.compression import accepted_encoding

from ..real_server import Serve, Served, nodes, raw_exchange

FLOW_IDS = [
    "f",
    "a/b",
    "dep:1",
    "üni",
    "a b",
    "a+b",
    "a%2Fb",
    "%",
    "..",
    ".",
    "a//b",
    "日本",
    "x" * 253,
    ";a",
]


@pytest.mark.parametrize("flow_id", FLOW_IDS)
async def test_a_flow_id_may_have_any_character(server: Served, flow_id: str) -> None:
    await server.fed(flow_id, nodes("a", flow_id=flow_id))
    assert (await server.snapshot(flow_id))["flow"]["id"] == flow_id
    assert (await server.client.get("/v1/flows")).json()["flows"][0]["id"] == flow_id
    async with server.reading(flow_id) as reader:
        assert (await reader.take(1))[0].data["flow"]["id"] == flow_id
    assert (await server.client.delete(server.path(flow_id, ""))).status_code == 204
    assert (await server.client.get(server.path(flow_id, "/snapshot"))).status_code == 404


@pytest.mark.parametrize(
    "segment",
    ["%zz", "%", "%2", "%ff", "%C3", "%00", "%0d%0a", "%1b", "%7f", "%C2%85", "x" * 254, "", "%u0041"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_segment_that_is_no_flow_id_is_400(server: Served, segment: str, method: str) -> None:
    head = f"{method} /v1/flows/{segment}/snapshot HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    received = await raw_exchange(server.port, head.encode())
    assert received.startswith(b"HTTP/1.1 400 "), received
    assert json.loads(received.split(b"\r\n\r\n", 1)[1])["status"] == 400


async def test_a_snapshot_has_its_sequence_as_entity_tag(server: Served) -> None:
    seq = await server.fed("f", nodes("a"))
    path = server.path("f", "/snapshot")
    plain = await server.client.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.headers["etag"] == f'"{seq}"'
    assert plain.headers["content-type"] == "application/json"
    for tag in (f'"{seq}"', f'"{seq}-gzip"', f'W/"{seq}-zstd"', f'"1", "{seq}"', "*"):
        answer = await server.client.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content) == (304, b""), tag
        assert "etag" in answer.headers
    answer = await server.client.get(path, headers={"If-None-Match": f'"{seq - 1}"'})
    assert answer.status_code == 200


@pytest.mark.parametrize(("encoding", "unpack"), [("gzip", gzip.decompress), ("zstd", zstd.decompress)])
async def test_a_snapshot_is_packed_when_asked(server: Served, encoding: str, unpack: Any) -> None:
    seq = await server.fed("f", nodes("a", meta={"x": "x" * 5000}))
    request = server.client.build_request(
        "GET", server.path("f", "/snapshot"), headers={"Accept-Encoding": encoding}
    )
    answer = await server.client.send(request, stream=True)
    packed = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == encoding
    assert answer.headers["etag"] == f'"{seq}-{encoding}"'
    assert len(packed) < 1000
    assert json.loads(unpack(packed)) == await server.snapshot("f")


@pytest.mark.parametrize(
    ("accepts", "encoding"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=1, zstd;q=0.5", "gzip"),
        ("zstd;q=0", None),
        ("*", "zstd"),
        ("*;q=0", None),
        ("br", None),
        ("gzip;q=x", None),
        ("GZIP", "gzip"),
    ],
)
def test_the_best_accepted_encoding_is_taken(accepts: str | None, encoding: str | None) -> None:
    assert accepted_encoding(accepts) == encoding


async def test_min_seq_waits_until_the_sequence_is_there(server: Served) -> None:
    seq = await server.fed("f", nodes("a"))
    path = server.path("f", "/snapshot")
    waiting = asyncio.create_task(server.client.get(f"{path}?minSeq={seq + 1}"))
    await asyncio.sleep(0)
    later = await server.fed("f", nodes("b"))
    assert (await waiting).headers["etag"].startswith(f'"{later}')
    unknown = asyncio.create_task(server.client.get(server.path("g", "/snapshot?minSeq=1")))
    await server.fed("g", nodes("a", flow_id="g"))
    assert (await unknown).status_code == 200


async def test_min_seq_gives_up_and_says_when_to_come_back(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_module, "MIN_SEQ_S", 0.05)
    await server.fed("f", nodes("a"))
    answer = await server.client.get(server.path("f", f"/snapshot?minSeq={2**53 - 1}"))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("value", ["x", "-1", "1.0", "", str(2**53), "²"])
async def test_min_seq_that_is_no_number_is_400(server: Served, value: str) -> None:
    answer = await server.client.get(server.path("f", f"/snapshot?minSeq={quote(value)}"))
    assert answer.status_code == 400
    assert "minSeq" in answer.json()["error"]


async def test_flows_are_listed_with_status_counts_and_times(server: Served) -> None:
    await server.fed("f", [nodes("r/a", status="failed"), nodes("r/b", "r/c", status="succeeded")])
    await server.fed("f", nodes("r/d", status="pending", meta={"suspended": True}))
    seq = await server.fed("f", nodes("r", status="failed"))
    contains = {"fromId": "r/a", "toId": "r", "type": "contains"}
    seq = await server.fed("f", {"type": "upsert-rels", "relationships": [contains]})
    [flow] = (await server.client.get("/v1/flows")).json()["flows"]
    assert flow["counts"] == {"failed": 1, "succeeded": 2}
    assert (flow["id"], flow["status"], flow["seq"]) == ("f", "failed", seq)
    assert flow["startedAt"] <= flow["changedAt"]
    detail = (await server.client.get(server.path("f", ""))).json()
    assert detail == flow | {"emitters": []}


async def test_a_declared_header_is_the_flows_header(server: Served) -> None:
    header = {"id": "f", "status": "odd", "startedAt": 5, "meta": {"a": [1, {"b": None}]}}
    await server.fed("f", [nodes("a", status="failed"), {"type": "upsert-flow", "flow": header}])
    assert (await server.snapshot("f"))["flow"] == header
    assert (await server.client.get(server.path("f", ""))).json()["status"] == "odd"


async def test_emitters_are_listed_with_when_they_were_last_heard(server: Served) -> None:
    await server.post("f", nodes("a"), flow_emitter="r%C3%A9gion%2F1")
    await server.client.get(server.path("f", "/snapshot"), headers={"Flow-Emitter": "hel1"})
    await server.client.get(server.path("unknown", "/snapshot"), headers={"Flow-Emitter": "hel1"})
    emitters = (await server.client.get(server.path("f", ""))).json()["emitters"]
    assert [emitter["name"] for emitter in emitters] == ["hel1", "région/1"]
    assert all(emitter["lastHeardAt"] > 1.7e12 for emitter in emitters)


@pytest.mark.parametrize("name", ["%ff", "%00", "x" * 300, "%0a"])
async def test_a_bad_emitter_name_is_400(server: Served, name: str) -> None:
    answer = await server.post("f", nodes("a"), flow_emitter=name)
    assert answer.status_code == 400
    assert "Flow-Emitter" in answer.json()["error"]


async def _history(server: Served, query: str = "") -> list[dict[str, Any]]:
    answer = await server.client.get(server.path("f", f"/events{query}"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_history_is_the_base_and_then_the_messages_with_their_times(serve: Serve) -> None:
    server = await serve(ring=RingBounds(entries=3))
    seqs = [await server.fed("f", nodes(f"n{number}")) for number in range(5)]
    base, *rest = await _history(server)
    assert base["seq"] == seqs[1]
    assert base["message"]["type"] == "snapshot"
    assert [node["id"] for node in base["message"]["nodes"]] == ["n0", "n1"]
    assert [(line["seq"], line["message"]["nodes"][0]["id"]) for line in rest] == [
        (seq, f"n{number}") for number, seq in enumerate(seqs) if number > 1
    ]
    assert all(1.7e12 < line["at"] < 2**53 for line in rest)
    assert [line["seq"] for line in await _history(server, f"?after={seqs[2]}")] == seqs[3:]
    assert [line["seq"] for line in await _history(server, f"?after={seqs[2]}&limit=1")] == [seqs[3]]
    assert [line["seq"] for line in await _history(server, "?after=0&limit=1")] == [seqs[1], seqs[2]]
    assert await _history(server, f"?after={seqs[-1]}") == []


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=0", "limit=4097", "limit=", "after=1e3"])
async def test_a_bad_history_query_is_400(server: Served, query: str) -> None:
    await server.fed("f", nodes("a"))
    answer = await server.client.get(server.path("f", f"/events?{query}"))
    assert answer.status_code == 400
    assert query.split("=", maxsplit=1)[0] in answer.json()["error"]


async def test_an_unknown_flow_is_404_but_for_the_stream(server: Served) -> None:
    for rest in ("", "/snapshot", "/events"):
        answer = await server.client.get(server.path("nobody", rest))
        assert answer.status_code == 404
        assert "nobody" in answer.json()["error"]
    assert (await server.client.delete(server.path("nobody", ""))).status_code == 204


async def test_health_is_ok_and_a_stopping_server_is_not_ready(server: Served) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await server.client.get(path)
        assert (answer.status_code, answer.text) == (200, "ok")
    server.hub.stop()
    assert (await server.client.get("/healthz")).status_code == 200
    assert (await server.client.get("/readyz")).status_code == 503


async def test_metrics_say_what_happened(server: Served) -> None:
    await server.fed("f", [nodes("a", "b"), nodes("c")])
    await server.post("f", b"{")
    async with server.reading("f") as reader:
        await reader.take(1)
        answer = await server.client.get("/metrics")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["flow_server_messages_total", "upsert-nodes"] == 2
    assert samples["flow_server_rejected_total", "contract"] == 1
    assert samples["flow_server_requests_total", "/v1/flows/{flow_id}/events", "200"] == 1
    assert samples["flow_server_requests_total", "/v1/flows/{flow_id}/events", "400"] == 1
    assert samples["flow_server_flows",] == 1
    assert samples["flow_server_nodes",] == 3
    assert samples["flow_server_readers",] == 1
    assert samples["flow_server_frames_out_total",] == 1
    assert samples["flow_server_bytes_out_total",] == len(reader.raw)
    assert samples["flow_server_ring_messages",] == 2
    assert 0 < samples["flow_server_ring_fill_ratio",] < 1
    assert samples["process_resident_memory_bytes",] > 0


async def test_the_root_is_a_page_or_for_programs_a_descriptor(server: Served) -> None:
    page = await server.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    descriptor = (await server.client.get("/", headers={"Accept": "application/json"})).json()
    assert descriptor["name"] == "flow-server"
    assert descriptor["schemaVersion"] == 1
    for link in descriptor["links"].values():
        assert (await server.client.get("/" + link)).status_code == 200


async def test_every_answer_has_the_security_headers(server: Served) -> None:
    await server.fed("f", nodes("a"))
    for path in ("/", "/healthz", "/v1/flows", server.path("f", "/snapshot"), "/nowhere", "/v1/flows/%zz"):
        headers = (await server.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


@pytest.mark.parametrize("path", ["/nowhere", "/v1", "/v1/flows/f/x", "/v1/flows/f/snapshot/y", "/assets/no"])
async def test_an_unknown_path_is_404_as_json(server: Served, path: str) -> None:
    answer = await server.client.get(path)
    assert answer.status_code == 404
    assert answer.json()["status"] == 404


@pytest.mark.parametrize(
    ("tail", "allowed"),
    [
        ("", "DELETE, GET, HEAD, OPTIONS"),
        ("/snapshot", "GET, HEAD, OPTIONS"),
        ("/events", "GET, HEAD, OPTIONS, POST"),
        ("/stream", "GET, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones_as_options_are(
    server: Served, tail: str, allowed: str
) -> None:
    refused = await server.client.put(server.path("f", tail))
    assert (refused.status_code, refused.headers["allow"]) == (405, allowed)
    assert refused.json()["error"] == f'method: expected one of {allowed}, found "PUT"'
    asked = await server.client.request("OPTIONS", server.path("f", tail))
    assert (asked.status_code, asked.headers["allow"]) == (204, allowed)


async def test_a_wrong_method_is_405_and_head_is_a_get_without_body(server: Served) -> None:
    await server.fed("f", nodes("a"))
    answer = await server.client.put("/v1/flows")
    assert (answer.status_code, answer.json()["status"]) == (405, 405)
    assert "GET" in answer.headers["allow"]
    head = await server.client.head(server.path("f", "/snapshot"), headers={"Accept-Encoding": "identity"})
    assert head.status_code == 200
    assert head.content == b""
    got = await server.client.get(server.path("f", "/snapshot"), headers={"Accept-Encoding": "identity"})
    assert head.headers["content-length"] == str(len(got.content))
    assert (await server.client.head(server.path("f", "/stream"))).status_code == 405


async def test_a_prefix_works_stripped_or_not(serve: Serve) -> None:
    server = await serve(prefix="/sovereign/flow")
    await server.fed("a/b", nodes("a", flow_id="a/b"))
    for prefix in ("", "/sovereign/flow"):
        assert (await server.client.get(prefix + "/v1/flows/a%2Fb/snapshot")).status_code == 200
        assert (await server.client.get(prefix + "/healthz")).status_code == 200
        posted = await server.client.post(
            prefix + "/v1/flows/a%2Fb/events", content=json.dumps(nodes("b")), headers={}
        )
        assert posted.status_code == 200
    redirect = await server.client.get("/sovereign/flow")
    assert (redirect.status_code, redirect.headers["location"]) == (308, "/sovereign/flow/")
    assert (await server.client.get("/sovereign/flow/")).headers["content-type"].startswith("text/html")


async def test_the_description_shows_the_six_messages_and_every_route(server: Served) -> None:
    answer = await server.client.get("/schema/openapi.json")
    description = answer.json()
    schemas = description["components"]["schemas"]
    kinds = [re.sub(".*/", "", one["$ref"]) for one in schemas["FlowMessage"]["oneOf"]]
    tags = [schemas[kind]["properties"]["type"]["enum"] for kind in kinds]
    assert sorted(tag for [tag] in tags) == sorted(
        ["snapshot", "upsert-flow", "upsert-nodes", "upsert-rels", "delete-nodes", "delete-rels"]
    )
    methods = {(method, path) for path, item in description["paths"].items() for method in item}
    assert {
        ("post", "/v1/flows/{flow_id}/events"),
        ("get", "/v1/flows/{flow_id}/events"),
        ("get", "/v1/flows/{flow_id}/snapshot"),
        ("get", "/v1/flows/{flow_id}/stream"),
        ("delete", "/v1/flows/{flow_id}"),
        ("get", "/v1/flows/{flow_id}"),
        ("get", "/v1/flows"),
        ("get", "/healthz"),
        ("get", "/readyz"),
        ("get", "/metrics"),
    } <= methods
    stream = description["paths"]["/v1/flows/{flow_id}/stream"]["get"]
    assert list(stream["responses"]["200"]["content"]) == ["text/event-stream"]
    assert "http" not in json.dumps(description).replace("http ", "").replace('"http', "")
    assert (await server.client.get("/schema")).headers["content-type"].endswith("json")
    for path in ("/schema/swagger", "/schema/redoc", "/schema/elements", "/schema/rapidoc"):
        assert (await server.client.get(path)).status_code == 404


async def test_the_route_behind_the_door_answers_the_same(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posts leave before the router; the route that OpenAPI describes must do the same when they do not."""
    server = await serve()
    through_door = (await server.post("f", nodes("a", status=""))).json()
    monkeypatch.setattr(front, "EVENTS_SEGMENT", "elsewhere")
    through_route = (await server.post("f", nodes("a", status=""))).json()
    assert through_route == through_door
    assert (await server.post("f", nodes("a"))).status_code == 200
