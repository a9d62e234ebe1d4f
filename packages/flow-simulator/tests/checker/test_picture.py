import json
from pathlib import Path

import pytest

from flow_simulator.checker import Json
from flow_simulator.checker.picture import Picture, fingerprint, normal_form

VECTORS = Path(__file__).parents[3] / "flow-contract" / "vectors" / "fold"
CASES: list[Json] = [case for file in sorted(VECTORS.glob("*.json")) for case in json.loads(file.read_text())]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_checkers_own_fold_agrees_with_the_fold_vectors(case: Json) -> None:
    picture = Picture()
    for message in case["messages"]:
        picture.fold(message)
    assert list(picture.nodes.values()) == case["state"]["nodes"]
    assert list(picture.relationships.values()) == case["state"]["relationships"]
    header = case["state"]["flow"]
    if header.get("meta", {}).get("derived") is True:
        assert picture.header is None
        assert picture.status() == header["status"]
    else:
        assert picture.header == header


def test_fingerprints_are_equal_for_equal_json_values_only() -> None:
    assert fingerprint({"a": 5.0, "b": [1, {"c": 2.0}]}) == fingerprint({"b": [1.0, {"c": 2}], "a": 5})
    assert fingerprint({"a": True}) != fingerprint({"a": 1})
    assert fingerprint({"a": "5"}) != fingerprint({"a": 5})
    assert fingerprint({"a": [1, 2]}) != fingerprint({"a": [2, 1]})


def test_the_normal_form_is_what_a_server_passes_on() -> None:
    sent = {
        "type": "snapshot",
        "flow": {"id": "f", "status": "s", "startedAt": 5.0, "endedAt": None, "owner": "x"},
        "relationships": [{"fromId": "a", "toId": "b", "type": "triggers", "lag": 0}],
    }
    assert normal_form(sent) == {
        "type": "snapshot",
        "flow": {"id": "f", "status": "s", "startedAt": 5},
        "nodes": [],
        "relationships": [{"fromId": "a", "toId": "b", "type": "triggers"}],
    }
