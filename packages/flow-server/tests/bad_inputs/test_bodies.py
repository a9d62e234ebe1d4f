"""Bodies: the contract's own vectors are the table, and every body has its status on a real server.

`tests/http/test_ingest.py` posts each of them; here is how many there are, and what the contract leaves open.
"""

import json
from pathlib import Path

import pytest

from ..real_server import Serve, Served, nodes

WIRE = Path(__file__).parents[3] / "flow-contract" / "vectors" / "wire"


@pytest.mark.parametrize(
    ("files", "least"),
    [
        (("rejected-texts", "accepted-texts"), 60),
        (("rejected-shapes", "rejected-flows"), 120),
        (("rejected-values", "accepted-values"), 60),
        (("rejected-batches", "accepted-batches"), 30),
    ],
)
def test_there_are_as_many_cases_as_promised(files: tuple[str, ...], least: int) -> None:
    cases = [case for file in files for case in json.loads((WIRE / f"{file}.json").read_text())]
    assert len({case["body"] if "body" in case else case["base64"] for case in cases}) >= least


@pytest.mark.parametrize(("count", "status"), [(1, 200), (1024, 200), (1025, 413)])
@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
async def test_a_batch_has_as_many_messages_as_the_limit(
    server: Served, kind: str, count: int, status: int
) -> None:
    messages = [{"type": "delete-nodes", "ids": [str(number)]} for number in range(count)]
    lines = "\n".join(json.dumps(message) for message in messages)
    body = json.dumps(messages) if kind == "application/json" else lines
    answer = await server.post("f", body, content_type=kind)
    assert answer.status_code == status
    assert (server.hub.flow("f") is None) == (status == 413)


@pytest.mark.parametrize("bad", [0, 499, 999])
async def test_a_bad_message_anywhere_in_a_batch_is_named_and_nothing_is_applied(
    server: Served, bad: int
) -> None:
    messages = [nodes(f"n{number}") for number in range(1000)]
    messages[bad] = nodes("x", status="")
    for kind, body in (
        ("application/json", json.dumps(messages)),
        ("application/x-ndjson", "\r\n\r\n".join(map(json.dumps, messages))),
    ):
        answer = await server.post("f", body, content_type=kind)
        assert (answer.status_code, answer.json()["path"]) == (400, f"$[{bad}].nodes[0].status")
        assert server.hub.flow("f") is None


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain;charset=utf-8",
        "application/json, text/plain",
        "application/json+x",
        "application/xml",
        "*/*",
    ],
)
async def test_what_a_form_or_another_origin_may_send_unasked_is_415(server: Served, kind: str) -> None:
    answer = await server.post("f", nodes("a"), content_type=kind)
    assert answer.status_code == 415
    assert server.hub.flow("f") is None


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_page_of_another_origin_may_not_post_even_without_a_content_type(
    serve: Serve, site: str
) -> None:
    # A browser posts a body without a type unasked, and a gate in front may add who is signed in.
    server = await serve(cors_origins=frozenset({"https://console.example"}))
    body, path = json.dumps(nodes("a")), server.path("f", "/events")
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": site}
    refused = await server.client.post(path, content=body, headers=headers)
    assert refused.status_code == 403
    assert "FLOW_SERVER_CORS_ORIGINS" in refused.json()["error"]
    assert server.hub.flow("f") is None
    for good in (
        {"Origin": "https://console.example", "Sec-Fetch-Site": site},
        {"Sec-Fetch-Site": "same-origin"},
    ):
        assert (await server.client.post(path, content=body, headers=good)).status_code == 200
