"""A watch's bytes -> lines -> events. Source: Kubernetes API concepts, "Efficient detection of changes".

Lines end in LF and in nothing else: U+0085 and its like are data, though `str.splitlines` breaks there.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from flow_adapter_flux.core.reading import described, is_mapping

LINE_LIMIT = 4 * 1024 * 1024
"""Longest line in bytes: an API server takes objects up to 3 MiB, so a longer line is no object."""


class UnreadableLineError(ValueError):
    """A line that says nothing that can be used; the listing must say it instead."""


class WatchEvent(NamedTuple):
    """`kind` is the event's type as sent. `version` is the object's, `""` for an ERROR, whose `code` is the
    Status object's, 0 when it has none."""

    kind: str
    decoded: object
    version: str = ""
    code: int = 0


class LineSplitter:
    """Cuts chunks into lines; `rest` tells whether the last one is not complete yet."""

    def __init__(self) -> None:
        """Begin at the start of a line."""
        self._rest = bytearray()

    @property
    def rest(self) -> int:
        """Bytes of the line that is not complete yet."""
        return len(self._rest)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that are complete now, without their LF. Raises `UnreadableLineError` over the limit."""
        *complete, rest = chunk.split(b"\n")
        for part in complete:
            line = bytes(self._rest + part) if self._rest else part
            self._rest.clear()
            _check_length(len(line))
            yield line
        _check_length(len(self._rest) + len(rest))
        self._rest += rest


def read_line(line: bytes) -> WatchEvent:
    """The event on a line. Raises `UnreadableLineError` unless it has a type and, ERROR apart, a version."""
    try:
        decoded = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableLineError(f"expected a JSON object on each line: {error}") from error
    if not is_mapping(decoded):
        raise UnreadableLineError(f"expected a JSON object on each line, found {described(decoded)}")
    kind, body = decoded.get("type"), decoded.get("object")
    if not isinstance(kind, str) or not is_mapping(body):
        raise UnreadableLineError("expected a type and an object in an event")
    if kind == "ERROR":
        code = body.get("code")
        return WatchEvent(kind, body, code=code if isinstance(code, int) else 0)
    metadata = body.get("metadata")
    version = metadata.get("resourceVersion") if is_mapping(metadata) else None
    if not isinstance(version, str) or not version:
        raise UnreadableLineError(f"expected metadata.resourceVersion in the object of {kind[:20]}")
    return WatchEvent(kind, body, version=version)


def _check_length(length: int) -> None:
    if length > LINE_LIMIT:
        raise UnreadableLineError(f"expected a line of at most {LINE_LIMIT} bytes")
