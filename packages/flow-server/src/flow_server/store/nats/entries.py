"""What one entry of the stream says, as bytes. An entry is one flow's batches, or its tombstone.

The kind, the format's version and the flow's previous entry are headers, so that they can be read with the
`nats` command and without unpacking; the batches are zstd-compressed: a JSON line that says whose they are,
then one line for each message.
"""

import sys
from enum import Enum

import msgspec
from msgspec import Struct

from flow_server.core.envelope import Envelope
from flow_server.store.nats.errors import TooNew
from flow_server.store.nats.subjects import wire_sequence

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT = 1
"""Version of entries and checkpoints; a higher one is refused."""

FORMAT_HEADER = "Flow-Format"
KIND_HEADER = "Flow-Kind"
AFTER_HEADER = "Flow-After"
"""The stream's sequence of the flow's entry before this one, 0 for none: whoever follows sees a gap."""


class Kind(Enum):
    """What an entry is."""

    BATCHES = "batches"
    TOMBSTONE = "tombstone"
    PROBE = "probe"


class Entry(Struct, frozen=True, kw_only=True):
    """An entry as it comes from the stream, its payload still packed."""

    flow_id: str
    sequence: int
    kind: Kind
    after: int
    id: str
    payload: bytes


class Part(Struct, frozen=True, array_like=True):
    """One POST's share of an entry: its idempotency key, if any, and how many messages are its own."""

    key: str | None
    count: int


class Batches(Struct, frozen=True, kw_only=True):
    """What is in an entry of batches: when it was taken in (Unix ms), whose, and the messages' JSON."""

    at_ms: int
    parts: tuple[Part, ...]
    lines: tuple[bytes, ...]

    def envelopes(self, entry: int) -> tuple[Envelope, ...]:
        """The messages as the entry with this stream sequence orders them."""
        return tuple(
            Envelope(sequence=wire_sequence(entry, index), at_ms=self.at_ms, encoded=line)
            for index, line in enumerate(self.lines)
        )


class _Head(Struct, frozen=True):
    at: int
    parts: tuple[Part, ...]


_head_decoder = msgspec.json.Decoder(_Head)


def packed(batches: Batches) -> bytes:
    """The entry's payload."""
    head = msgspec.json.encode(_Head(batches.at_ms, batches.parts))
    return zstd.compress(b"\n".join((head, *batches.lines)), 3)


def unpacked(payload: bytes) -> Batches:
    """What `packed` made a payload of. Raises ValueError."""
    try:
        head_line, *lines = zstd.decompress(payload).split(b"\n")
        head = _head_decoder.decode(head_line)
    except (zstd.ZstdError, msgspec.MsgspecError) as error:
        raise ValueError(str(error)) from error
    if sum(part.count for part in head.parts) != len(lines):
        raise ValueError(f"expected {sum(part.count for part in head.parts)} messages, found {len(lines)}")
    return Batches(at_ms=head.at, parts=head.parts, lines=tuple(lines))


def check_format(found: str | None, *, where: str) -> None:
    """Refuse what a newer release wrote. Raises `TooNew`, or ValueError for what nobody of us wrote."""
    if found is None or not found.isascii() or not found.isdigit():
        raise ValueError(f"{where} is not of flow-server: its format is {found!r}")
    if int(found) > FORMAT:
        raise TooNew(where=where, found=int(found), known=FORMAT)


def headers_of(kind: Kind, *, after: int) -> dict[str, str]:
    """The headers that every entry has."""
    return {FORMAT_HEADER: str(FORMAT), KIND_HEADER: kind.value, AFTER_HEADER: str(after)}
