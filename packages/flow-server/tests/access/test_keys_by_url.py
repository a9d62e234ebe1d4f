"""Key sets by URL, from a real HTTPS server with an authority of its own; time of fetches is virtual."""

import gzip
import json
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from structlog.testing import capture_logs

from flow_server.access import keys
from flow_server.access.authority import Authority
from flow_server.access.keys import AGAIN_S, FIRST_S, FRESH_S, LARGEST_BYTES

from ..real_server import Serve, Served
from . import issuer_server
from .issuer_server import KeyServer, serving_keys

ISSUER = "https://kubernetes.default.svc.cluster.local"


class Signer:
    """A key of a cluster."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self) -> dict[str, str]:
        key: dict[str, str] = json.loads(ECAlgorithm.to_jwk(self.private.public_key()))
        return key | {"kid": self.key_id, "alg": "ES256", "use": "sig"}

    def token(self, **claims: Any) -> str:
        said = {"iss": ISSUER, "aud": "flow-server", "sub": "emitter", "exp": int(time.time()) + 600}
        return jwt.encode(said | claims, self.private, algorithm="ES256", headers={"kid": self.key_id})


class World:
    """Two clusters of one `iss`, whose keys two HTTPS servers have; and a flow server that believes both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = issuer_server.Authority(folder)
        self.servers = {name: KeyServer() for name in ("fsn1", "hel1")}
        self.signers = {name: Signer(name) for name in self.servers}
        for name, server in self.servers.items():
            server.publish(self.signers[name].public)
        self.token_file = folder / "token"
        self.token_file.write_text("the-pods-own-token\n")
        self.clock_s = 0.0

    def authority(self, **entry: str | None) -> Authority:
        """Who knows the grants now; `entry` changes both issuers' entries, with `None` for without."""
        issuers: list[dict[str, Any]] = []
        for name, server in self.servers.items():
            usual = {
                "name": name,
                "issuer": ISSUER,
                "audience": "flow-server",
                "jwks_url": f"https://127.0.0.1:{server.port}/openid/v1/jwks",
                "jwks_ca_file": str(self.ca.ca_file),
                "jwks_token_file": str(self.token_file),
                "grants": [{"subject": "emitter", "read": [f"{name}-*"]}],
            } | entry
            issuers.append({key: value for key, value in usual.items() if value is not None})
        file = self.folder / "grants.json"
        file.write_text(json.dumps({"issuers": issuers}))
        authority = Authority(file, clock_s=lambda: self.clock_s)
        authority.load()
        return authority


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    world = World(tmp_path)
    async with AsyncExitStack() as stack:
        for server in world.servers.values():
            await stack.enter_async_context(serving_keys(world.ca, server))
        yield world


async def status(served: Served, token: str, flow: str = "fsn1-a") -> int:
    """Of asking for a flow that is not there: 404 to those who may see it, else 401 or 403."""
    answer: httpx.Response = await served.client.get(
        f"/v1/flows/{flow}/snapshot", headers={"Authorization": f"Bearer {token}"}
    )
    return answer.status_code


async def test_the_keys_of_clusters_with_one_issuer_are_told_apart_by_their_ids(
    serve: Serve, world: World
) -> None:
    server = await serve(authority=world.authority())
    fsn1, hel1 = (world.signers[name].token() for name in ("fsn1", "hel1"))
    assert [await status(server, fsn1), await status(server, hel1)] == [404, 403]
    assert [await status(server, fsn1, "hel1-a"), await status(server, hel1, "hel1-a")] == [403, 404]
    forged = jwt.encode(
        jwt.decode(fsn1, options={"verify_signature": False}),
        world.signers["hel1"].private,
        algorithm="ES256",
        headers={"kid": "fsn1"},
    )
    assert await status(server, forged) == 401
    for key_server in world.servers.values():
        [head] = key_server.heads
        assert head.startswith("GET /openid/v1/jwks HTTP/1.1\r\n")
        assert "\r\nauthorization: bearer the-pods-own-token\r\n" in head.lower()


async def test_a_new_key_is_fetched_when_it_is_seen_and_made_up_ones_are_not_asked_for_each_time(
    serve: Serve, world: World
) -> None:
    server = await serve(authority=world.authority())
    key_server, old = world.servers["fsn1"], world.signers["fsn1"].token()
    assert await status(server, old) == 404
    for number in range(50):
        assert await status(server, Signer(f"made-up-{number}").token()) == 401
    assert len(key_server.heads) == 1

    new = Signer("fsn1-new")
    world.token_file.write_text("rotated")
    key_server.publish(world.signers["fsn1"].public, new.public)
    assert await status(server, new.token()) == 401, "it was asked a moment ago"
    world.clock_s += AGAIN_S
    assert [await status(server, new.token()), await status(server, old)] == [404, 404]
    assert "bearer rotated\r\n" in key_server.heads[-1].lower()
    for number in range(50):
        assert await status(server, Signer(f"made-up-{number}").token()) == 401
    assert len(key_server.heads) == 2

    key_server.publish(new.public)
    world.clock_s += FRESH_S
    await server_refresh(server)
    assert await status(server, world.signers["fsn1"].token(iat=1)) == 401, "its key is gone"
    assert await status(server, new.token(iat=1)) == 404


async def server_refresh(server: Served) -> None:
    """What the background does: any unknown key id makes the server look again."""
    assert await status(server, Signer("nobody").token()) == 401


async def test_an_issuer_that_is_not_there_at_the_start_is_asked_again_soon_and_locks_nobody_else_out(
    serve: Serve, tmp_path: Path
) -> None:
    world = World(tmp_path)
    async with serving_keys(world.ca, world.servers["hel1"]):
        async with serving_keys(world.ca, world.servers["fsn1"]):
            pass  # it has a port now, and nobody listens there
        server = await serve(authority=world.authority())
        fsn1, hel1 = (world.signers[name].token() for name in ("fsn1", "hel1"))
        with capture_logs() as lines:
            assert [await status(server, fsn1), await status(server, hel1, "hel1-a")] == [401, 404]
        assert [line["issuer"] for line in lines if line["event"] == "no keys of an issuer"] == ["fsn1"]
        async with serving_keys(world.ca, world.servers["fsn1"]):
            assert await status(server, fsn1) == 401
            world.clock_s += FIRST_S
            assert await status(server, fsn1) == 404


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"status": "503 Service Unavailable"}, "503 Service Unavailable"),
        ({"status": "302 Found", "headers": "location: {other}\r\n"}, "302 Found"),
        ({"status": "308 Permanent Redirect", "headers": "location: {other}\r\n"}, "308 Permanent Redirect"),
        ({"body": b"<html>"}, "not JSON"),
        ({"body": b""}, "not JSON"),
        ({"body": b"[" * 100_000}, "not JSON"),
        ({"body": b"[]"}, "a key set is a JSON object with keys"),
        ({"body": b'{"keys": []}'}, "did not contain any keys"),
        ({"body": b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "fsn1"}]}'}, "no key for RS256, ES256"),
        ({"headers": "content-encoding: gzip\r\n", "body": gzip.compress(b"{}")}, "not JSON"),
        ({"headers": "content-length: 9\r\n", "body": b"{}"}, "closed connection"),
        ({"body": b" " * (32 * LARGEST_BYTES)}, f"a key set of more than {LARGEST_BYTES} bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_answer_that_is_no_key_set_leaves_the_old_keys(
    serve: Serve, world: World, answer: dict[str, Any], problem: str
) -> None:
    server = await serve(authority=world.authority())
    key_server, other = world.servers["fsn1"], world.servers["hel1"]
    assert await status(server, world.signers["fsn1"].token()) == 404
    asked_other = len(other.heads)
    for name, value in answer.items():
        where = f"https://127.0.0.1:{other.port}/"
        setattr(key_server, name, value.format(other=where) if isinstance(value, str) else value)
    key_server.sent_bytes = 0
    world.clock_s += AGAIN_S
    with capture_logs() as lines:
        await server_refresh(server)
    [line] = [line for line in lines if line["event"] == "no keys of an issuer"]
    assert problem in line["problem"]
    assert "the-pods-own-token" not in str(lines)
    assert len(other.heads) == asked_other + 1, "only its own refresh: no redirect was followed"
    assert key_server.sent_bytes < 16 * LARGEST_BYTES, "what is too large is not read to its end"
    assert await status(server, world.signers["fsn1"].token(iat=1)) == 404


async def test_an_issuer_that_drips_is_given_up_in_time(
    serve: Serve, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "FETCH_S", 0.5)
    world.servers["fsn1"].drips = True
    server = await serve(authority=world.authority())
    assert await status(server, world.signers["fsn1"].token()) == 401
    assert await status(server, world.signers["hel1"].token(), "hel1-a") == 404


@pytest.mark.parametrize("entry", [{"jwks_ca_file": None}, {"jwks_ca_file": "/nowhere/ca.crt"}])
async def test_a_server_whose_certificate_is_not_vouched_for_is_not_believed_and_gets_no_token(
    serve: Serve, world: World, entry: dict[str, str | None]
) -> None:
    server = await serve(authority=world.authority(**entry))
    with capture_logs() as lines:
        assert await status(server, world.signers["fsn1"].token()) == 401
    assert len([line for line in lines if line["event"] == "no keys of an issuer"]) == 2
    assert not world.servers["fsn1"].heads


async def test_an_authority_for_another_name_is_not_believed(serve: Serve, world: World) -> None:
    other = world.folder / "other"
    other.mkdir()
    server = await serve(authority=world.authority(jwks_ca_file=str(issuer_server.Authority(other).ca_file)))
    with capture_logs() as lines:
        assert await status(server, world.signers["fsn1"].token()) == 401
    assert "CERTIFICATE_VERIFY_FAILED" in str(lines)
    assert not world.servers["fsn1"].heads
