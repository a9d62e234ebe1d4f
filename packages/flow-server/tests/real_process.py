"""A flow-server as operators run it: a process, its exit status, its log."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def server_process(**settings: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """A running flow-server and its address; its log has been read up to `listening`."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")}
    variables |= {f"FLOW_SERVER_{name}": value for name, value in settings.items()}
    variables.setdefault("FLOW_SERVER_LISTEN_ADDR", "127.0.0.1:0")
    with subprocess.Popen(
        [sys.executable, "-m", "flow_server"], env=variables, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            address = ""
            for line in process.stderr:
                entry = json.loads(line)
                if entry["event"] == "listening":
                    address = f"http://127.0.0.1:{entry['port']}"
                    break
            yield process, address
        finally:
            process.kill()
