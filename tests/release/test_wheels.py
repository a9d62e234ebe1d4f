"""The look into the wheels finds what is missing and what does not belong there."""

import zipfile
from pathlib import Path

import pytest

from check_wheels import problems

METADATA = "Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: {licence}\n"
SERVER = (
    "flow_server/__main__.py",
    "flow_server/py.typed",
    "flow_server/canvas/index.html",
    "flow_server/canvas/licenses.md",
    "flow_server/canvas/assets/index-abc.js",
    "flow_server-1.0.dist-info/entry_points.txt",
    "flow_server-1.0.dist-info/licenses/LICENSE",
)


def _wheel(folder: Path, *files: str, name: str = "flow-server", licence: str = "Apache-2.0") -> Path:
    wheel = folder / "any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("flow_server-1.0.dist-info/METADATA", METADATA.format(name=name, licence=licence))
        for file in files:
            archive.writestr(file, "")
    return wheel


def test_a_wheel_as_it_should_be_is_complete(tmp_path: Path) -> None:
    assert problems(_wheel(tmp_path, *SERVER)) == []


@pytest.mark.parametrize("missing", [name for name in SERVER if "assets" not in name])
def test_a_missing_file_is_named(missing: str, tmp_path: Path) -> None:
    files = [name for name in SERVER if name != missing]
    assert problems(_wheel(tmp_path, *files)) == [f"{missing} is missing"]


def test_a_canvas_without_assets_is_found(tmp_path: Path) -> None:
    files = [name for name in SERVER if "assets" not in name]
    assert problems(_wheel(tmp_path, *files)) == ["the canvas has no assets"]


@pytest.mark.parametrize(
    "stray",
    [
        "tests/test_it.py",
        "flow_server/tests/test_it.py",
        "flow_server/canvas/node_modules/x.js",
        "flow_server/__pycache__/x.pyc",
        "flow_server/canvas/main.ts",
    ],
)
def test_a_file_that_does_not_belong_there_is_named(stray: str, tmp_path: Path) -> None:
    assert set(problems(_wheel(tmp_path, *SERVER, stray))) == {f"{stray} does not belong there"}


def test_another_licence_is_found(tmp_path: Path) -> None:
    assert problems(_wheel(tmp_path, *SERVER, licence="MIT")) == ["the licence is MIT, expected Apache-2.0"]


def test_a_package_that_is_never_released_is_refused(tmp_path: Path) -> None:
    assert problems(_wheel(tmp_path, name="flow-simulator")) == ["flow-simulator is not a released package"]
