"""`flow-server store check|export|import FILE`; the server that has the file must be stopped first."""

import argparse
import sys
import time
from pathlib import Path

from flow_server.store import StoreError
from flow_server.store.sqlite.transfer import Report, checked, exported, imported


def add_store_actions(store: argparse.ArgumentParser) -> None:
    """Make a parser that of `flow-server store`."""
    actions = store.add_subparsers(dest="action", required=True, metavar="check|export|import")
    for name, text in {
        "check": "check every row of FILE and say what it holds",
        "export": "write FILE's content to standard output as lines of JSON",
        "import": "make a new FILE of an export on standard input",
    }.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("file", type=Path, metavar="FILE")
    store.set_defaults(run=run_store_command)


def run_store_command(arguments: argparse.Namespace) -> int:
    """Run it; 0 when all is well, 1 with a sentence on standard error when not."""
    try:
        match arguments.action:
            case "check":
                sys.stdout.write(f"{arguments.file}: all rows are whole; {_told(checked(arguments.file))}\n")
            case "export":
                for line in exported(arguments.file):
                    sys.stdout.buffer.write(line + b"\n")
                sys.stdout.buffer.flush()
            case _:
                report = imported(arguments.file, sys.stdin.buffer, now_us=lambda: time.time_ns() // 1000)
                sys.stdout.write(f"{arguments.file}: imported {_told(report)}\n")
    except StoreError as error:
        sys.stderr.write(f"flow-server store {arguments.action}: {error}\n")
        return 1
    return 0


def _told(report: Report) -> str:
    return (
        f"{report.flows} flows, {report.messages} messages, "
        f"{report.nodes} nodes and {report.relationships} relationships in their states"
    )
