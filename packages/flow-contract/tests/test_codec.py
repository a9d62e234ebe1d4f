import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flow_contract import (
    MESSAGE_TYPES,
    ContractError,
    FlowMessage,
    Relationship,
    UpsertRels,
    decode_batch,
    decode_message,
    encode_message,
)
from flow_contract.json_schema import json_schema

from .any_message import messages
from .vector_files import body_of, cases

BODIES = [body_of(case) for case in cases("wire")]
GOOD = b'{"type":"delete-nodes","ids":["a"]}'


@given(message=messages)
def test_any_message_we_can_build_comes_back_the_same(message: FlowMessage) -> None:
    assert decode_message(encode_message(message)) == message


@given(message=messages)
def test_an_encoded_message_is_one_line_with_its_type_and_without_null_fields(message: FlowMessage) -> None:
    encoded = encode_message(message)
    assert b"\n" not in encoded
    assert b"\r" not in encoded
    plain = json.loads(encoded)
    assert plain["type"] == MESSAGE_TYPES[type(message)]
    objects = [plain.get("flow", {}), *plain.get("nodes", []), *plain.get("relationships", [])]
    assert all(None not in fields.values() for fields in objects)


@given(
    batch=st.lists(messages, min_size=1, max_size=5), end=st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n\t"])
)
def test_a_batch_is_its_messages_as_lines_or_array(batch: list[FlowMessage], end: bytes) -> None:
    encoded = [encode_message(message) for message in batch]
    assert decode_batch(end.join(encoded), lines=True) == batch
    assert decode_batch(end + end.join(encoded) + end, lines=True) == batch
    assert decode_batch(b" [" + b" ,".join(encoded) + b"]\n") == batch


def one_by_one(body: bytes) -> list[FlowMessage] | str:
    """What NDJSON means, in the plainest way."""
    try:
        lines = [line for line in body.split(b"\n") if line.strip(b" \t\r")]
        return [decode_message(line) for line in lines] or "empty"
    except ContractError as error:
        return error.problem


lines_and_halves = st.lists(
    st.sampled_from(
        [
            GOOD,
            GOOD,
            b"\n",
            b"\n",
            b" ",
            b"\r",
            b",",
            b"[",
            b"]",
            b'{"type":"delete-nodes",',
            b'"ids":["a"]}',
            b"{}",
        ]
    ),
    max_size=12,
).map(b"".join)


@given(body=lines_and_halves)
@example(body=GOOD + GOOD + b'\n{"type":"delete-nodes",\n"ids":["a"]}')
def test_a_batch_of_lines_is_each_line_by_itself(body: bytes) -> None:
    expected = one_by_one(body)
    try:
        found = decode_batch(body, lines=True)
    except ContractError:
        assert isinstance(expected, str)
    else:
        assert found == expected


@given(body=st.binary(max_size=64) | st.text(max_size=64).map(str.encode), lines=st.booleans())
def test_any_bytes_are_messages_or_a_contract_error(body: bytes, lines: bool) -> None:
    with suppress(ContractError):
        for message in decode_batch(body, lines=lines):
            assert decode_message(encode_message(message)) == message


@given(data=st.data(), lines=st.booleans())
def test_any_mutation_of_a_vector_is_messages_or_a_contract_error(data: st.DataObject, lines: bool) -> None:
    body = bytearray(data.draw(st.sampled_from(BODIES)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 4))] = data.draw(
            st.binary(max_size=3)
            | st.sampled_from([b'"', b"[", b"{", b"\\", b"null", b"\xff", b"1e999", b","])
        )
    with suppress(ContractError):
        for message in decode_batch(bytes(body), flow_id="bootstrap", lines=lines):
            assert decode_message(encode_message(message), flow_id="bootstrap") == message


@pytest.mark.parametrize("depth", [65, 996, 5_000, 100_000, 500_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":', b'{"type":"delete-nodes","ids":["a"],"x":'])
def test_nesting_of_any_depth_is_a_contract_error(depth: int, opening: bytes) -> None:
    for body in (opening * depth, b'{"type":"snapshot","x":' + opening * depth):
        for lines in (True, False):
            with pytest.raises(ContractError, match="nesting of at most 64"):
                decode_batch(body, lines=lines)


def nested(kinds: list[bool]) -> bytes:
    """Objects (true) and arrays within each other, the outermost first."""
    value = b"1"
    for is_object in reversed(kinds):
        value = b'{"[{":' + value + b"}" if is_object else b'["]}\\"]",' + value + b"]"
    return value


@given(kinds=st.lists(st.booleans(), min_size=1, max_size=90))
def test_64_levels_are_allowed_and_65_are_not_whatever_the_kinds(kinds: list[bool]) -> None:
    body = b'{"type":"delete-nodes","ids":["a"],"x":' + nested(kinds) + b"}"
    if len(kinds) <= 63:
        assert decode_message(body) == decode_message(GOOD)
    else:
        with pytest.raises(ContractError, match="nesting"):
            decode_message(body)


def test_a_value_at_the_nesting_limit_can_be_encoded_from_a_deep_stack() -> None:
    deepest = (
        b'{"type":"upsert-nodes","nodes":[{"id":"a","flowId":"f","label":"l","status":"s","meta":{"x":%s}}]}'
    )
    message = decode_message(deepest % (b"[" * 60 + b"]" * 60))

    def encode_below(frames: int) -> bytes:
        return encode_below(frames - 1) if frames else encode_message(message)

    assert encode_below(600) == encode_message(message)


def test_a_lag_of_zero_is_left_out_however_it_was_made() -> None:
    for lag in (0.0, -0.0, float("0"), 0):
        relationship = Relationship(from_id="a", to_id="b", type="contains", lag=lag)
        assert b"lag" not in encode_message(UpsertRels(relationships=(relationship,)))


def test_an_error_says_path_problem_and_what_was_found() -> None:
    with pytest.raises(ContractError) as raised:
        decode_message(b'{"type":"upsert-rels","relationships":[{"fromId":"a","toId":"b","type":"blocks"}]}')
    error = raised.value
    assert error.path == "$.relationships[0].type"
    assert error.problem.startswith("expected one of contains, finish-to-start, ")
    assert error.found == '"blocks"'
    assert str(error) == f"{error.path}: {error.problem}, found {error.found}"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("startedAt", "1.5", "expected Unix milliseconds, an integer from 0 to 2^53 - 1, found 1.5"),
        (
            "startedAt",
            "9007199254740992",
            "expected Unix milliseconds, an integer from 0 to 2^53 - 1, found 9007199254740992",
        ),
        ("label", "5", "expected a string, found 5"),
        ("label", '""', 'expected a non-empty string, found ""'),
        ("family", "[1, 2]", "expected a string, found [1, 2]"),
        ("meta", '"x"', 'expected an object, found "x"'),
        ("meta", '{"a":[0,{"b c":1e999}]}', "expected a number in the range of a double, found 1e999"),
    ],
)
def test_an_error_speaks_the_contracts_words(field: str, value: str, expected: str) -> None:
    node = f'{{"id":"a","flowId":"f","label":"l","status":"s","{field}":{value}}}'
    body = f'{{"type":"upsert-nodes","nodes":[{node}]}}'
    with pytest.raises(ContractError) as raised:
        decode_message(body.encode())
    assert str(raised.value).endswith(expected)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"upsert-nodes","nodes":[{"id":5}],"nodes":[]}',
        b'{"type":"upsert-nodes","nodes":[{"id":5}],"nodes":5}',
        b'{"type":"upsert-flow","flow":{"id":"f","status":"s","startedAt":1,"meta":{"x":1e999,"x":1}}}',
        b'{"type":"upsert-flow","flow":{"id":"f","status":"s","startedAt":1,"meta":{"x":1e999},"meta":{}}}',
    ],
)
def test_a_fault_hidden_by_a_second_key_is_still_a_contract_error(body: bytes) -> None:
    with pytest.raises(ContractError) as raised:
        decode_message(body)
    assert raised.value.path in {"$.nodes[0].id", "$.flow.meta"}


def test_message_types_are_the_tags_of_the_union() -> None:
    assert set(json_schema()["discriminator"]["mapping"]) == set(MESSAGE_TYPES.values())
    for message_type, name in MESSAGE_TYPES.items():
        assert msgspec.inspect.type_info(message_type).tag == name  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
