"""Opaque tokens: made here, kept as hashes, compared in constant time."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

TOKEN_BYTES = 32
"""Random bytes of a new token."""


def new_token() -> tuple[str, str]:
    """A new token and its SHA-256 in hex, which is all that a server needs to know."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, digest_of(token.encode()).hex()


def digest_of(token: bytes) -> bytes:
    """SHA-256 of a token."""
    return hashlib.sha256(token).digest()


def index_of(digest: bytes, known: Sequence[bytes]) -> int | None:
    """Which of the known digests this is; compared with all of them, so that time tells nothing."""
    found = None
    for index, other in enumerate(known):
        if hmac.compare_digest(other, digest):
            found = index
    return found
