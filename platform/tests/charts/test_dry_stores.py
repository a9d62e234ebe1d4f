"""The server's pod with each store that outlives it: what was told to one pod, the next one knows."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from flow_simulator.nats_servers import nats_server

from .helm import SERVER, Helm
from .identities import Authority, ClusterIdentity
from .manifests import Manifest
from .pods import PATIENCE_S, Node, RunningPod, running, until

NATS = "nats.nats-system.svc.cluster.local:4222"
NODE = {"id": "fsn1/bp-cilium", "flowId": "deadbeef", "label": "bp-cilium", "status": "running"}


def rendered(helm: Helm, **values: Any) -> list[Manifest]:
    return helm.render(
        SERVER, {"flowServer": {"image": {"tag": "0.1.0"}, "auth": {"mode": "none"}, **values}}
    )


@asynccontextmanager
async def serving(manifests: list[Manifest], folder: Path, **addresses: str) -> AsyncGenerator[RunningPod]:
    """The pod on a node of its own in `folder`; its volumes are still there when it comes back."""
    folder.mkdir(exist_ok=True)
    node = Node(identity=ClusterIdentity("fsn1"), authority=Authority(), folder=folder, addresses=addresses)
    async with running(manifests, node) as pod, httpx.AsyncClient(timeout=30) as client:
        async with asyncio.timeout(PATIENCE_S):
            await pod.listening()

        async def ready() -> bool:
            return (await client.get(pod.url("/readyz"))).status_code == 200

        await until("the pod is ready", ready)
        yield pod


async def told(pod: RunningPod) -> int:
    """Tell the pod of a node; its sequence."""
    async with httpx.AsyncClient(timeout=30) as client:
        body = {"type": "upsert-nodes", "nodes": [NODE]}
        answer = await client.post(pod.url("/v1/flows/deadbeef/events"), json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["seq"]


async def nodes_of(pod: RunningPod, *, min_seq: int) -> list[Any]:
    """What the pod shows, not before it has applied `min_seq`."""
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.get(pod.url("/v1/flows/deadbeef/snapshot"), params={"minSeq": min_seq})
    assert answer.status_code == 200, answer.text
    return answer.json()["nodes"]


async def test_the_volume_of_sqlite_keeps_the_flows_over_a_restart(helm: Helm, tmp_path: Path) -> None:
    manifests = rendered(helm, store={"kind": "sqlite"})
    async with serving(manifests, tmp_path / "node") as pod:
        sequence = await told(pod)
        assert await pod.stopped() == 0
    assert [file.name for file in tmp_path.rglob("flows.db")] == ["flows.db"]
    async with serving(manifests, tmp_path / "node") as pod:
        assert await nodes_of(pod, min_seq=sequence) == [NODE]
        assert await pod.stopped() == 0


async def test_replicas_over_nats_show_what_either_was_told(helm: Helm, tmp_path: Path) -> None:
    store = {"kind": "nats", "nats": {"urls": [f"nats://{NATS}"], "replicas": 1}}
    manifests = rendered(helm, replicas=2, store=store)
    with nats_server(tmp_path) as server:
        address = {NATS: server.url.removeprefix("nats://")}
        async with AsyncExitStack() as stack:
            first, second = [
                await stack.enter_async_context(serving(manifests, tmp_path / name, **address))
                for name in ("one", "two")
            ]
            assert await nodes_of(second, min_seq=await told(first)) == [NODE]
            assert await first.stopped() == 0
            assert await nodes_of(second, min_seq=await told(second)) == [NODE]
            assert await second.stopped() == 0
