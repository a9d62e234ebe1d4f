"""One region as a process of its own: `python -m flow_simulator`."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

DEADLINE_S = 60.0


def test_a_region_in_a_process_of_its_own_is_controlled_and_ends_cleanly(tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    command = [sys.executable, "-m", "flow_simulator", "--speed", "0", "--kubeconfig", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        try:
            assert json.loads(config.read_text())["clusters"][0]["cluster"]["server"] == where["url"]
            httpx.put(f"{where['control']}/clock", json={"speed": 1000}).raise_for_status()
            headers = {"Authorization": f"Bearer {where['token']}"}
            target = f"{where['url']}/apis/helm.toolkit.fluxcd.io/v2/helmreleases"
            deadline = time.monotonic() + DEADLINE_S
            while len(httpx.get(target, headers=headers).json()["items"]) < 67:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            httpx.post(f"{where['control']}/faults", json={"fault": "Forbid"}).raise_for_status()
            assert httpx.get(target, headers=headers).status_code == 403
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=DEADLINE_S) == 0
