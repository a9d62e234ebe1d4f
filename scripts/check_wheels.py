#!/usr/bin/env python3
"""Looks into the wheels of the released packages: what has to be in them is there, and nothing else.

`check_wheels.py [DIR]` checks the wheels in DIR; without DIR it builds all three with uv first, each from its
sdist. Needs Python 3.11.
"""

import subprocess
import sys
import tempfile
import zipfile
from email.parser import Parser
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

REQUIRED = {
    "flow-contract": {"flow_contract/__init__.py", "flow_contract/py.typed"},
    "flow-server": {
        "flow_server/__main__.py",
        "flow_server/py.typed",
        "flow_server/canvas/index.html",
        "flow_server/canvas/licenses.md",
        "{info}/entry_points.txt",
    },
    "flow-adapter-flux": {
        "flow_adapter_flux/__main__.py",
        "flow_adapter_flux/py.typed",
        "{info}/entry_points.txt",
    },
}
"""Files that each released package has to bring, beside its licence."""


def problems(wheel: Path) -> list[str]:
    """What is wrong with a wheel, a sentence each; `[]` for a released package's wheel as it should be."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = next(name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
    package = metadata["Name"]
    if package not in REQUIRED:
        return [f"{package} is not a released package"]
    found = [
        f"{name} is missing"
        for name in sorted(
            f"{name.format(info=info)}" for name in {*REQUIRED[package], "{info}/licenses/LICENSE"}
        )
        if name not in names
    ]
    own = package.replace("-", "_")
    found += [
        f"{name} does not belong there" for name in sorted(names) if name.split("/")[0] not in (own, info)
    ]
    found += [f"{name} does not belong there" for name in sorted(names) if _is_stray(name)]
    if metadata["License-Expression"] != "Apache-2.0":
        found.append(f"the licence is {metadata['License-Expression']}, expected Apache-2.0")
    if package == "flow-server" and not any(name.startswith("flow_server/canvas/assets/") for name in names):
        found.append("the canvas has no assets")
    return found


def _is_stray(name: str) -> bool:
    folders = set(name.split("/")[:-1])
    return bool(folders & {"tests", "node_modules", "__pycache__"}) or name.endswith((".pyc", ".ts", ".tsx"))


def main(arguments: list[str]) -> int:
    """Exit status 0 when every wheel is as it should be and none is missing, 1 otherwise."""
    if arguments:
        return _check(Path(arguments[0]), whole=False)
    with tempfile.TemporaryDirectory() as folder:
        for package in REQUIRED:
            build = ["uv", "build", "--quiet", "--package", package, "--out-dir", folder]
            if subprocess.run(build, cwd=REPOSITORY, check=False).returncode:  # noqa: S603 - no foreign input
                print(f"ERROR: {package} does not build", file=sys.stderr)
                return 1
        return _check(Path(folder), whole=True)


def _check(folder: Path, *, whole: bool) -> int:
    wheels = sorted(folder.glob("*.whl"))
    failed = len(wheels) != len(REQUIRED) if whole else not wheels
    if failed:
        print(f"ERROR: {len(wheels)} wheels in {folder}", file=sys.stderr)
    for wheel in wheels:
        found = problems(wheel)
        failed = failed or bool(found)
        print(f"{wheel.name}: {'; '.join(found) or 'complete'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
