"""Continue tokens: the version of the first page and the last name given, as a real server packs them."""

import base64
import binascii
from typing import NamedTuple

import msgspec

from flow_simulator.kubernetes.problems import bad_request
from flow_simulator.kubernetes.store import Key

INCONSISTENT = -1
"""The version in a token that goes on with whatever is there now."""


class _Token(msgspec.Struct):
    v: str
    rv: int
    start: str


class Continue(NamedTuple):
    """Go on after `after` (`namespace` is empty in a namespaced list) at `version`."""

    version: int
    after: Key


def continue_token(position: Continue) -> str:
    """The opaque text for `continue`."""
    start = "/".join(("", *(part for part in position.after if part))) + "\0"
    return _packed(_Token(v="meta.k8s.io/v1", rv=position.version, start=start))


def _packed(token: _Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).rstrip(b"=").decode()


def _decoded(text: str) -> _Token:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from error
    try:
        return msgspec.json.decode(raw, type=_Token)
    except msgspec.MsgspecError as error:
        first = f"\\x{raw[0]:02x}" if raw and raw[0] > 126 else raw[:1].decode()
        problem = f"invalid character '{first}' looking for beginning of value"
        raise bad_request(f"invalid continue token: continue key is not valid: {problem}") from error


def inconsistent(text: str) -> str:
    """The same position as in a readable token, at whatever the version is by then."""
    token = _decoded(text)
    return _packed(_Token(v=token.v, rv=INCONSISTENT, start=token.start))


def read_continue(text: str) -> Continue:
    """The position in a token. Raises `Problem` 400."""
    token = _decoded(text)
    namespace, _, name = token.start.strip("/").rstrip("\0").rpartition("/")
    return Continue(token.rv, Key(namespace, name))
