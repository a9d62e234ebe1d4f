import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from flow_contract import FlowMessage, decode_message, encode_message, has_control_character, ids_of

from .any_message import messages


@given(text=st.text(max_size=6) | st.text(st.characters(max_codepoint=0xFF), max_size=6))
def test_a_control_character_is_one_of_unicodes_category_cc(text: str) -> None:
    assert has_control_character(text) == any(unicodedata.category(one) == "Cc" for one in text)


@given(message=messages)
def test_every_id_stands_at_its_path(message: FlowMessage) -> None:
    body = encode_message(message)
    for path, value in ids_of(message):
        assert value_at(body, path) == value


def value_at(body: bytes, path: str) -> object:
    """What stands at a path like `.nodes[0].id`, with Python's own JSON."""
    value = json.loads(body)
    for step in path.replace("[", ".").replace("]", "").split(".")[1:]:
        value = value[int(step) if step.isdigit() else step]
    return value


def test_the_ids_are_those_that_the_contract_lists() -> None:
    message = decode_message(
        b'{"type":"snapshot","flow":{"id":"f","definitionId":"no","parentFlowId":"no","status":"no","startedAt":1,'
        b'"triggeredBy":[{"flowId":"t","when":"always"}]},'
        b'"nodes":[{"id":"n","flowId":"nf","label":"no","status":"no","family":"no","region":"no"}],'
        b'"relationships":[{"fromId":"a","toId":"b","fromFlowId":"no","toFlowId":"no","type":"contains"}]}'
    )
    assert sorted(value for _, value in ids_of(message)) == ["a", "b", "f", "n", "nf", "t"]
