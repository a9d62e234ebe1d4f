"""From what msgspec says about a body to a `ContractError` in the contract's own words.

Runs only for bodies that are rejected, so it may look at the document again: it finds the value that the
path names without building anything else, and shows it.
"""

import re
from typing import get_args

import msgspec

from flow_contract.error import ContractError, escaped, shown
from flow_contract.messages import MESSAGE_TYPES
from flow_contract.objects import Condition, Outcome, RelationshipType

_LOCATED = re.compile(r"(?s)(?P<problem>.*) - at `(?P<path>\$.*)`")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]*)`")
_STEP = re.compile(r"\.(?P<field>\w+)|\[(?P<index>\d+)\]|(?P<unnamed>\[\.\.\.\])")
_PLAIN_KEY = re.compile(r"[A-Za-z_]\w{0,63}", re.ASCII)
_LONE_SURROGATE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")

_UNIX_MILLIS = "expected Unix milliseconds, an integer from 0 to 2^53 - 1"
_VOCABULARIES = {
    "condition": get_args(Condition),
    "when": get_args(Outcome),
    "type": get_args(RelationshipType),
}
_NUMBERS = {
    "startedAt": _UNIX_MILLIS,
    "endedAt": _UNIX_MILLIS,
    "lag": "expected seconds, a number from 0 to below 2^53",
}
_EXPECTED = (
    ("str` of length", "expected a non-empty string"),
    ("array` of length", "expected a non-empty array"),
    ("str", "expected a string"),
    ("array", "expected an array"),
    ("object", "expected an object"),
)
"""How msgspec's text goes on after "Expected `", and the contract's words for it. The first that fits."""

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])


def explained(error: Exception, document: bytes, *, at: str) -> ContractError:
    """What msgspec says about `document`, which stands at the path `at` of the body."""
    if not isinstance(error, msgspec.ValidationError):
        return ContractError(path=at, problem=f"expected well-formed JSON: {_malformed(error, document)}")
    text, steps = str(error), "$"
    if located := _LOCATED.fullmatch(text):
        text, steps = located["problem"], located["path"]
    path, value = _locate(steps.removeprefix("$"), document)
    if missing := _MISSING.fullmatch(text):
        return ContractError(path=f"{at}{path}.{missing['field']}", problem="required, but missing")
    found = None if value is None else escaped(value.decode())
    return ContractError(path=at + path, problem=_problem(text, path, found), found=found)


def _malformed(error: Exception, document: bytes) -> str:
    if "truncated" in str(error) and _LONE_SURROGATE.search(document):
        return "a surrogate without its pair, or truncated"
    return escaped(str(error))


def _problem(text: str, path: str, found: str | None) -> str:
    """The contract's words for msgspec's about the value at `path`, which begins at the message."""
    if path == ".type":
        known = MESSAGE_TYPES.values()
        twice = found is not None and found.strip('"') in known
        return "expected one type, not two that differ" if twice else f"expected one of {', '.join(known)}"
    field = path.rpartition(".")[2]
    if ".meta" not in path and text.startswith(("Invalid", "Expected `str")) and field in _VOCABULARIES:
        return f"expected one of {', '.join(_VOCABULARIES[field])}"
    if ".meta" not in path and field in _NUMBERS:
        return _NUMBERS[field]
    for beginning, words in _EXPECTED:
        if text.startswith(f"Expected `{beginning}"):
            return words
    return "expected a number in the range of a double" if "range" in text else escaped(text)


def _locate(steps: str, document: bytes) -> tuple[str, bytes | None]:
    """The path in full, where msgspec writes `[...]` for a key of `meta`, and the JSON that it leads to.

    A key that is there twice may lead astray: of its values msgspec tried the first, and here is the last.
    Then there is no JSON, and the path ends where it got lost in `meta`.
    """
    path, value = "", document
    for step in _STEP.finditer(steps):
        if value is not None:
            name, value = _enter(step, value)
        else:
            name = step[0]
        if name is None:
            break
        path += name
    return path, value


def _enter(step: re.Match[str], value: bytes) -> tuple[str | None, bytes | None]:
    try:
        if step["field"] is not None:
            return step[0], bytes(_members.decode(value)[step["field"]])
        if step["index"] is not None:
            return step[0], bytes(_items.decode(value)[int(step["index"])])
        for key, raw in _members.decode(value).items():
            if not _decodes(raw):
                name = f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{shown(key, limit=64)}]"
                return name, bytes(raw)
    except (KeyError, IndexError, msgspec.MsgspecError):
        pass
    return None if step["unnamed"] else step[0], None


def _decodes(raw: msgspec.Raw) -> bool:
    try:
        msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return False
    return True
