"""Runs it by hand; `scripts/fuzz` starts this. Exit status 1 when anything was wrong."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from .campaign import campaign
from .inputs import keep_inputs, kept_inputs

KEPT = Path(__file__).parents[4] / ".fuzz" / "failing.jsonl"
"""Where failing inputs wait for the next run."""


def main() -> int:
    """Parse the arguments, run, print."""
    arguments = argparse.ArgumentParser(
        prog="scripts/fuzz",
        description="Sends mutated bad inputs to real servers and looks for anything wrong.",
    )
    arguments.add_argument("--minutes", type=float, default=1.0, help="how long, in all (1)")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats a run")
    arguments.add_argument(
        "--kept", type=Path, default=KEPT, help="failing inputs: replayed first, written last (%(default)s)"
    )
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        running = campaign(
            seed=given.seed,
            folder=Path(folder),
            seconds=given.minutes * 60,
            kept=kept_inputs(given.kept),
        )
        outcome = asyncio.run(running)
    keep_inputs(given.kept, outcome.failing)
    sys.stdout.write("\n".join([outcome.told(), *outcome.findings]) + "\n")
    if outcome.failing:
        sys.stdout.write(f"{len(outcome.failing)} failing inputs are in {given.kept} for the next run\n")
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
