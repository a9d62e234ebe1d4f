"""An operator, an account with JetStream, and users of it, as `nsc` would make them."""

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any, cast

import nkeys  # pyright: ignore[reportMissingTypeStubs]
from nacl.signing import SigningKey

_PREFIXES = {
    "operator": nkeys.PREFIX_BYTE_OPERATOR,
    "account": nkeys.PREFIX_BYTE_ACCOUNT,
    "user": nkeys.PREFIX_BYTE_USER,
}


class _Key:
    """A key pair of one kind."""

    def __init__(self, kind: str) -> None:
        raw = SigningKey.generate().encode()
        self.seed: bytes = nkeys.encode_seed(raw, _PREFIXES[kind])  # pyright: ignore[reportUnknownMemberType]
        self._pair = nkeys.from_seed(bytearray(self.seed))  # pyright: ignore[reportUnknownMemberType]
        self.public = cast("bytes", self._pair.public_key).decode()

    def signed(self, claims: dict[str, Any]) -> str:
        """A JWT of these claims, signed by this key."""
        claims = claims | {"iss": self.public, "iat": int(time.time())}
        claims["jti"] = (
            base64.b32encode(hashlib.sha256(json.dumps(claims).encode()).digest()).decode().rstrip("=")
        )
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        body = f"{_part(head)}.{_part(claims)}"
        signature: bytes = self._pair.sign(body.encode())  # pyright: ignore[reportUnknownMemberType]
        return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


class Accounts:
    """One operator and one account; `creds` makes users."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        operator, self._account = _Key("operator"), _Key("account")
        system = _Key("account")
        operator_jwt = operator.signed(
            {
                "sub": operator.public,
                "name": "operator",
                "nats": {"type": "operator", "version": 2, "system_account": system.public},
            }
        )
        limits = {
            "subs": -1,
            "data": -1,
            "payload": -1,
            "imports": -1,
            "exports": -1,
            "wildcards": True,
            "conn": -1,
            "leaf": -1,
        }
        storage = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}

        def account_jwt(key: _Key, name: str, more: dict[str, int]) -> str:
            nats = {"type": "account", "version": 2, "limits": limits | more}
            return operator.signed({"sub": key.public, "name": name, "nats": nats})

        self.server_config = (
            f"operator: {operator_jwt}\nsystem_account: {system.public}\nresolver: MEMORY\n"
            f"resolver_preload {{\n{self._account.public}: {account_jwt(self._account, 'flows', storage)}\n"
            f"{system.public}: {account_jwt(system, 'system', {})}\n}}\n"
        )

    def creds(self) -> Path:
        """A new user's credentials file."""
        user = _Key("user")
        jwt = self._account.signed(
            {
                "sub": user.public,
                "name": "flow-server",
                "nats": {
                    "type": "user",
                    "version": 2,
                    "pub": {},
                    "sub": {},
                    "subs": -1,
                    "data": -1,
                    "payload": -1,
                },
            }
        )
        file = self._folder / "flow-server.creds"
        file.write_text(
            f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
        )
        return file


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()
