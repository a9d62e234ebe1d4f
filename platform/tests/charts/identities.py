"""A cluster's identities: its signing key, the tokens of its service accounts, and who may read its keys."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import ssl
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://kubernetes.default.svc.cluster.local"
"""What many kinds of clusters call themselves, all of them alike."""
API_SERVER_AUDIENCE = ISSUER


class ClusterIdentity:
    """The key that signs one cluster's service account tokens."""

    def __init__(self, name: str) -> None:
        """Make a new key; `name` is its key id."""
        self.name = name
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def token(self, *, namespace: str, account: str, audience: str | None, seconds: int) -> str:
        """A token as the kubelet projects it; without an audience it is for the API server."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": f"system:serviceaccount:{namespace}:{account}",
            "aud": [audience or API_SERVER_AUDIENCE],
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.name})

    def jwks(self) -> dict[str, Any]:
        """The public keys, as `/openid/v1/jwks` gives them."""
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "use": "sig", "kid": self.name, "alg": "RS256"}]}


class Authority:
    """A certificate authority, and one certificate of it for this machine."""

    def __init__(self) -> None:
        """Make both."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
        certificate = _builder(name, name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        signed = certificate.sign(self._key, hashes.SHA256())
        self.pem = signed.public_bytes(serialization.Encoding.PEM).decode()
        self._name = name

    def server_context(self, folder: Path) -> ssl.SSLContext:
        """What a server on 127.0.0.1 shows; its files go into `folder`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = _builder(subject, self._name, key.public_key()).add_extension(names, critical=False)
        chain = folder / "apiserver.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        signed = certificate.sign(self._key, hashes.SHA256())
        chain.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )


@asynccontextmanager
async def key_endpoint(identity: ClusterIdentity, context: ssl.SSLContext) -> AsyncGenerator[str]:
    """An API server that gives its public keys to whoever has a token of its own; yields where it is."""
    body = json.dumps(identity.jwks()).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            known = "authorization: bearer ey" in head.lower()
            asked = head.startswith("GET /openid/v1/jwks ")
            status = "200 OK" if known and asked else "403 Forbidden"
            said = body if known and asked else b"{}"
            lines = f"HTTP/1.1 {status}\r\ncontent-type: application/jwk-set+json\r\nconnection: close\r\n"
            writer.write(f"{lines}content-length: {len(said)}\r\n\r\n".encode() + said)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
