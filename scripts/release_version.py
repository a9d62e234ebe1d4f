#!/usr/bin/env python3
"""Prints each released package's version; fails when its chart, changelog or release tag says another.

`release_version.py [PACKAGE] [--tag TAG]`; needs Python 3.11 alone. On stdout is
`version=1.2.3` when one package is asked for (as a workflow's output), else a line `PACKAGE 1.2.3` for each.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

CHARTS = {
    "flow-contract": None,
    "flow-server": "platform/openova-flow-server/chart",
    "flow-adapter-flux": "platform/openova-flow-emitter/chart",
}
"""The released packages, and the chart that runs each."""


def version_of(package: str, repository: Path = REPOSITORY) -> str:
    """The version in the package's pyproject.toml."""
    project = tomllib.loads((repository / "packages" / package / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def disagreements(package: str, *, tag: str | None = None, repository: Path = REPOSITORY) -> list[str]:
    """What names another version than the package's pyproject.toml does, a sentence each."""
    version = version_of(package, repository)
    found: list[str] = []
    if tag is not None and tag != f"{package}-v{version}":
        found.append(f"the tag is {tag}, expected {package}-v{version}")
    changelog = repository / "packages" / package / "CHANGELOG.md"
    if not re.search(rf"^## \[?{re.escape(version)}\b", _text(changelog), re.MULTILINE):
        found.append(f"{changelog.relative_to(repository)} has no section for {version}")
    chart = CHARTS[package]
    if chart is not None:
        metadata = _text(repository / chart / "Chart.yaml")
        declared = re.search(r"^appVersion: *[\"']?([^\"'\s]+)", metadata, re.MULTILINE)
        if declared is None or declared[1] != version:
            says = declared[1] if declared else "missing"
            found.append(f"appVersion in {chart}/Chart.yaml is {says}, expected {version}")
    return found


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def main(arguments: list[str]) -> int:
    """Exit status 0 when all agree, 1 when not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", nargs="?", choices=sorted(CHARTS))
    parser.add_argument("--tag", help="a release tag that has to name the package and its version")
    options = parser.parse_args(arguments)
    if options.tag is not None and options.package is None:
        parser.error("--tag needs a package")
    failed = False
    for package in [options.package] if options.package else CHARTS:
        print(f"version={version_of(package)}" if options.package else f"{package} {version_of(package)}")
        for problem in disagreements(package, tag=options.tag):
            failed = True
            print(f"ERROR: {package}: {problem}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
