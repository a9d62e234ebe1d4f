"""A grants file that lets everybody in, and what clients may say about themselves beside that.

Whoever says who they are must be who they say, so these run through opaque tokens, key sets and signatures.
"""

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

_ISSUER, _SUBJECT, _KEY = "https://cluster.example", "system:serviceaccount:flow:emitter", "one"
_OPAQUE = "a-token-of-a-mutation-run"
_PRIVATE = ec.derive_private_key(0x5EED, ec.SECP256R1())
"""The same in every run: an input that is kept must mean the same in the next one."""


def write_grants(folder: Path) -> Path:
    """Write the grants file and its key set; the path of the former."""
    key: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(_PRIVATE.public_key()))
    keys, path = folder / "keys.json", folder / "grants.json"
    keys.write_text(json.dumps({"keys": [key | {"kid": _KEY, "alg": "ES256", "use": "sig"}]}))
    everything = {"read": ["*"], "publish": ["*"], "own": ["*"]}
    digest = hashlib.sha256(_OPAQUE.encode()).hexdigest()
    issuer = {
        "name": "cluster",
        "issuer": _ISSUER,
        "audience": "flow-server",
        "algorithms": ["ES256"],
        "jwks_file": str(keys),
        "grants": [{"subject": _SUBJECT, "read": ["*"], "publish": ["h*"], "nodes": ["fsn1", "fsn1/*"]}],
    }
    grants = {
        "tokens": [{"name": "someone", "sha256": digest, **everything}],
        "issuers": [issuer],
        "anonymous": everything,
    }
    path.write_text(json.dumps(grants))
    return path


def _token(headers: dict[str, Any] | None = None, **claims: Any) -> bytes:
    now = int(time.time())
    said = {"iss": _ISSUER, "aud": "flow-server", "sub": _SUBJECT, "iat": now, "exp": now + 7200} | claims
    return jwt.encode(said, _PRIVATE, algorithm="ES256", headers={"kid": _KEY} | (headers or {})).encode()


def _part(text: bytes) -> bytes:
    return base64.urlsafe_b64encode(text).rstrip(b"=")


def _unsigned(header: bytes, claims: bytes = b"{}", signature: bytes = b"") -> bytes:
    return b".".join([_part(header), _part(claims), signature])


AUTHORIZATIONS = [
    b"Bearer " + _OPAQUE.encode(),
    b"Bearer " + _token(),
    b"Bearer " + _token(exp=1),
    b"Bearer " + _token(exp="soon"),
    b"Bearer " + _token(aud=["x", 5]),
    b"Bearer " + _token(sub="system:serviceaccount:other"),
    b"Bearer " + _token(headers={"kid": "two"}),
    b"Bearer " + _token(headers={"crit": ["x"], "x": 1}),
    b"Bearer " + _token(nbf=2**60, jti={"a": [1]}),
    b"Bearer " + _unsigned(b'{"alg":"none"}'),
    b"Bearer " + _unsigned(b'{"alg":"ES256","kid":"one"}', b"[]", b"AAAA"),
    b"Bearer " + _unsigned(b'{"alg":"ES256","kid":["one"]}', b'{"iss":5}', b"AAAA"),
    b"Bearer " + _unsigned(b'{"alg":5,"kid":null,"typ":{}}', b"null", b"AAAA"),
    b"Bearer " + _unsigned(b"[" * 2000),
    b"Bearer " + _unsigned(b"\xff\xfe"),
    b"Bearer ..",
    b"Bearer a.b.c.d",
    b"Bearer",
    b"Bearer  two blanks",
    b"bearer " + _OPAQUE.encode(),
    b"Basic YTpi",
    b"Bearer \xc3\xbc",
    b"Bearer " + b"a" * 9000,
    b"",
]
"""Values of the header `Authorization`; the first two are good."""
