"""The table of values in a chart's README: made of its values and of the descriptions in its schema.

`python platform/tests/charts/values_table.py` writes both READMEs anew; a test fails when one is not current.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

PLATFORM = Path(__file__).parents[2]
BEGIN = "<!-- values: begin -->\n"
END = "<!-- values: end -->"


def described(chart: Path) -> Iterator[tuple[str, Any, str]]:
    """Each value that can be set: its path, its default, what it means. Raises KeyError: not described."""
    values = yaml.safe_load((chart / "values.yaml").read_text())
    schema = json.loads((chart / "values.schema.json").read_text())
    yield from _described(values, schema, ())


def _described(
    values: dict[str, Any], schema: dict[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[str, Any, str]]:
    for name, value in values.items():
        of_it = schema["properties"][name]
        if "properties" in of_it:
            yield from _described(value, of_it, (*path, name))
        else:
            yield ".".join((*path, name)), value, of_it["description"]


def table(chart: Path) -> str:
    """The table as Markdown."""
    rows = ["| value | default | meaning |", "| --- | --- | --- |"]
    for path, default, meaning in described(chart):
        rows.append(f"| `{path}` | `{json.dumps(default)}` | {meaning.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def with_table(readme: str, chart: Path) -> str:
    """The README with its table made anew. Raises ValueError: it has no place for one."""
    head, rest = readme.split(BEGIN)
    _, tail = rest.split(END)
    return head + BEGIN + table(chart) + END + tail


if __name__ == "__main__":
    for name in ("openova-flow-server", "openova-flow-emitter"):
        folder = PLATFORM / name / "chart"
        page = folder / "README.md"
        page.write_text(with_table(page.read_text(), folder))
