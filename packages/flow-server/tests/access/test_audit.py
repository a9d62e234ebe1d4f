"""What an operator finds in the log: one line for each delete, snapshot and refused write."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from structlog.testing import capture_logs

from flow_server.access.authority import Authority
from flow_server.access.jwts import TOLD, Refused
from flow_server.access.tokens import new_token

from ..real_server import Serve, nodes


async def test_deletes_snapshots_and_refused_writes_have_a_line_each(serve: Serve, tmp_path: Path) -> None:
    (owner, owner_digest), (reader, reader_digest) = new_token(), new_token()
    everything = {"read": ["*"], "publish": ["*"], "own": ["*"]}
    file = tmp_path / "grants.json"
    entries = [
        {"name": "owner", "sha256": owner_digest, **everything},
        {"name": "reader\n" + "x" * 1000, "sha256": reader_digest, "read": ["*"], "publish": ["f"]},
    ]
    file.write_text(json.dumps({"tokens": entries}))
    authority = Authority(file)
    authority.load()
    server = await serve(authority=authority)
    snapshot: dict[str, Any] = {"type": "snapshot", "flow": {"id": "f", "status": "s", "startedAt": 1}}
    snapshot["nodes"] = nodes("a", "b")["nodes"]

    async def act(method: str, token: str | None, path: str, body: Any = None) -> int:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = await server.client.request(method, path, headers=headers, json=body)
        return answer.status_code

    with capture_logs() as lines:
        assert await act("POST", owner, "/v1/flows/f/events", snapshot) == 200
        assert await act("POST", owner, "/v1/flows/f/events", nodes("c")) == 200
        assert await act("POST", reader, "/v1/flows/f/events", snapshot) == 403
        assert await act("POST", None, "/v1/flows/f/events", snapshot) == 401
        assert await act("DELETE", reader, "/v1/flows/f") == 403
        assert await act("GET", None, "/v1/flows/f/snapshot") == 401
        seq = server.hub.flow("f").last  # type: ignore[union-attr]
        assert await act("DELETE", owner, "/v1/flows/f") == 204
    lines = [line for line in lines if line["event"] != "request finished"]
    told = [(line["event"], line.get("method"), line.get("status")) for line in lines]
    assert told == [
        ("snapshot taken in", None, None),
        ("write refused", "POST", 403),
        ("write refused", "POST", 401),
        ("write refused", "DELETE", 403),
        ("flow deleted", None, None),
    ]
    assert [line["principal"] for line in lines] == [
        "owner", "reader\n" + "x" * 249, None, "reader\n" + "x" * 249, "owner",
    ]  # fmt: skip
    assert all(line["flow"] == "f" and line["peer"] == "127.0.0.1" for line in lines)
    assert (lines[0]["seq"], lines[0]["nodes"], lines[0]["relationships"]) == (seq - 1, 2, 0)
    assert (lines[-1]["seq"], lines[-1]["nodes"]) == (seq, 3)
    assert not [line for line in lines if owner in str(line) or reader in str(line)]


async def test_a_refused_issuer_has_one_line_and_made_up_ones_do_not_fill_the_log(tmp_path: Path) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    keys = json.loads(RSAAlgorithm.to_jwk(private.public_key()))
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [keys | {"kid": "k", "alg": "RS256"}]}))
    issuer = {"name": "here", "issuer": "https://here", "audience": "flow-server"}
    file = tmp_path / "grants.json"
    file.write_text(json.dumps({"issuers": [issuer | {"jwks_file": str(tmp_path / "keys.json")}]}))
    authority = Authority(file)
    authority.load()

    async def refused(**claims: Any) -> None:
        said = {"iss": "https://here", "aud": "flow-server", "sub": "s", "exp": time.time() + 60} | claims
        token = jwt.encode(said, private, algorithm="RS256", headers={"kid": "k"})
        try:
            await authority.principal([f"Bearer {token}".encode()])
        except Refused:
            return
        raise AssertionError("it was let in")

    with capture_logs() as lines:
        for _ in range(3):
            await refused(iss="https://elsewhere")
            await refused(aud="another")
        assert [(line["issuer"], line["problem"]) for line in lines] == [
            ("https://elsewhere", ""),
            ("https://here", "a JWT that is not good for here: Audience doesn't match"),
        ]
        for number in range(3 * TOLD):
            await refused(iss=f"https://{number}")
    assert len(lines) == TOLD
