"""The sqlite store behind the real server: a full disk and a failed one as clients see them, and a start."""

import time
from pathlib import Path

import httpx
import pytest

from flow_server.store.sqlite import SqliteStore, writer
from flow_simulator.checker.server_process import ServerProcess

from ..campaigns.sqlite_disk import Disk, connect_to
from ..real_server import Serve, Served, nodes, until

RESTART_NODES = 10_000
RESTART_S = 4.0
"""Five times of what a start with this many nodes took (0.4 to 0.8 s); the figure wanted is 2 s."""


def _store(path: Path, disk: Disk) -> SqliteStore:
    return SqliteStore(path, now_us=lambda: time.time_ns() // 1000, connect=connect_to(disk))


async def _ready(served: Served) -> int:
    return (await served.client.get("/readyz")).status_code


async def test_a_full_disk_is_507_and_not_ready_until_there_is_room_again(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PROBE_S", 0.05)
    disk = Disk()
    served = await serve(store=_store(tmp_path / "flows.db", disk))
    await served.fed("f", nodes("a"))
    async with served.reading("f") as reader:
        assert [event.type for event in await reader.take(1)] == ["snapshot"]
        for _ in range(3):
            disk.free_bytes = 0
            refused = await served.post("f", [nodes("b"), nodes("c")], Idempotency_Key="k")
            assert refused.status_code == 507
            assert "flows.db: the disk is full" in refused.json()["error"]
            assert await _ready(served) == 503
            assert (await served.client.delete(served.path("f", ""))).status_code == 507
            state = await served.snapshot("f")
            assert [node["id"] for node in state["nodes"]] == ["a"], "reads go on, nothing was applied"
            disk.free_bytes = None
            await until(served.hub.store.writable)
            assert await _ready(served) == 200
        answer = await served.post("f", [nodes("b"), nodes("c")], Idempotency_Key="k")
        assert (answer.status_code, answer.json()["count"]) == (200, 2)
        frames = await reader.take(2)
        assert [frame.data["nodes"][0]["id"] for frame in frames] == ["b", "c"]
        assert frames[1].id == answer.json()["seq"]


async def test_a_failed_sync_is_503_until_a_restart_and_reads_go_on(tmp_path: Path, serve: Serve) -> None:
    disk = Disk()
    served = await serve(store=_store(tmp_path / "flows.db", disk))
    await served.fed("f", nodes("a"))
    disk.sync_fails = True
    refused = await served.post("f", nodes("b"))
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    disk.sync_fails = False
    refused = await served.post("f", nodes("c"))
    assert refused.status_code == 503
    assert "restart the server once the disk is well" in refused.json()["error"]
    assert await _ready(served) == 503
    assert [node["id"] for node in (await served.snapshot("f"))["nodes"]] == ["a"]


@pytest.mark.timeout(120)
async def test_a_killed_server_with_ten_thousand_nodes_is_back_soon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"FLOW_SERVER_STORE": "sqlite", "FLOW_SERVER_SQLITE_PATH": str(tmp_path / "flows.db")}
    async with ServerProcess(tmp_path, settings) as server, httpx.AsyncClient(timeout=30) as client:
        events = f"{server.url}/v1/flows/f/events"
        for start in range(0, RESTART_NODES, 1000):
            batch = [
                nodes(f"fsn1/bp-{number}", family="bench", region="fsn1", meta={"message": "m" * 120})
                for number in range(start, start + 1000)
            ]
            (await client.post(events, json=batch)).raise_for_status()
        before = (await client.get(f"{server.url}/v1/flows/f/snapshot")).content
        await server.kill()
        began_s = time.monotonic()
        await server.start()
        assert (await client.get(f"{server.url}/readyz")).status_code == 200
        took_s = time.monotonic() - began_s
        after = (await client.get(f"{server.url}/v1/flows/f/snapshot")).content
    with capsys.disabled():
        print(f"\na restart with {RESTART_NODES} nodes took {took_s:.2f} s")
    assert after == before
    assert took_s < RESTART_S
