import json

import msgspec
import pytest

from flow_contract import ContractError, decode_batch, decode_message, encode_message

from .vector_files import Case, body_of, cases, name_of

ACCEPTED = cases("wire", beginning="accepted")
REJECTED = cases("wire", beginning="rejected")


def decoded(case: Case) -> list[object]:
    flow_id, lines = case.get("flowId"), case.get("lines", False)
    return [*decode_batch(body_of(case), flow_id=flow_id, lines=lines)]


def test_there_are_enough_cases_and_no_name_is_there_twice() -> None:
    assert len(ACCEPTED) >= 60
    assert len(REJECTED) >= 150
    assert len({case["name"] for case in ACCEPTED + REJECTED}) == len(ACCEPTED + REJECTED)


@pytest.mark.parametrize("case", ACCEPTED, ids=name_of)
def test_an_accepted_body_gives_its_messages_in_normal_form(case: Case) -> None:
    messages = decode_batch(body_of(case), flow_id=case.get("flowId"), lines=case.get("lines", False))
    assert [json.loads(encode_message(message)) for message in messages] == case["messages"]


@pytest.mark.parametrize("case", ACCEPTED, ids=name_of)
def test_the_normal_form_decodes_to_the_same_messages(case: Case) -> None:
    again = [decode_message(msgspec.json.encode(message)) for message in case["messages"]]
    assert again == decoded(case)


@pytest.mark.parametrize("case", REJECTED, ids=name_of)
def test_a_rejected_body_names_the_path_of_the_offending_value(case: Case) -> None:
    with pytest.raises(ContractError) as raised:
        decoded(case)
    assert raised.value.path == case["path"]


@pytest.mark.parametrize("case", REJECTED, ids=name_of)
def test_an_error_is_short_printable_ascii(case: Case) -> None:
    with pytest.raises(ContractError) as raised:
        decoded(case)
    assert str(raised.value).isascii()
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 1200


@pytest.mark.parametrize("case", [case for case in REJECTED if "lines" not in case], ids=name_of)
def test_a_rejected_message_is_rejected_as_the_second_line_of_a_batch_too(case: Case) -> None:
    body = body_of(case)
    if b"\n" in body or case["kind"] == "batch" or not body.strip():
        return
    good = encode_message(decode_message(b'{"type":"delete-nodes","ids":["a"]}'))
    with pytest.raises(ContractError) as raised:
        decode_batch(good + b"\n" + body, flow_id=case.get("flowId"), lines=True)
    if not body.startswith(b"["):
        assert raised.value.path == "$[1]" + case["path"].removeprefix("$")
