import re
from pathlib import Path
from typing import get_args

from flow_contract import MESSAGE_TYPES, SCHEMA_VERSION
from flow_contract.json_schema import json_schema
from flow_contract.objects import Condition, Outcome, RelationshipType

from .vector_files import cases

PACKAGE = Path(__file__).parents[1]
README = (PACKAGE / "README.md").read_text()
CHANGELOG = (PACKAGE / "CHANGELOG.md").read_text()


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})


def test_every_word_on_the_wire_is_in_the_readme() -> None:
    definitions = json_schema()["$defs"]
    fields = {field for definition in definitions.values() for field in definition["properties"]}
    words = {*MESSAGE_TYPES.values(), *get_args(RelationshipType), *get_args(Condition), *get_args(Outcome)}
    assert {word for word in fields | words if f"`{word}`" not in README} == set()


def test_required_fields_and_no_others_have_a_star_in_the_readme() -> None:
    for name in ("FlowInstance", "FlowNode", "Relationship"):
        definition = json_schema()["$defs"][name]
        fields = ", ".join(f"`{field}`" for field in definition["properties"]).replace(
            "`triggeredBy`", "`triggeredBy` (`flowId`*, `when`*)"
        )
        for field in definition["required"]:
            fields = fields.replace(f"`{field}`", f"`{field}`*", 1)
        assert f"| {fields} |" in README


def test_the_changelog_counts_the_vectors_and_names_the_schema_version() -> None:
    accepted, rejected = (len(cases("wire", beginning=kind)) for kind in ("accepted", "rejected"))
    assert (
        f"{accepted} accepted and {rejected} rejected bodies, {len(cases('fold'))} folds"
        in CHANGELOG.replace("\n ", "")
    )
    assert f"Wire schema version {SCHEMA_VERSION}." in CHANGELOG
