"""Opaque tokens: made here, kept as hashes, compared in constant time."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from flow_server.access.grants_file import TokenEntry

TOKEN_BYTES = 32
"""Random bytes of a new token."""


def new_token() -> tuple[str, str]:
    """A new token and its SHA-256 in hex, which is all that a server needs to know."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, digest_of(token)


def digest_of(token: str) -> str:
    """SHA-256 of a token, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def entry_of(token: str, entries: Sequence[TokenEntry]) -> TokenEntry | None:
    """The entry with this token's hash; compared with all of them, so that time tells nothing."""
    digest = digest_of(token)
    found = None
    for entry in entries:
        if hmac.compare_digest(entry.sha256, digest):
            found = entry
    return found
