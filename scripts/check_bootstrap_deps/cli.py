"""The command line: usage, then the expected file, then the kit, then the findings."""

import argparse
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from .audit import ExitStatus, audit
from .expected import Expected, read_expected
from .input_error import InputError
from .json_report import audit_as_json, error_as_json
from .kit import read_kit
from .text_report import TextReport
from .update import updated_text, write_expected

_REPOSITORY = Path(__file__).resolve().parents[2]
_KIT = "platform/bootstrap-kit"
_EXPECTED = "scripts/expected-bootstrap-deps.yaml"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (--help shows the usage)")


def main(arguments: list[str]) -> int:
    """Runs the audit and returns the exit status: 0 match, 1 drift, 2 cycle, 3 usage or input."""
    try:
        status = _answered(arguments)
        sys.stdout.flush()
        return status
    except OSError as error:  # of stdout; files that cannot be read or written are `InputError`
        return _unheard(error)


def _answered(arguments: list[str]) -> int:
    # Looked for by hand, since a call that is wrong is answered in the format that it asks for too.
    json_wanted = "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
    report = TextReport(
        sys.stdout, sys.stderr, colour="NO_COLOR" not in os.environ, verbose="--verbose" in arguments
    )
    try:
        return _run(_parser().parse_args(arguments), report)
    except InputError as error:
        report.error(str(error))
        if json_wanted:
            sys.stdout.write(error_as_json(error))
        return ExitStatus.INPUT


def _run(options: argparse.Namespace, report: TextReport) -> int:
    expected_path, expected_shown = _path(options.expected, _EXPECTED)
    kit_path, kit_shown = _path(options.kit_dir, _KIT)
    if options.update:
        _update(expected_path, expected_shown, kit_path, kit_shown)
    as_text: bool = options.format == "text"
    expected = read_expected(expected_path, shown=expected_shown)
    if as_text:
        report.expected_read(expected)
    kit = read_kit(kit_path, shown=kit_shown)
    if as_text:
        report.kit_read(kit)
    found = audit(kit, expected, strict=options.strict)
    if as_text:
        report.audited(found)
    else:
        sys.stdout.write(audit_as_json(found))
    return found.exit_status


def _update(expected_path: Path, expected_shown: str, kit_path: Path, kit_shown: str) -> None:
    known = expected_path.exists()
    expected = read_expected(expected_path, shown=expected_shown) if known else Expected(expected_shown, ())
    before = expected_path.read_text(encoding="utf-8-sig") if known else ""
    after = updated_text(before, expected, read_kit(kit_path, shown=kit_shown))
    if after != before:
        write_expected(expected_path, after)


def _unheard(error: OSError) -> int:
    """What was found is told to nobody, so it must not look like an answer."""
    sys.stderr.write(f"ERROR: cannot write to stdout: {error.strerror}\n")
    # What is still buffered would be tried again when Python ends, and fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitStatus.INPUT


def _path(given: str | None, default: str) -> tuple[Path, str]:
    """The path, and how messages show it: as it was given, or relative to the repository."""
    return (_REPOSITORY / default, default) if given is None else (Path(given), given)


def _parser() -> _Parser:
    parser = _Parser(
        prog="check-bootstrap-deps.sh",
        description="Compares dependsOn of the bootstrap kit's HelmReleases with the expected graph.",
        epilog="exit status: 0 they agree, 1 drift, 2 a cycle, 3 usage or input",
        allow_abbrev=False,
    )
    parser.add_argument("--kit-dir", metavar="DIR", help=f"the kit (default: {_KIT})")
    parser.add_argument("--expected", metavar="FILE", help=f"the expected graph (default: {_EXPECTED})")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="json: one object on stdout"
    )
    parser.add_argument("--strict", action="store_true", help="waiting for a deferred release is a drift")
    parser.add_argument("--update", action="store_true", help="first write FILE from the kit, keeping waves")
    parser.add_argument("--verbose", action="store_true", help="list each edge that others imply")
    return parser
