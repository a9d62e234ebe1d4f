"""Bytes <-> messages. Whatever the bytes are, what comes out is a message or a `ContractError`.

Sources: the contract ("Values", "Messages"); RFC 8259 for JSON. msgspec checks types, bounds and
vocabularies; here is what it does not: nesting, UTF-8 in ignored fields, control characters in ids, the
flow at hand, and whole paths.
"""

import re
from itertools import accumulate

import msgspec

from flow_contract.ids import has_control_character, ids_of
from flow_contract.messages import FlowMessage, Snapshot, UpsertFlow

NESTING_LIMIT = 64
"""Deepest nesting of objects and arrays in a body. A value decoded near Python's own limit could not be
encoded again from a deeper stack: one accepted `meta` would break every later snapshot."""

_decoder = msgspec.json.Decoder(FlowMessage)
_encoder = msgspec.json.Encoder()
_array_decoder = msgspec.json.Decoder(list[msgspec.Raw])

_NOT_STRUCTURE = bytes(set(range(256)) - set(b'"[]{}'))
_STEPS = [{ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}.get(byte, 0) for byte in range(256)]
_JSON_SPACE = b" \t\r\n"

_LOCATED = re.compile(r"(?s)(?P<problem>.*) - at `(?P<path>\$.*)`")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]*)`")
_INVALID = re.compile(r"(?s)Invalid (?:enum )?value '?(?P<found>.*?)'?")
_FOUND = re.compile(r"(?P<problem>Expected .*), got (?P<found>`[^`]*`)")


class ContractError(ValueError):
    """A body that breaks the contract; nothing of it may be applied.

    `path` names the offending value (`$.nodes[3].status`; in a batch `$[2].nodes[0].id`; `$` for the body
    as a whole), `problem` says what was expected, `found` what was there, `None` where the problem says it.
    """

    def __init__(self, *, path: str, problem: str, found: str | None = None) -> None:
        """Keep the parts as attributes; the text is made of them."""
        super().__init__(f"{path}: {problem}" + (f", found {found}" if found else ""))
        self.path = path
        self.problem = problem
        self.found = found


def decode_message(body: bytes, *, flow_id: str | None = None) -> FlowMessage:
    """The message in a JSON body. With `flow_id`, a header must be of that flow. Raises `ContractError`."""
    return _decode(body, at="$", flow_id=flow_id)


def decode_batch(body: bytes, *, flow_id: str | None = None, lines: bool = False) -> list[FlowMessage]:
    """The messages of a body, at least one: a JSON message or array of them; with `lines`, NDJSON.

    Paths in an array or in lines begin with the message's index from 0; blank lines are not counted.
    Raises `ContractError`, also for an empty array or no line at all.
    """
    if lines:
        documents = [line for line in body.split(b"\n") if line.strip(_JSON_SPACE)]
        if not documents:
            raise ContractError(path="$", problem="expected at least one line with a message")
    elif body.lstrip(_JSON_SPACE).startswith(b"["):
        documents = _documents_of(body)
        if not documents:
            raise ContractError(path="$", problem="expected an array with at least one message")
    else:
        return [_decode(body, at="$", flow_id=flow_id)]
    return [_decode(document, at=f"$[{index}]", flow_id=flow_id) for index, document in enumerate(documents)]


def encode_message(message: FlowMessage) -> bytes:
    """The message as JSON on one line, absent fields left out."""
    return _encoder.encode(message)


def shown(value: str, *, limit: int = 256) -> str:
    """A client's text as it may stand in an error or a log line: escaped, quoted, cut after `limit`."""
    cut = value if len(value) <= limit else value[:limit] + "..."
    return '"' + cut.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'


def _documents_of(body: bytes) -> list[bytes]:
    """The members of a JSON array, each still encoded."""
    _check_text(body, at="$")
    _check_nesting(body, at="$")
    try:
        return [bytes(member) for member in _array_decoder.decode(body)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _contract_error(error, at="$") from error


def _decode(document: bytes, *, at: str, flow_id: str | None) -> FlowMessage:
    plain = document.isascii()
    if not plain:
        _check_text(document, at=at)
    _check_nesting(document, at=at)
    try:
        message = _decoder.decode(document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _contract_error(error, at=at) from error
    if not plain or b"\\" in document or b"\x7f" in document:
        _check_ids(message, at=at)
    if flow_id is not None and isinstance(message, Snapshot | UpsertFlow) and message.flow.id != flow_id:
        raise ContractError(
            path=f"{at}.flow.id",
            problem=f"expected the flow of the URL, {shown(flow_id)}",
            found=shown(message.flow.id),
        )
    return message


def _check_text(body: bytes, *, at: str) -> None:
    """Refuse bad UTF-8 anywhere: msgspec skips over the fields that it does not know."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        problem = f"expected JSON in UTF-8: {error.reason} (byte {error.start})"
        raise ContractError(path=at, problem=problem) from error


def _check_nesting(body: bytes, *, at: str) -> None:
    """Refuse nesting deeper than `NESTING_LIMIT`, without recursion."""
    if body.count(b"[") + body.count(b"{") <= NESTING_LIMIT:
        return
    # Pairs of backslashes first: what is left before a quote then really escapes it.
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in body else body
    outside_strings = b"".join(unescaped.translate(None, _NOT_STRUCTURE).split(b'"')[::2])
    if max(accumulate(map(_STEPS.__getitem__, outside_strings)), default=0) > NESTING_LIMIT:
        raise ContractError(path=at, problem=f"expected nesting of at most {NESTING_LIMIT} levels")


def _check_ids(message: FlowMessage, *, at: str) -> None:
    for path, value in ids_of(message):
        if has_control_character(value):
            raise ContractError(
                path=at + path, problem="expected an id without control characters", found=shown(value)
            )


def _contract_error(error: Exception, *, at: str) -> ContractError:
    """What msgspec says, as path, problem and what was found."""
    if not isinstance(error, msgspec.ValidationError):
        return ContractError(path=at, problem=f"expected well-formed JSON: {error}")
    problem, path = str(error), at
    if located := _LOCATED.fullmatch(problem):
        problem, path = located["problem"], at + located["path"].removeprefix("$")
    if missing := _MISSING.fullmatch(problem):
        return ContractError(path=f"{path}.{missing['field']}", problem="required, but missing")
    if invalid := _INVALID.fullmatch(problem):
        return ContractError(path=path, problem="not in the vocabulary", found=shown(invalid["found"]))
    found = None
    if told := _FOUND.fullmatch(problem):
        problem, found = told["problem"], told["found"]
    return ContractError(path=path, problem=problem[:1].lower() + problem[1:], found=found)
