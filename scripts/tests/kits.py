"""Small kits and expected graphs, written into a folder and audited."""

import json
import subprocess
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from check_bootstrap_deps.cli import main

SCRIPT = Path(__file__).resolve().parents[1] / "check-bootstrap-deps.sh"


@dataclass(frozen=True)
class Outcome:
    exit_status: int
    out: str
    err: str


@dataclass(frozen=True)
class Case:
    """`files` go into the kit's folder as they are; `expected` is the expected file's text or `None`.
    `says` must be a part of stderr when it starts with `ERROR`, of stdout otherwise."""

    name: str
    files: Mapping[str, str | bytes]
    expected: str | None
    exit_status: int
    says: str
    arguments: tuple[str, ...] = ()
    silent_about: str | None = None

    def __str__(self) -> str:
        return self.name


def release(name: str, *needs: str, namespace: str | None = None, suspend: str | None = None) -> str:
    """A HelmRelease; a need may be `namespace/name`."""
    targets = [need.rpartition("/") for need in needs]
    depends_on = [{"name": need, **({"namespace": place} if place else {})} for place, _, need in targets]
    metadata = f"name: {name}{f', namespace: {namespace}' if namespace else ''}"
    spec = f"dependsOn: {json.dumps(depends_on)}{f', suspend: {json.dumps(suspend)}' if suspend else ''}"
    lines = [
        "apiVersion: helm.toolkit.fluxcd.io/v2",
        "kind: HelmRelease",
        f"metadata: {{{metadata}}}",
        f"spec: {{{spec}}}",
    ]
    return "\n".join(lines) + "\n"


def slots(*entries: str) -> str:
    """An expected file: `slots("1 a", "2 b <- a")`; `@W` after the name gives the wave, else `present`."""
    lines = ["slots:"]
    for entry in entries:
        head, _, needs = entry.partition("<-")
        slot, name, *wave = head.split()
        tag = wave[0].removeprefix("@") if wave else "present"
        lines.append(
            f'  - {{slot: "{slot}", name: {name}, wave: {tag}, depends_on: [{", ".join(needs.split())}]}}'
        )
    return "\n".join(lines) + "\n"


def lay_out(case: Case, folder: Path) -> tuple[str, ...]:
    """Writes the case below `folder`; gives the arguments that audit it."""
    kit = folder / "kit"
    kit.mkdir()
    for name, content in case.files.items():
        kit.joinpath(name).write_bytes(content.encode() if isinstance(content, str) else content)
    if case.expected is not None:
        folder.joinpath("expected.yaml").write_text(case.expected)
    return "--kit-dir", "kit", "--expected", "expected.yaml", *case.arguments


def run(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None, script: Path = SCRIPT) -> Outcome:
    """What the script does, as people and pipelines call it."""
    done = subprocess.run([script, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def call(*arguments: str, cwd: Path) -> Outcome:
    """What `run` gives, without a process of its own: a tenth of the time."""
    out, err = StringIO(), StringIO()
    with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        exit_status = main(list(arguments))
    return Outcome(exit_status, out.getvalue(), err.getvalue())


def check(case: Case, folder: Path) -> Outcome:
    """Audits the case and holds the outcome to what it says."""
    outcome = call(*lay_out(case, folder), cwd=folder)
    everything = outcome.out + outcome.err
    assert outcome.exit_status == case.exit_status, everything
    assert case.says in (outcome.err if case.says.startswith("ERROR") else outcome.out), everything
    assert case.exit_status or not outcome.err, "a kit that passes leaves stderr empty"
    if case.silent_about:
        assert case.silent_about not in everything
    return outcome
