"""How the script is called: from anywhere, with what Python there is, and with mistakes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .kits import SCRIPT, Case, call, lay_out, release, run, slots

AGREEING = Case("", {"01-a.yaml": release("a")}, slots("1 a"), 0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--kit-dir"], "ERROR: argument --kit-dir: expected one argument"),
        (["--expected"], "ERROR: argument --expected: expected one argument"),
        (["--kit", "x"], "ERROR: unrecognized arguments: --kit x"),
        (["x"], "ERROR: unrecognized arguments: x"),
        (["--format", "xml"], "ERROR: argument --format: invalid choice: 'xml'"),
        (["--expected", "void"], "ERROR: expected file not found: void"),
        (["--kit-dir", "void"], "ERROR: kit directory not found: void"),
    ],
)
def test_a_mistake_in_the_call_is_an_input_error(arguments: list[str], says: str, tmp_path: Path) -> None:
    outcome = run(*arguments, cwd=tmp_path)
    assert (outcome.exit_status, outcome.err[: len(says)]) == (3, says)


@pytest.mark.parametrize(
    ("kit", "expected", "status"),
    [
        ({"01-a.yaml": release("a")}, slots("1 a"), 0),
        ({"01-a.yaml": release("a")}, slots("1 b"), 1),
        ({"01-a.yaml": release("a", "a")}, slots("1 a <- a"), 2),
        ({"01-a.yaml": "{"}, slots("1 a"), 3),
    ],
)
def test_the_script_hands_on_what_the_audit_found(
    kit: dict[str, str], expected: str, status: int, tmp_path: Path
) -> None:
    arguments = lay_out(Case("", kit, expected, status, ""), tmp_path)
    outcome = run(*arguments, cwd=tmp_path)
    assert outcome == call(*arguments, cwd=tmp_path)
    assert outcome.exit_status == status


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_on_stdout_and_no_error(flag: str, tmp_path: Path) -> None:
    outcome = run(flag, cwd=tmp_path)
    assert (outcome.exit_status, outcome.err) == (0, "")
    assert outcome.out.startswith("usage: check-bootstrap-deps.sh")


def test_without_arguments_it_audits_this_repository_from_any_directory(tmp_path: Path) -> None:
    outcome = run(cwd=tmp_path)
    assert outcome.exit_status == 0, outcome.out + outcome.err
    assert "== Phase 1: parse expected DAG (scripts/expected-bootstrap-deps.yaml) ==" in outcome.out
    assert "== Phase 2: parse actual HRs in platform/bootstrap-kit ==" in outcome.out
    assert "  Parsed 2 HelmRelease(s) across 2 file(s)" in outcome.out


def _copy_of_the_script(folder: Path) -> Path:
    """The script and its package where no workspace is around them."""
    alone = folder / "alone" / "scripts"
    shutil.copytree(
        SCRIPT.parent / "check_bootstrap_deps",
        alone / "check_bootstrap_deps",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return Path(shutil.copy2(SCRIPT, alone))


def _path_with(folder: Path, **programs: str) -> dict[str, str]:
    """An environment whose PATH has bash and its like, and the given programs alone."""
    folder.mkdir()
    for name in ("bash", "dirname", "env", "readlink"):
        folder.joinpath(name).symlink_to(shutil.which(name) or name)
    for name, text in programs.items():
        folder.joinpath(name).write_text(f"#!/usr/bin/env bash\n{text}\n")
        folder.joinpath(name).chmod(0o755)
    return {"PATH": str(folder), "LC_ALL": "C.UTF-8"}


def test_outside_the_workspace_it_takes_python3_with_pyyaml(tmp_path: Path) -> None:
    script = _copy_of_the_script(tmp_path)
    environment = _path_with(tmp_path / "bin", python3=f'exec "{sys.executable}" "$@"')
    outcome = run(*lay_out(AGREEING, tmp_path), cwd=tmp_path, env=environment, script=script)
    assert outcome.exit_status == 0, outcome.err


def test_a_python3_without_pyyaml_is_passed_over_for_uv(tmp_path: Path) -> None:
    script = _copy_of_the_script(tmp_path)
    uv = f'while [ "$1" != python ]; do shift; done; shift; exec "{sys.executable}" "$@"'
    environment = _path_with(tmp_path / "bin", python3=f'exec "{sys.executable}" -S "$@"', uv=uv)
    outcome = run(*lay_out(AGREEING, tmp_path), cwd=tmp_path, env=environment, script=script)
    assert outcome.exit_status == 0, outcome.err


def test_without_any_python_it_says_what_it_needs(tmp_path: Path) -> None:
    outcome = run(cwd=tmp_path, env=_path_with(tmp_path / "bin"), script=_copy_of_the_script(tmp_path))
    assert (outcome.exit_status, outcome.out) == (3, "")
    assert outcome.err.startswith("ERROR: needs Python 3.11 or newer with PyYAML")


@pytest.mark.parametrize("format_", ["text", "json"])
def test_what_cannot_be_written_is_no_answer(format_: str, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        outcome = subprocess.run(
            [SCRIPT, *lay_out(AGREEING, tmp_path), "--format", format_],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=tmp_path,
        )
    assert (outcome.returncode, outcome.stderr) == (
        3,
        "ERROR: cannot write to stdout: No space left on device\n",
    )


def test_a_link_to_the_script_is_the_script(tmp_path: Path) -> None:
    link = tmp_path / "audit"
    link.symlink_to(_copy_of_the_script(tmp_path))
    outcome = run(*lay_out(AGREEING, tmp_path), cwd=tmp_path, env=dict(os.environ), script=link)
    assert outcome.exit_status == 0, outcome.err


def test_it_leaves_no_bytecode_beside_its_sources(tmp_path: Path) -> None:
    script = _copy_of_the_script(tmp_path)
    outcome = run(*lay_out(AGREEING, tmp_path), cwd=tmp_path, env=dict(os.environ), script=script)
    assert outcome.exit_status in (0, 3)
    assert not list(script.parent.rglob("__pycache__"))
