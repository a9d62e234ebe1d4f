"""The server is what its description says: schemathesis asks it whatever that allows, and more."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from flow_server.http import snapshot

from ..real_server import Served, nodes

EXAMPLES = 25
CONFIGURATION = """
[checks]
# A server that is waited for in vain says so, as the description has it.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
"""


async def test_schemathesis_finds_nothing(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "MIN_SEQ_S", 0.02)  # minSeq is waited for in vain many times
    await server.fed("0", nodes("a", flow_id="0"))
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", "schemathesis.toml", "run", "--no-color", "--seed", "20261124"),
        *("--max-examples", str(EXAMPLES), "--generation-database", "none"),
        *("--exclude-path-regex", "stream$"),  # it never ends; tests/http/test_stream.py reads it
        f"http://127.0.0.1:{server.port}/schema/openapi.json",
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "description_hooks",
            "PYTHONPATH": str(Path(__file__).parent),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert "Selected: 11/12" in said.decode()
    assert (await server.client.get("/healthz")).text == "ok"
