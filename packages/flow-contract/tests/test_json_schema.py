import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from flow_contract.json_schema import json_schema

from .vector_files import Case, body_of, cases, name_of

COMMITTED = Path(__file__).parents[1] / "schema" / "flow-message.schema.json"
VALIDATOR: Any = Draft202012Validator(json_schema())
SCHEMA_CAN_SAY = [case for case in cases("wire", beginning="rejected") if case["kind"] == "shape"]


def test_the_committed_schema_is_what_the_module_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "flow_contract.json_schema"], check=True, stdout=subprocess.PIPE
    )
    assert COMMITTED.read_bytes() == printed.stdout


def test_the_schema_is_a_valid_one_of_its_draft() -> None:
    Draft202012Validator.check_schema(json_schema())


def messages_of(case: Case) -> list[Any]:
    """The messages of an accepted body as they stand there, unknown fields and all."""
    if case.get("lines"):
        return [json.loads(line) for line in body_of(case).split(b"\n") if line.strip()]
    value = json.loads(body_of(case))
    return value if case["body"].lstrip().startswith("[") else [value]


@pytest.mark.parametrize("case", cases("wire", beginning="accepted"), ids=name_of)
def test_accepted_bodies_agree_with_the_schema(case: Case) -> None:
    for message in [*messages_of(case), *case["messages"]]:
        VALIDATOR.validate(message)


@pytest.mark.parametrize("case", SCHEMA_CAN_SAY, ids=name_of)
def test_bodies_of_a_wrong_shape_do_not_agree_with_the_schema(case: Case) -> None:
    assert not VALIDATOR.is_valid(json.loads(body_of(case)))


def test_most_rejected_bodies_are_of_a_kind_that_a_schema_can_say() -> None:
    assert len(SCHEMA_CAN_SAY) >= 150


@pytest.mark.parametrize("case", cases("fold"), ids=name_of)
def test_fold_vectors_agree_with_the_schema(case: Case) -> None:
    for message in [*case["messages"], case["state"]]:
        VALIDATOR.validate(message)
