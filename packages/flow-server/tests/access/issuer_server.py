"""An issuer's key set over HTTPS: a real server with a certificate of its own authority."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority for 127.0.0.1, as files."""

    def __init__(self, folder: Path) -> None:
        self.ca_file, self.chain_file = folder / "ca.crt", folder / "server.pem"
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster-ca")])
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        ca = (
            _certificate(ca_name, ca_name, ca_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(ca_key, hashes.SHA256())
        )
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        own = _certificate(x509.Name([]), ca_name, key).add_extension(names, critical=True)
        self.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        self.chain_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + own.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


class KeyServer:
    """Answers every request with what it is told to, and keeps the heads."""

    def __init__(self) -> None:
        self.port = 0
        self.heads: list[str] = []
        self.status = "200 OK"
        self.headers = ""
        self.body = b""
        self.sent_bytes = 0
        self.drips = False
        """Whether the body comes byte by byte, and never ends."""

    def publish(self, *keys: dict[str, str]) -> None:
        """A key set of these."""
        self.body = json.dumps({"keys": keys}).encode()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            head = f"HTTP/1.1 {self.status}\r\nconnection: close\r\n{self.headers}\r\n"
            writer.write(head.encode())
            while self.drips:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
            for start in range(0, len(self.body), 65_536):
                writer.write(self.body[start : start + 65_536])
                await writer.drain()
                self.sent_bytes += 65_536
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # who asked did not want to hear more
        finally:
            writer.close()


@asynccontextmanager
async def serving_keys(authority: Authority, server: KeyServer) -> AsyncGenerator[KeyServer]:
    """Serve on the port that it had before, at first on a free one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.chain_file)
    listening = await asyncio.start_server(server.answer, "127.0.0.1", server.port, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
