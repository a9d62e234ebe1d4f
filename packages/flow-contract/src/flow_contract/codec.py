"""Bytes <-> messages. Whatever the bytes are, what comes out is a message or a `ContractError`.

Sources: the contract ("Values", "Messages"); RFC 8259 for JSON. msgspec checks types, bounds and
vocabularies; here is what it does not: nesting, UTF-8 in ignored fields, control characters in ids, the
flow at hand, one message a line.
"""

import msgspec

from flow_contract.error import ContractError, shown
from flow_contract.explanation import explained
from flow_contract.ids import has_control_character, ids_of
from flow_contract.messages import FlowMessage, Snapshot, UpsertFlow
from flow_contract.well_formed import NESTING_LIMIT, check_nesting, check_text

_decoder = msgspec.json.Decoder(FlowMessage)
_array_decoder = msgspec.json.Decoder(list[FlowMessage])
_documents_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_encoder = msgspec.json.Encoder()

_BACKSLASH, _DELETE = 0x5C, 0x7F
"""Looked for as numbers, which takes a sixth of the time."""
_WITH_HEADER = frozenset({Snapshot, UpsertFlow})
_JSON_SPACE = b" \t\r\n"
_DECODING_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on hostile bodies; the last two are none of its own exceptions."""


def decode_message(body: bytes, *, flow_id: str | None = None) -> FlowMessage:
    """The message in a JSON body. With `flow_id`, a header must be of that flow. Raises `ContractError`."""
    return _decode(body, "$", flow_id)


def decode_batch(body: bytes, *, flow_id: str | None = None, lines: bool = False) -> list[FlowMessage]:
    """The messages of a body, at least one: a JSON message or array of them; with `lines`, NDJSON.

    Paths in an array or in lines begin with the message's index from 0; blank lines are not counted.
    Raises `ContractError`, also for an empty array or no line at all.
    """
    array = not lines and body.lstrip(_JSON_SPACE).startswith(b"[")
    if not lines and not array:
        return [_decode(body, "$", flow_id)]
    try:
        check_text(body, at="$")
        check_nesting(body, at="$")
        messages = _array_decoder.decode(body) if array else _lines_at_once(body)
    except (ContractError, *_DECODING_ERRORS):
        messages = None
    if not messages:
        # Once more, one by one: slower, and it knows in which message it failed.
        documents = _documents_of_array(body) if array else _documents_of_lines(body)
        return [_decode(document, f"$[{index}]", flow_id) for index, document in enumerate(documents)]
    # Raw control characters below U+007F are malformed JSON already.
    control_characters = _BACKSLASH in body or _DELETE in body or not body.isascii()
    for index, message in enumerate(messages):
        if flow_id is not None and type(message) in _WITH_HEADER:
            _check_flow(message, f"$[{index}]", flow_id)
        if control_characters:
            _check_ids(message, f"$[{index}]")
    return messages


def encode_message(message: FlowMessage) -> bytes:
    """The message as JSON on one line, absent fields left out."""
    return _encoder.encode(message)


def _decode(document: bytes, at: str, flow_id: str | None) -> FlowMessage:
    # The path of every single message, 2 µs long: the checks' own quick answers stand here, without a call.
    ascii_only = document.isascii()
    if not ascii_only:
        check_text(document, at=at)
    if document.count(b"[") + document.count(b"{") > NESTING_LIMIT:
        check_nesting(document, at=at)
    try:
        message = _decoder.decode(document)
    except _DECODING_ERRORS as error:
        raise explained(error, document, at=at) from error
    if flow_id is not None and type(message) in _WITH_HEADER:
        _check_flow(message, at, flow_id)
    if not ascii_only or _BACKSLASH in document or _DELETE in document:
        _check_ids(message, at)
    return message


def _lines_at_once(body: bytes) -> list[FlowMessage] | None:
    """The messages of lines that are plainly one message each, `None` when that is not plain.

    msgspec takes a line end for a blank. Where each one stands between a `}` and a `{`, which cannot be
    neighbours within a message, as many messages as lines are one a line.
    """
    text = body.strip(_JSON_SPACE)
    line_ends = text.count(b"\n")
    if text.count(b"}\n{") != line_ends:
        return None
    messages = _decoder.decode_lines(text)
    return messages if len(messages) == line_ends + 1 else None


def _documents_of_lines(body: bytes) -> list[bytes]:
    """The lines that are not blank."""
    documents = [line for line in body.split(b"\n") if line.strip(_JSON_SPACE)]
    if not documents:
        raise ContractError(path="$", problem="expected at least one line with a message")
    return documents


def _documents_of_array(body: bytes) -> list[bytes]:
    """The members of a JSON array, each still encoded."""
    check_text(body, at="$")
    check_nesting(body, at="$")
    try:
        documents = [bytes(member) for member in _documents_decoder.decode(body)]
    except _DECODING_ERRORS as error:
        raise explained(error, body, at="$") from error
    if not documents:
        raise ContractError(path="$", problem="expected an array with at least one message")
    return documents


def _check_flow(message: FlowMessage, at: str, flow_id: str) -> None:
    if isinstance(message, (Snapshot, UpsertFlow)) and message.flow.id != flow_id:
        raise ContractError(
            path=f"{at}.flow.id",
            problem=f"expected the flow of the URL, {shown(flow_id)}",
            found=shown(message.flow.id),
        )


def _check_ids(message: FlowMessage, at: str) -> None:
    for path, value in ids_of(message):
        if has_control_character(value):
            raise ContractError(
                path=at + path, problem="expected an id without control characters", found=shown(value)
            )
