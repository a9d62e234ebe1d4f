"""Paths written in other ways: none of them leads past the grants."""

import json
from pathlib import Path

from flow_contract import decode_batch
from flow_server.access.authority import Authority
from flow_server.access.tokens import new_token

from ..real_server import Serve, nodes, raw_exchange

DISGUISES = [
    "//v1/flows",
    "/v1//flows",
    "/v1/flows//",
    "//v1/flows/f",
    "//v1/flows/f/snapshot",
    "/v1//flows/f/snapshot",
    "/v1/flows//f/snapshot",
    "/v1/flows/f//snapshot",
    "///v1/flows/f/snapshot",
    "/./v1/flows/f/snapshot",
    "/x/../v1/flows/f/snapshot",
    "/%2e/v1/flows/f/snapshot",
    "/%2Fv1/flows/f/snapshot",
    "/v1%2Fflows%2Ff%2Fsnapshot",
    "/%76%31/flows/f/snapshot",
    "/v1/%66lows/f/snapshot",
    "/V1/flows/f/snapshot",
    "/v1/Flows/f/snapshot",
    "/v1;a/flows/f/snapshot",
    "/v1/flows/f;a/snapshot",
    "/v1/flows/f/snapshot/",
    "/v1/flows/f/snapshot//",
    "/v1/flows/f/stream/",
    "//v1/flows/f/stream",
    "//v1/flows/f/events",
    "/v1/flows/f/events/",
    "/v1/flows/f/",
    "//metrics",
    "/metrics/",
    "/%6Detrics",
    "/healthz/../metrics",
    "/assets/../v1/flows/f/snapshot",
    "/assets/..%2Fv1%2Fflows",
    "/schema/../metrics",
    "http://x//metrics",
    "http://x/v1/flows/f/snapshot",
    "http://x//v1/flows/f/snapshot",
]


async def test_no_spelling_of_a_path_leads_past_the_grants(serve: Serve, tmp_path: Path) -> None:
    (reader, digest), file = new_token(), tmp_path / "grants.json"
    file.write_text(json.dumps({"tokens": [{"name": "r", "sha256": digest, "read": ["other"]}]}))
    authority = Authority(file)
    authority.load()
    server = await serve(authority=authority)
    await server.hub.ingest("f", decode_batch(json.dumps(nodes("secret")).encode()))
    before, passed = server.hub.flow("f"), list[str]()
    body = json.dumps(nodes("b"))
    for path in DISGUISES:
        # Nothing is there, for everybody: not below `/v1/`, and not metrics.
        elsewhere = not path.removeprefix("http://x").startswith(("/v1/", "/metrics", "/%76", "/%6D"))
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            for token in (None, reader):
                head = f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                head += "" if token is None else f"authorization: Bearer {token}\r\n"
                head += f"content-length: {len(body)}\r\n\r\n{body}" if method == "POST" else "\r\n"
                received = await raw_exchange(server.port, head.encode())
                status = int(received.split(b" ", 2)[1])
                refusals = {400, 401} if token is None and not elsewhere else {400, 403, 404, 405}
                if status not in refusals or b"secret" in received:
                    passed.append(f"{method} {path}: {status}")
    assert not passed
    assert server.hub.flow("f") is before, "not deleted"
    assert [node["id"] for node in json.loads(before.snapshot())["nodes"]] == ["secret"]  # type: ignore[union-attr]
