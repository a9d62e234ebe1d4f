"""The script of all checks: with stand-ins for the tools, since here only its own doing is of interest."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = (
    *(
        "actionlint",
        "deptry",
        "hadolint",
        "lint-imports",
        "pip",
        "pyright",
        "ruff",
        "shellcheck",
        "shfmt",
        "uv",
    ),
    *("yamllint", "zizmor", "chromium", "apt-get"),
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with .ci/run in it, and tools that succeed at nothing."""
    bin_folder = tmp_path / ".venv/bin"
    for folder in (
        bin_folder,
        tmp_path / ".ci",
        tmp_path / "scripts",
        tmp_path / "packages/flow-server/canvas",
    ):
        folder.mkdir(parents=True)
    shutil.copy(REPOSITORY / ".ci/run", tmp_path / ".ci/run")
    for tool in TOOLS:
        _tool(bin_folder / tool, "exit 0")
    _tool(bin_folder / "python", f"echo {tmp_path}/.venv")
    _tool(bin_folder / "node", "exit 0")
    _tool(bin_folder / "fc-list", "echo a font")
    for script in ("check-bootstrap-deps.sh", "release_version.py", "check_wheels.py"):
        _tool(tmp_path / "scripts" / script, "exit 0")
    tmp_path.joinpath("Dockerfile").touch()
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def _tool(path: Path, body: str) -> None:
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(0o755)


def _run(clone: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", str(clone / ".ci/run")],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_it_prints_each_step_with_its_seconds_and_passes(clone: Path) -> None:
    status, out = _run(clone)
    lines = out.splitlines()
    assert status == 0, out
    steps = [line for line in lines if re.fullmatch(r"ok +\d+s  \S.*", line)]
    assert (
        len(steps)
        == len(re.findall(r"^step(?:_aloud)? ", (clone / ".ci/run").read_text(), re.MULTILINE))
        >= 14
    )
    assert re.fullmatch(r"All steps passed in \d+s\.", lines[-1])


@pytest.mark.parametrize(
    ("tool", "steps"),
    [
        ("uv", {"tests"}),
        ("ruff", {"ruff check", "ruff format"}),
        ("pyright", {"pyright"}),
        ("node", {"tsc"}),
        ("lint-imports", {"import layers"}),
        ("deptry", {"declared dependencies"}),
        ("shellcheck", {"shell scripts"}),
        ("shfmt", {"shell scripts"}),
        ("hadolint", {"Dockerfiles"}),
    ],
)
def test_a_step_that_fails_is_told_and_does_not_stop_the_others(
    clone: Path, tool: str, steps: set[str]
) -> None:
    _tool(clone / ".venv/bin" / tool, f"echo what {tool} says >&2\nexit 3")
    status, out = _run(clone)
    assert status == 1
    assert {line.split("s  ", 1)[1] for line in out.splitlines() if line.startswith("FAILED")} == steps
    assert re.search(r"^ok +\d+s  wheels$", out, re.MULTILINE)
    assert set(re.findall(r"^  (\S.*)$", out, re.MULTILINE)) == steps
    if "tests" not in steps:
        assert f"what {tool} says" in out


def test_it_installs_chromium_where_there_is_none(clone: Path) -> None:
    _tool(clone / ".venv/bin/apt-get", f'echo "$*" >>{clone}/installed')
    clone.joinpath(".venv/bin/chromium").unlink()
    script = clone / ".ci/run"
    # A machine that has one is made to have none: the lookup finds another name.
    script.write_text(script.read_text().replace("command -v chromium", "command -v no-chromium-here"))
    assert _run(clone)[0] == 0
    assert "chromium" in clone.joinpath("installed").read_text()


def test_the_tests_are_started_as_the_readme_says() -> None:
    command = "pip install -q uv && uv sync -q --all-groups && uv run pytest"
    assert command in REPOSITORY.joinpath(".ci/run").read_text()
    assert command in REPOSITORY.joinpath("README.md").read_text()
