import json

import msgspec
import pytest

from flow_contract import decode_message, encode_message

from .naive_fold import NaiveFlow
from .vector_files import VECTORS, Case, cases, name_of

CASES = cases("fold")


def test_there_are_at_least_forty_cases_with_unique_names() -> None:
    assert len(CASES) >= 40
    assert len({case["name"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_second_opinion_folds_to_the_same_state(case: Case) -> None:
    flow = NaiveFlow(case["flowId"], case["at"])
    for message in case["messages"]:
        flow.apply(message)
    assert flow.snapshot() == case["state"]
    for message in case["messages"][-1:]:
        flow.apply(message)
    assert flow.snapshot() == case["state"]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_messages_and_states_are_valid_and_in_normal_form(case: Case) -> None:
    for message in [*case["messages"], case["state"]]:
        decoded = decode_message(msgspec.json.encode(message), flow_id=case["flowId"])
        assert json.loads(encode_message(decoded)) == message


def test_every_file_is_named_in_the_readme() -> None:
    readme = (VECTORS / "README.md").read_text()
    assert all(f"`{file.name}`" in readme for file in VECTORS.glob("*/*.json"))
