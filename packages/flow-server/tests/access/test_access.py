"""Who may do what, on a real server: every method with every kind of token, batches, streams, reloads."""

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from flow_server.access.authority import Authority
from flow_server.access.tokens import new_token

from ..real_server import Serve, Served, nodes, raw_exchange, until

ISSUER = "https://kubernetes.default.svc.cluster.local"
SUBJECT = "system:serviceaccount:catalyst-system:openova-flow-emitter"


class Cluster:
    """A cluster that signs service account tokens, and its key set in a file."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / f"{name}.json"
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.publish()

    def publish(self) -> None:
        key = json.loads(RSAAlgorithm.to_jwk(self.private.public_key()))
        self.path.write_text(json.dumps({"keys": [key | {"kid": self.name, "alg": "RS256", "use": "sig"}]}))

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        said = {"iss": ISSUER, "aud": ["flow-server"], "sub": SUBJECT, "iat": now, "exp": now + 600} | claims
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, self.private, algorithm="RS256", headers={"kid": self.name} | (headers or {}))

    def entry(self) -> dict[str, Any]:
        grant = {
            "subject": SUBJECT,
            "read": ["*"],
            "publish": ["f*"],
            "nodes": [self.name, f"{self.name}/*"],
        }
        return {
            "name": self.name,
            "issuer": ISSUER,
            "audience": "flow-server",
            "algorithms": ["RS256", "ES256"],
            "jwks_file": str(self.path),
            "grants": [grant],
        }


class World:
    """A server with two clusters, a reader, an owner, and an expired token."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "grants.yaml"
        self.fsn1, self.hel1 = Cluster(folder, "fsn1"), Cluster(folder, "hel1")
        (self.reader, reader), (self.owner, owner), (self.expired, expired) = (new_token() for _ in range(3))
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
        everything = {"read": ["*"], "publish": ["*"], "own": ["*"]}
        self.content: dict[str, Any] = {
            "tokens": [
                {"name": "reader", "sha256": reader, "read": ["f", "public-*"]},
                {"name": "owner", "sha256": owner, **everything},
                {"name": "gone", "sha256": expired, "not_after": yesterday, **everything},
            ],
            "issuers": [self.fsn1.entry(), self.hel1.entry()],
        }
        self.write()
        self.later_s = 0.0
        self.authority = Authority(self.path, now_s=lambda: time.time() + self.later_s)
        self.authority.load()

    def write(self) -> None:
        self.path.write_text(json.dumps(self.content))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def closed(serve: Serve, world: World) -> Served:
    return await serve(authority=world.authority, heartbeat_s=0.2)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def ask(served: Served, method: str, path: str, token: str | None, body: Any = None) -> httpx.Response:
    headers = {"Content-Type": "application/json"} | ({} if token is None else bearer(token))
    content = None if body is None else json.dumps(body)
    return await served.client.request(method, path, headers=headers, content=content)


SNAPSHOT = {"type": "snapshot", "flow": {"id": "f", "status": "s", "startedAt": 1}}
REQUESTS = [
    ("GET", "/v1/flows", None),
    ("GET", "/v1/flows/f", None),
    ("GET", "/v1/flows/f/snapshot", None),
    ("GET", "/v1/flows/f/events", None),
    ("GET", "/v1/flows/f/stream", None),
    ("HEAD", "/v1/flows/f/snapshot", None),
    ("POST", "/v1/flows/f/events", nodes("fsn1/a")),
    ("DELETE", "/v1/flows/f", None),
    ("GET", "/v1/flows/f/nothing", None),
    ("GET", "/v1/nothing", None),
    ("PUT", "/v1/flows/f", None),
    ("GET", "/metrics", None),
]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_a_stranger_gets_401_everywhere_below_v1(
    closed: Served, world: World, method: str, path: str, body: Any
) -> None:
    stranger = Cluster(world.path.parent, "elsewhere")
    bad_tokens = {
        "none": None,
        "unknown": "x" * 43,
        "expired": world.expired,
        "not a JWT": "a.b.c",
        "another audience": world.fsn1.token(aud=["other"]),
        "an expired JWT": world.fsn1.token(exp=int(time.time()) - 60),
        "a JWT without end": world.fsn1.token(exp=None),
        "a JWT of a year": world.fsn1.token(exp=int(time.time()) + 365 * 86400),
        "an absurd end": world.fsn1.token(exp=10**300),
        "another issuer": world.fsn1.token(iss="https://elsewhere"),
        "a stranger's key": stranger.token(),
        "a stranger's key under a known id": stranger.token(headers={"kid": "fsn1"}),
        "no algorithm": jwt.encode({"iss": ISSUER}, "", algorithm="none", headers={"kid": "fsn1"}),
        "too long": "x." * 5000 + "y",
    }
    for why, token in bad_tokens.items():
        answer = await ask(closed, method, path, token, body)
        assert answer.status_code == 401, why
        assert answer.headers["www-authenticate"].startswith("Bearer"), why
        if token is not None:
            assert 'error="invalid_token"' in answer.headers["www-authenticate"], why
            assert token not in answer.text, why
    assert closed.hub.flow("f") is None


async def test_a_public_key_used_as_a_shared_secret_is_refused(closed: Served, world: World) -> None:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "flow-server", "sub": SUBJECT, "exp": now + 60}
    token = jwt.encode(claims, "s" * 64, algorithm="HS256", headers={"kid": "fsn1"})
    assert (await ask(closed, "GET", "/v1/flows", token)).status_code == 401


async def test_open_paths_need_no_token_and_mind_no_bad_one(closed: Served) -> None:
    for path in ("/", "/healthz", "/readyz", "/schema/openapi.json"):
        for token in (None, "bad"):
            assert (await ask(closed, "GET", path, token)).status_code == 200, path


async def test_two_authorization_headers_and_another_scheme_are_401(closed: Served, world: World) -> None:
    path = "GET /v1/flows HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    twice = f"authorization: Bearer {world.owner}\r\n" * 2
    for headers in (twice, "authorization: Basic eDp5\r\n", "authorization: Bearer\r\n"):
        received = await raw_exchange(closed.port, f"{path}{headers}\r\n".encode())
        assert received.startswith(b"HTTP/1.1 401 ")


async def test_a_token_in_the_url_is_refused_with_a_sentence(closed: Served, world: World) -> None:
    answer = await closed.client.get(f"/v1/flows?access_token={world.owner}")
    assert answer.status_code == 400
    assert "Authorization: Bearer" in answer.json()["error"]
    assert world.owner not in answer.text


async def test_a_reader_reads_its_flows_and_nothing_else(closed: Served, world: World) -> None:
    for flow in ("f", "secret", "public-1"):
        assert (
            await ask(closed, "POST", f"/v1/flows/{flow}/events", world.owner, nodes("a", flow_id=flow))
        ).status_code == 200
    listed = (await ask(closed, "GET", "/v1/flows", world.reader)).json()["flows"]
    assert [flow["id"] for flow in listed] == ["f", "public-1"]
    assert (await ask(closed, "GET", "/v1/flows/f/snapshot", world.reader)).status_code == 200
    for flow in ("secret", "not-even-there"):
        answer = await ask(closed, "GET", f"/v1/flows/{flow}/snapshot", world.reader)
        assert answer.status_code == 403, "nothing tells whether the flow exists"
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
        assert "read" in answer.json()["error"]
        assert flow in answer.json()["error"]
    assert (await ask(closed, "POST", "/v1/flows/f/events", world.reader, nodes("x"))).status_code == 403
    assert (await ask(closed, "DELETE", "/v1/flows/f", world.reader)).status_code == 403
    assert (await ask(closed, "GET", "/metrics", world.reader)).status_code == 403
    assert (await ask(closed, "GET", "/metrics", world.owner)).status_code == 200


def _rel(kind: str, from_id: str, to_id: str) -> dict[str, Any]:
    return {
        "type": "upsert-rels",
        "relationships": [{"fromId": from_id, "toId": to_id, "type": kind}],
    }


@pytest.mark.parametrize(
    ("message", "allowed"),
    [
        (nodes("fsn1", "fsn1/a"), True),
        (nodes("hel1/a"), False),
        (nodes("fsn1/a", "hel1/a"), False),
        (nodes("fsn10"), False),
        (_rel("finish-to-start", "hel1/a", "fsn1/a"), True),
        (_rel("finish-to-start", "fsn1/a", "hel1/a"), False),
        (_rel("contains", "fsn1/a", "fsn1"), True),
        (_rel("contains", "hel1/a", "fsn1"), False),
        ({"type": "delete-nodes", "ids": ["fsn1/a"]}, True),
        ({"type": "delete-nodes", "ids": ["hel1/a"]}, False),
        ({"type": "delete-rels", "pairs": [{"fromId": "a", "toId": "hel1/a", "type": "triggers"}]}, False),
        (SNAPSHOT, False),
        ({"type": "upsert-flow", "flow": SNAPSHOT["flow"]}, False),
    ],
)
async def test_one_region_cannot_touch_anothers_nodes(
    closed: Served, world: World, message: dict[str, Any], allowed: bool
) -> None:
    await ask(closed, "POST", "/v1/flows/f/events", world.owner, nodes("hel1/a", "fsn1/b"))
    before = (await ask(closed, "GET", "/v1/flows/f/snapshot", world.owner)).content
    answer = await ask(closed, "POST", "/v1/flows/f/events", world.fsn1.token(), message)
    assert answer.status_code == (200 if allowed else 403), answer.text
    if not allowed:
        assert (await ask(closed, "GET", "/v1/flows/f/snapshot", world.owner)).content == before
        good = [nodes("fsn1/a")] * 99
        smuggled = await ask(closed, "POST", "/v1/flows/f/events", world.fsn1.token(), [*good, message])
        assert smuggled.status_code == 403
        assert "message 99" in smuggled.json()["error"]
        assert (await ask(closed, "GET", "/v1/flows/f/snapshot", world.owner)).content == before
    assert (await ask(closed, "DELETE", "/v1/flows/f", world.fsn1.token())).status_code == 403
    elsewhere = await ask(closed, "POST", "/v1/flows/g/events", world.fsn1.token(), nodes("fsn1/a"))
    assert elsewhere.status_code == 403


async def test_a_sign_of_life_needs_the_right_to_publish(closed: Served, world: World) -> None:
    headers = bearer(world.reader) | {"Flow-Emitter": "fsn1"}
    await ask(closed, "POST", "/v1/flows/f/events", world.owner, nodes("a"))
    assert (await closed.client.get("/v1/flows/f/snapshot", headers=headers)).status_code == 403


async def test_clusters_with_one_issuer_are_told_apart_by_their_keys(closed: Served, world: World) -> None:
    for cluster in (world.fsn1, world.hel1):
        body = nodes(f"{cluster.name}/a")
        assert (await ask(closed, "POST", "/v1/flows/f/events", cluster.token(), body)).status_code == 200


async def test_a_rotated_key_is_fetched_when_it_is_first_seen(
    closed: Served, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await ask(closed, "GET", "/v1/flows", world.fsn1.token())).status_code == 200
    new = Cluster(world.path.parent, "fsn1-new")
    both = [json.loads(path.read_text())["keys"][0] for path in (world.fsn1.path, new.path)]
    curve = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))
    world.fsn1.path.write_text(json.dumps({"keys": [*both, curve | {"kid": "curve", "alg": "ES256"}]}))
    assert (await ask(closed, "GET", "/v1/flows", new.token())).status_code == 401, "asked a moment ago"
    for keys in world.authority._jwts.key_sets:  # pyright: ignore[reportPrivateUsage]
        monkeypatch.setattr(keys, "_tried_at_s", float("-inf"))
    assert (await ask(closed, "GET", "/v1/flows", new.token())).status_code == 200
    assert (await ask(closed, "GET", "/v1/flows", world.fsn1.token())).status_code == 200


async def test_one_principals_idempotency_keys_do_not_swallow_what_another_sends(
    closed: Served, world: World
) -> None:
    keyed = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    answers: list[Any] = []
    for token, node in (
        (world.fsn1.token(), "fsn1/a"),
        (world.hel1.token(), "hel1/a"),
        (world.fsn1.token(iat=1), "fsn1/b"),
    ):
        body = json.dumps(nodes(node))
        answer = await closed.client.post("/v1/flows/f/events", content=body, headers=bearer(token) | keyed)
        assert answer.status_code == 200
        answers.append(answer.json())
    assert answers[0] == answers[2], "the same principal with its next token"
    assert answers[0] != answers[1]
    held = (await ask(closed, "GET", "/v1/flows/f/snapshot", world.owner)).json()["nodes"]
    assert [node["id"] for node in held] == ["fsn1/a", "hel1/a"]


async def _ends(served: Served, token: str, act: Any) -> None:
    async with served.client.stream("GET", "/v1/flows/f/stream", headers=bearer(token)) as response:
        assert response.status_code == 200
        chunks = response.aiter_raw()
        await anext(chunks)
        await act()
        async with asyncio.timeout(20):
            async for _ in chunks:
                pass
    await until(lambda: served.hub.stats.streams_ended["no longer allowed"] == 1)


async def test_a_stream_ends_when_its_token_expires(closed: Served, world: World) -> None:
    await ask(closed, "POST", "/v1/flows/f/events", world.owner, nodes("a"))

    async def act() -> None:
        world.later_s = 3600

    await _ends(closed, world.fsn1.token(), act)


async def test_a_stream_ends_when_its_grant_goes(closed: Served, world: World) -> None:
    await ask(closed, "POST", "/v1/flows/f/events", world.owner, nodes("a"))

    async def act() -> None:
        world.content["tokens"][0]["read"] = ["other"]
        world.write()
        await world.authority.look()

    await _ends(closed, world.reader, act)


async def test_a_stream_goes_on_over_a_reload_that_keeps_its_grant(closed: Served, world: World) -> None:
    await ask(closed, "POST", "/v1/flows/f/events", world.owner, nodes("a"))
    async with closed.client.stream("GET", "/v1/flows/f/stream", headers=bearer(world.reader)) as response:
        chunks = response.aiter_raw()
        await anext(chunks)
        world.content["anonymous"] = {"read": ["public-*"]}
        world.write()
        await world.authority.look()
        received = b""
        while b"heartbeat" not in received:
            received += await anext(chunks)
    assert (await ask(closed, "GET", "/v1/flows/public-1/snapshot", None)).status_code == 404
    assert (await ask(closed, "GET", "/v1/flows/f/snapshot", None)).status_code == 403
    assert (await ask(closed, "GET", "/v1/flows/public-1/snapshot", "bad")).status_code == 401


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "expected an object"),
        ("tokens: [", "neither YAML nor JSON"),
        ("tokns: []", "tokns"),
        ("tokens: [{name: x, sha256: short}]", "$.tokens[0].sha256"),
        ("issuers: [{name: x, issuer: i, audience: a, algorithms: [HS256], jwks_file: f}]", "algorithms"),
        ("issuers: [{name: x, issuer: i, audience: a}]", "$.issuers[0]"),
        ("anonymous: {write: ['*']}", "write"),
    ],
)
async def test_a_bad_new_file_is_refused_named_and_counted_and_the_old_grants_stay(
    closed: Served, world: World, text: str, named: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []

        def error(_: str, *, problem: str) -> None:
            said.append(problem)

        patch.setattr("flow_server.access.authority.log.error", error)
        world.path.write_text(text)
        await world.authority.look()
    assert named in said[0]
    assert str(world.path) in said[0]
    assert (await ask(closed, "GET", "/v1/flows", world.owner)).status_code == 200
    metrics = (await ask(closed, "GET", "/metrics", world.owner)).text
    assert "flow_server_auth_reload_errors_total 1.0" in metrics
    assert "flow_server_auth_enabled 1.0" in metrics


async def test_no_token_is_ever_logged(
    closed: Served, world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = [world.owner, world.reader, world.expired, world.fsn1.token(), world.fsn1.token(aud="x")]
    for token in tokens:
        for method, path, body in REQUESTS:
            if not path.endswith("/stream"):
                await ask(closed, method, path, token, body)
    printed = caplog.text + "".join(capsys.readouterr())
    assert not [token for token in tokens if token in printed]
