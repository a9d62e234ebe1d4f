"""The process as it is started by others: real processes, a real flow server, real signals."""

import asyncio
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from flow_contract import Snapshot, decode_message
from flow_simulator.kubernetes import SimulatedCluster

from .objects import READY
from .recording_server import Fault, RecordingServer

DEADLINE_S = 30.0


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return {**kept, "HEALTH_LISTEN_ADDR": "127.0.0.1:0", **variables}


async def adapter(**variables: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "flow_adapter_flux", env=environment(**variables), stdout=PIPE, stderr=PIPE
    )


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not await condition():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@asynccontextmanager
async def flow_server() -> AsyncGenerator[str]:
    port = free_port()
    variables = environment(FLOW_SERVER_LISTEN_ADDR=f"127.0.0.1:{port}")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "flow_server", env=variables, stdout=PIPE, stderr=PIPE
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(base_url=url) as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(ready)
        yield url
    finally:
        process.terminate()
        await process.communicate()


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "FLOW_SERVER_URL"),
        ({"FLOW_SERVER_URL": "http://x", "FLOW_ID": "f"}, "REGION_KEY"),
        ({"FLOW_SERVER_URL": "http://x", "FLOW_ID": "f", "REGION_KEY": " "}, "REGION_KEY"),
        (
            {"FLOW_SERVER_URL": "http://x", "FLOW_ID": "f", "REGION_KEY": "r", "EMIT_INTERVAL": "5"},
            "EMIT_INTERVAL",
        ),
        (
            {
                "FLOW_SERVER_URL": "http://x",
                "FLOW_ID": "f",
                "REGION_KEY": "r",
                "KUBECONFIG": "/nowhere/at-all",
            },
            "KUBECONFIG",
        ),
    ],
)
async def test_a_bad_setting_stops_the_start_with_status_2_and_its_name(
    variables: dict[str, str], named: str
) -> None:
    process = await adapter(**variables)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.decode().startswith(f"flow-adapter-flux: {named}: expected")


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "[]",
        "clusters: 5",
        '{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"b","user":"c"}}],"clusters":[],"users":[]}',
        (
            '{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"a"}}],'
            '"clusters":[{"name":"a","cluster":{"server":"http://127.0.0.1:1"}}]}'
        ),
        (
            '{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],'
            '"clusters":[{"name":"a","cluster":{"server":"https://127.0.0.1:1","certificate-authority":"/no/ca"}}],'
            '"users":[{"name":"a","user":{"token":"t"}}]}'
        ),
        (
            '{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],'
            '"clusters":[{"name":"a","cluster":{"server":"https://127.0.0.1:1"}}],'
            '"users":[{"name":"a","user":{"client-certificate":"/no/cert","client-key":"/no/key"}}]}'
        ),
    ],
)
async def test_a_broken_kubeconfig_stops_the_start_with_status_2(broken: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(broken)
    process = await adapter(
        FLOW_SERVER_URL="http://x", FLOW_ID="f", REGION_KEY="r", KUBECONFIG=str(kubeconfig)
    )
    _, errors = await process.communicate()
    assert process.returncode == 2, errors.decode()
    assert errors.decode().startswith("flow-adapter-flux: KUBECONFIG: expected")


async def test_a_port_in_use_stops_the_start_with_status_2_and_its_name(tmp_path: Path) -> None:
    async with SimulatedCluster() as cluster:
        kubeconfig = cluster.kubeconfig(tmp_path / "kubeconfig")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            process = await adapter(
                FLOW_SERVER_URL="http://x",
                FLOW_ID="f",
                REGION_KEY="r",
                KUBECONFIG=str(kubeconfig),
                HEALTH_LISTEN_ADDR=f"127.0.0.1:{taken.getsockname()[1]}",
            )
            _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.decode().startswith("flow-adapter-flux: HEALTH_LISTEN_ADDR: expected")


@pytest.mark.parametrize("election", ["false", "true"])
async def test_a_cluster_comes_to_the_real_server_and_the_process_ends_with_status_0(
    election: str, tmp_path: Path
) -> None:
    async with SimulatedCluster() as cluster, flow_server() as url:
        for name in ("bp-a", "bp-b"):
            cluster.apply(
                {"metadata": {"name": name}, "spec": {"interval": "15m", "dependsOn": [{"name": "bp-a"}]}}
            )
        process = await adapter(
            FLOW_SERVER_URL=url,
            FLOW_ID="bootstrap/one",
            REGION_KEY="fsn1",
            KUBECONFIG=str(cluster.kubeconfig(tmp_path / "kubeconfig")),
            LEADER_ELECTION=election,
            POD_NAME="pod",
        )
        try:
            async with httpx.AsyncClient(base_url=url) as client:

                async def status(name: str) -> str:
                    answer = await client.get("/v1/flows/bootstrap%2Fone/snapshot")
                    if answer.status_code != 200:
                        return ""
                    snapshot = decode_message(answer.content)
                    assert isinstance(snapshot, Snapshot)
                    return {node.id: node.status for node in snapshot.nodes}.get(f"fsn1/{name}", "")

                async def pending() -> bool:
                    return await status("bp-b") == "pending"

                async def succeeded() -> bool:
                    return await status("bp-b") == "succeeded"

                await until(pending)
                cluster.patch_status("bp-b", {"conditions": [READY], "observedGeneration": 1})
                await until(succeeded)
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        assert "stopped" in errors.decode()
        assert "HTTP Request" not in errors.decode()
        if election == "true":
            counts = cluster.request_counts
            assert counts["create", "leases", 201] == 1
            assert counts["update", "leases", 200] >= 1


async def test_the_post_in_flight_is_finished_before_the_end(tmp_path: Path) -> None:
    async with SimulatedCluster() as cluster, RecordingServer() as server:
        cluster.apply({"metadata": {"name": "bp-a"}, "spec": {"interval": "15m"}})
        server.faults.extend([Fault(status=0), Fault(status=0, late_s=2.0)])
        process = await adapter(
            FLOW_SERVER_URL=server.url,
            FLOW_ID="flow",
            REGION_KEY="fsn1",
            KUBECONFIG=str(cluster.kubeconfig(tmp_path / "kubeconfig")),
        )

        async def posted() -> bool:
            return bool(server.posts)

        await until(posted)
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        assert server.picture is not None
        assert set(server.picture.nodes) == {"fsn1", "fsn1/bp-a"}
        assert len(server.posts) == 1
