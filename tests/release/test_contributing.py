"""CONTRIBUTING.md: what it names is there, so that following it leads somewhere."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = REPOSITORY.joinpath("CONTRIBUTING.md").read_text()
_PATH = re.compile(r"(?<![\w./-])(?:\.ci|benchmarks|packages|platform|scripts|tests)(?:/[\w.*-]+)*")


@pytest.mark.parametrize("path", sorted({found.group().rstrip(".") for found in _PATH.finditer(TEXT)}))
def test_a_path_that_it_names_is_there(path: str) -> None:
    assert list(REPOSITORY.glob(path))


def test_the_marks_and_groups_that_it_names_are_declared() -> None:
    settings = tomllib.loads(REPOSITORY.joinpath("pyproject.toml").read_text())
    marks = {mark.partition(":")[0] for mark in settings["tool"]["pytest"]["ini_options"]["markers"]}
    assert set(re.findall(r"pytest -m (\w+)", TEXT)) <= marks
    assert set(re.findall(r"--group (\w+)", TEXT)) <= settings["dependency-groups"].keys()


def test_the_environment_variables_that_it_names_are_read_somewhere() -> None:
    sources = "\n".join(path.read_text() for path in REPOSITORY.glob("packages/*/src/**/*.py"))
    tests = "\n".join(
        path.read_text() for path in REPOSITORY.glob("**/tests/**/*.py") if ".venv" not in path.parts
    )
    for name in set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+(?==)", TEXT)):
        assert f'"{name}"' in sources + tests, name
