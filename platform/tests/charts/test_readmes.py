"""The READMEs say what the charts are: every value, every default, and examples that render."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from .helm import CHARTS, EMITTER, PLATFORM, SERVER, Helm
from .values_table import described, with_table

PAGES = [
    *(chart / "README.md" for chart in CHARTS),
    PLATFORM / "bootstrap-kit" / "README.md",
    *sorted((PLATFORM.parent / "docs").glob("*.md")),
]
EXAMPLE = re.compile(r"```yaml\n(.*?)```", re.S)

BASES: dict[str, tuple[Path, dict[str, Any]]] = {
    "flowServer": (SERVER, {"image": {"tag": "0.1.0"}}),
    "flowEmitter": (
        EMITTER,
        {
            "image": {"tag": "0.1.0"},
            "flowServerUrl": "https://openova-flow.example.org",
            "flowId": "deadbeefcafe0001",
            "regionKey": "fsn1",
        },
    ),
}


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.parent.name)
def test_the_table_of_values_is_current(chart: Path) -> None:
    page = chart / "README.md"
    command = "python platform/tests/charts/values_table.py"
    assert page.read_text() == with_table(page.read_text(), chart), f"run: {command}"


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.parent.name)
def test_every_value_has_a_default_and_every_default_is_allowed(chart: Path, helm: Helm) -> None:
    """The schema knows no value that values.yaml does not show, and the other way round."""

    def paths(schema: dict[str, Any], path: tuple[str, ...] = ()) -> set[str]:
        found: set[str] = set()
        for name, of_it in schema.get("properties", {}).items():
            below = paths(of_it, (*path, name))
            found |= below or {".".join((*path, name))}
        return found

    schema = json.loads((chart / "values.schema.json").read_text())
    assert {path for path, _, _ in described(chart)} == paths(schema) - {"global"}


def test_no_object_of_the_schemas_is_open_by_accident() -> None:
    """What has properties of its own takes no others."""

    def check(schema: dict[str, Any], where: str) -> None:
        if "properties" in schema and "if" not in where:
            assert schema.get("additionalProperties") is False, where
        for key, below in schema.items():
            if isinstance(below, dict):
                check(cast("dict[str, Any]", below), f"{where}/{key}")

    for chart in CHARTS:
        check(json.loads((chart / "values.schema.json").read_text()), chart.parent.name)


def _examples() -> list[Any]:
    found: list[Any] = []
    for page in PAGES:
        for number, text in enumerate(EXAMPLE.findall(page.read_text()), start=1):
            for document in yaml.safe_load_all(text):
                title = f"{page.parent.name}-{page.stem}-{number}"
                if not isinstance(document, dict):
                    continue
                example = cast("dict[str, Any]", document)
                if BASES.keys() & example.keys():
                    found.append(pytest.param(example, id=title))
                if "values.yaml" in example.get("data", {}):
                    found.append(pytest.param(yaml.safe_load(example["data"]["values.yaml"]), id=title))
    return found


@pytest.mark.parametrize("values", _examples())
def test_every_example_renders(values: dict[str, Any], helm: Helm) -> None:
    for part, given in values.items():
        chart, base = BASES[part]
        assert helm.render(chart, {part: {**base, **given}})


def test_the_pages_have_examples_at_all() -> None:
    assert len(_examples()) >= 8
