"""A credentials file, as `nsc` writes it: a user's JWT and the seed that proves it.

The library's own reader never returns on a file without the marks; this one says what is wrong.
"""

import base64
import re
from pathlib import Path

import nkeys  # pyright: ignore[reportMissingTypeStubs]

from flow_server.store import StoreError

_JWT = re.compile(rb"-----BEGIN NATS USER JWT-----\s+(\S+)\s+-+END NATS USER JWT-+")
_SEED = re.compile(rb"-----BEGIN USER NKEY SEED-----\s+(\S+)\s+-+END USER NKEY SEED-+")


class Credentials:
    """The file is read at every use, so that a renewed one counts at the next connect."""

    def __init__(self, path: Path) -> None:
        """Look at the file once. Raises `StoreError`."""
        self._path = path
        self.check()

    def check(self) -> None:
        """Raises `StoreError` when the file does not hold what it should."""
        self.jwt()
        try:
            self.sign("")
        except (nkeys.NkeysError, ValueError) as error:
            raise StoreError(f"{self._path}: the seed is not one of a user: {error!r}") from error

    def jwt(self) -> bytearray:
        """The user's JWT."""
        return bytearray(self._find(_JWT, "NATS USER JWT"))

    def sign(self, nonce: str) -> bytes:
        """The server's nonce, signed and in base64."""
        seed = bytearray(self._find(_SEED, "USER NKEY SEED"))
        pair = nkeys.from_seed(seed)  # pyright: ignore[reportUnknownMemberType]
        signature = pair.sign(nonce.encode())  # pyright: ignore[reportUnknownMemberType]
        pair.wipe()
        return base64.b64encode(signature)

    def _find(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        try:
            found = pattern.search(self._path.read_bytes())
        except OSError as error:
            raise StoreError(f"cannot read the credentials file: {error}") from error
        if found is None:
            raise StoreError(f"{self._path}: expected a block {what}, found none")
        return found[1]
