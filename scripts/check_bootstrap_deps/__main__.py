"""Runs the audit: `python -m check_bootstrap_deps` with `scripts/` on the path."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
