#!/usr/bin/env bash
# Audits the bootstrap kit's dependsOn against scripts/expected-bootstrap-deps.yaml; --help shows the usage.
#
# The work is done by the Python package beside this file, which needs Python 3.11 and PyYAML. The first that
# has both is taken: the workspace's environment, python3 from PATH, else uv with PyYAML in an environment of
# its own (not the whole workspace: an audit should not have to build a page first).
set -euo pipefail

# Also when it is called by a link to it.
scripts=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd -P)
export PYTHONPATH="$scripts${PYTHONPATH:+:$PYTHONPATH}" PYTHONDONTWRITEBYTECODE=1

for python in "$scripts/../.venv/bin/python" python3; do
  if "$python" -c 'import sys, yaml; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    exec "$python" -m check_bootstrap_deps "$@"
  fi
done
if command -v uv >/dev/null; then
  exec uv run --quiet --no-project --python '>=3.11' --with pyyaml python -m check_bootstrap_deps "$@"
fi
echo "ERROR: needs Python 3.11 or newer with PyYAML: run 'uv sync' here, or 'pip install pyyaml'" >&2
exit 3
