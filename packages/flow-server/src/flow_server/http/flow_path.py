"""From a request's raw path to the path that routes: the prefix off, each segment decoded exactly once.

Routers look at decoded paths, where `a%2Fb` has become two segments and bad UTF-8 another id. So each segment
is decoded strictly here and written back with `%` and `/` alone encoded; `flow_id_of` undoes these two.
Source: the contract, "HTTP"; RFC 3986, section 2.1.
"""

import re

from flow_contract import has_control_character, shown

FLOW_ID_CHARACTERS = 253
"""Longest flow id in a URL, in characters; the contract's bound."""

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


class BadPathError(ValueError):
    """A path that cannot be read; the text says what is wrong with it."""


def without_prefix(raw_path: bytes, *, prefix: bytes) -> bytes | None:
    """The path below `prefix` (`b"/sovereign"`, or empty); as it is when a proxy has stripped the prefix.

    `None` for the prefix itself without its last slash: relative links of the page would miss it.
    """
    if prefix and raw_path == prefix:
        return None
    if prefix and raw_path.startswith(prefix + b"/"):
        return raw_path[len(prefix) :]
    return raw_path


def segments_of(raw_path: bytes) -> list[str]:
    """The path's segments, at least one, each decoded once. Raises `BadPathError`."""
    if not raw_path.startswith(b"/"):
        raise BadPathError(f"expected a path that begins with /, found {shown(raw_path.decode('latin-1'))}")
    if b"%" not in raw_path and raw_path.isascii() and not has_control_character(text := raw_path.decode()):
        segments = text.split("/")[1:]
    else:
        segments = [_decoded(segment) for segment in raw_path.split(b"/")[1:]]
    if "" in segments[:-1]:
        # A router may take `//` for `/`, and would then see another path than whoever looks at segments.
        raise BadPathError(f"empty segment in the path {shown(raw_path.decode('latin-1'))}")
    return segments


def routed_path(segments: list[str]) -> str:
    """The path for a router that does not decode."""
    return "/" + "/".join(segment.replace("%", "%25").replace("/", "%2F") for segment in segments)


def flow_id_of(routed_segment: str) -> str:
    """The flow id in a segment of a routed path."""
    return routed_segment.replace("%2F", "/").replace("%25", "%")


def check_flow_id(flow_id: str) -> None:
    """Refuse an id that is empty or too long. Raises `BadPathError`."""
    if not 1 <= len(flow_id) <= FLOW_ID_CHARACTERS:
        raise BadPathError(
            f"expected a flow id of 1 to {FLOW_ID_CHARACTERS} characters, found {len(flow_id)}"
        )


def _decoded(segment: bytes) -> str:
    if segment.count(b"%") != len(_ESCAPE.findall(segment)):
        raise BadPathError(f"bad escape in the path segment {shown(segment.decode('latin-1'))}")
    try:
        text = _ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), segment).decode()
    except UnicodeDecodeError as error:
        raise BadPathError(
            f"expected UTF-8 in the path segment {shown(segment.decode('latin-1'))}"
        ) from error
    if has_control_character(text):
        raise BadPathError(f"control character in the path segment {shown(text)}")
    return text
