"""Names and numbers: flow id <-> subject, stream sequence <-> sequence on the wire."""

import base64
import binascii

MESSAGES_PER_ENTRY = 1024
"""Most messages in one entry of the stream. Sequences on the wire are the stream's times this number plus
the index in the entry: every message has its own, and no cursor can point into the middle of nowhere."""

PROBE_NAME = "_"
"""Where replicas write to learn whether the stream takes writes; no flow id encodes to one character."""


def token_of(flow_id: str) -> str:
    """The flow id as one token of a subject: base64url without padding, so no `.`, `*`, `>` or blank."""
    return base64.urlsafe_b64encode(flow_id.encode()).rstrip(b"=").decode()


def flow_id_of(token: str) -> str:
    """The flow id of a token. Raises ValueError."""
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{token!r} is not the token of a flow id") from error


def wire_sequence(entry: int, index: int = 0) -> int:
    """The sequence of a message: the stream's sequence of its entry, and its index there from 0."""
    return entry * MESSAGES_PER_ENTRY + index


def entry_of(sequence: int) -> int:
    """The stream's sequence of the entry that holds a message."""
    return sequence // MESSAGES_PER_ENTRY
