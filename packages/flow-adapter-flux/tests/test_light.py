"""What the adapter costs: memory, CPU at rest, requests, and a region of 2,000 releases."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from flow_simulator.kubernetes import SimulatedCluster

from .objects import READY
from .recording_server import RecordingServer
from .region import Start, in_virtual_time

RELEASES = 70
MANY = 2000
MEMORY_LIMIT_KB = 60 * 1024
REST_S = 8.0
SOURCE = {"kind": "HelmRepository", "name": "catalog"}

AS_IN_THE_IMAGE = """
import sys
for name in ("rich", "trio", "h2", "pygments", "better_exceptions", "uvloop", "hypothesis"):
    sys.modules[name] = None  # the development environment has these, the image does not
from flow_adapter_flux.__main__ import main
main()
"""


def fill(cluster: SimulatedCluster, count: int) -> None:
    """Releases as large as real ones, managed fields and values included."""
    for number in range(count):
        name = f"bp-{number:04}"
        spec: dict[str, Any] = {
            "interval": "15m",
            "chart": {"spec": {"chart": name, "version": "1.2.3", "sourceRef": SOURCE}},
            "dependsOn": [
                {"name": f"bp-{other:04}"} for other in (number // 2, number // 3) if other < number
            ],
            "values": {f"key-{index}": "v" * 60 for index in range(20)},
        }
        cluster.apply({"metadata": {"name": name}, "spec": spec})
        cluster.patch_status(name, {"conditions": [READY], "observedGeneration": 1})


def status_kb(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory and CPU are read from /proc")
async def test_a_process_with_seventy_releases_is_small_and_does_nothing_at_rest(tmp_path: Path) -> None:
    async with SimulatedCluster() as cluster, RecordingServer() as server:
        fill(cluster, RELEASES)
        environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(cluster.kubeconfig(tmp_path / "kubeconfig")),
            "FLOW_SERVER_URL": server.url,
            "FLOW_ID": "flow",
            "REGION_KEY": "fsn1",
            "HEALTH_LISTEN_ADDR": "127.0.0.1:0",
            "LEADER_ELECTION": "true",
            "POD_NAME": "pod",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", AS_IN_THE_IMAGE, env=environment, stderr=PIPE
        )
        try:
            deadline = time.monotonic() + 60
            while server.picture is None or len(server.picture.nodes) < RELEASES + 1:
                assert time.monotonic() < deadline, "not in time"
                await asyncio.sleep(0.05)
            used = cpu_s(process.pid)
            await asyncio.sleep(REST_S)
            used = cpu_s(process.pid) - used
            memory_kb = status_kb(process.pid, "VmRSS")
        finally:
            process.terminate()
            _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
    assert memory_kb <= MEMORY_LIMIT_KB
    assert used / REST_S < 0.05  # below 0.01 when measured alone; a busy machine counts in coarse ticks


@in_virtual_time
async def test_two_thousand_releases_are_listed_in_pages_and_repaired_at_once(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = SimulatedCluster()
    fill(cluster, MANY)
    async with start(simulated=cluster) as world:
        expected = world.expected()
        wanted = (len(expected.nodes), len(expected.relationships))

        def filled() -> bool:
            held = world.server.picture
            return held is not None and wanted == (len(held.nodes), len(held.relationships))

        await world.until(filled, within_s=60)
        world.server.wipe()
        began, cpu = time.monotonic(), time.process_time()
        await world.until(filled, within_s=62)
        took, cpu = time.monotonic() - began, time.process_time() - cpu
        posts = world.server.posts
        assert max(len(post.messages) for post in posts) <= 500
        assert max(len(post.body) for post in posts) <= 512 * 1024
        assert world.difference() == []
        assert world.cluster.request_counts["list", "helmreleases", 200] == MANY // 250
        with capsys.disabled():
            print(f"\n{MANY} releases repaired in {took:.2f} s, {cpu:.2f} s of CPU, the server's included")
