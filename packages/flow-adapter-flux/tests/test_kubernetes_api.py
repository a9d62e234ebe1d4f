"""The adapter against an API in real time: the simulated one always, a real one where its binaries are."""

import asyncio
import json
import os
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from flow_adapter_flux.core.candidate import Terms
from flow_adapter_flux.election import Election
from flow_adapter_flux.kubernetes.connection import Connection, configuration
from flow_adapter_flux.kubernetes.lease import LeaseApi
from flow_adapter_flux.metrics import Metrics
from flow_adapter_flux.service import speak
from flow_adapter_flux.vitals import Vitals
from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.real_api import REAL_TOKENS, RealApi, real_api_folder

from .objects import READY
from .recording_server import RecordingServer
from .region import settings_for

HELM = "/apis/helm.toolkit.fluxcd.io/v2/namespaces"
DEADLINE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Api:
    """An API server: where, in which namespace, and a client that may do everything."""

    url: str
    namespace: str
    admin: httpx.AsyncClient

    async def create(self, name: str, **spec: Any) -> None:
        body = {
            "apiVersion": "helm.toolkit.fluxcd.io/v2",
            "kind": "HelmRelease",
            "metadata": {"name": name, "annotations": {"note": "a\u0085b\u2028c"}},
            "spec": {"interval": "15m", **spec},
        }
        answer = await self.admin.post(f"{HELM}/{self.namespace}/helmreleases", json=body)
        answer.raise_for_status()

    async def set_status(self, name: str, status: dict[str, Any]) -> None:
        answer = await self.admin.patch(
            f"{HELM}/{self.namespace}/helmreleases/{name}/status",
            content=json.dumps({"status": status}),
            headers={"Content-Type": "application/merge-patch+json"},
        )
        answer.raise_for_status()

    async def delete(self, name: str) -> None:
        (await self.admin.delete(f"{HELM}/{self.namespace}/helmreleases/{name}")).raise_for_status()


@pytest.fixture(scope="session", name="real_server")
def _real_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RealApi]:
    folder = real_api_folder(os.environ)
    if folder is None:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with kube-apiserver, etcd and kubectl")
    with RealApi.running(folder, tmp_path_factory.mktemp("kube-apiserver")) as api:
        yield api


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.real_api)])
async def api(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Api]:
    kubeconfig = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    if request.param == "simulated":
        async with SimulatedCluster() as cluster:
            cluster.kubeconfig(kubeconfig)
            headers = {"Authorization": f"Bearer {cluster.admin_token}"}
            async with httpx.AsyncClient(base_url=cluster.url, headers=headers) as admin:
                yield Api(url=cluster.url, namespace="flux-system", admin=admin)
        return
    real: RealApi = request.getfixturevalue("real_server")
    namespace = f"test-{secrets.token_hex(4)}"
    named = {"name": "real"}
    kubeconfig.write_text(
        json.dumps(
            {
                "clusters": [named | {"cluster": {"server": real.url, "insecure-skip-tls-verify": True}}],
                "users": [named | {"user": {"token": REAL_TOKENS["token"]}}],
                "contexts": [
                    named | {"context": {"cluster": "real", "user": "real", "namespace": namespace}}
                ],
                "current-context": "real",
            }
        )
    )
    headers = {"Authorization": f"Bearer {REAL_TOKENS['admin_token']}"}
    # The real test server makes its own certificate.
    async with httpx.AsyncClient(base_url=real.url, headers=headers, verify=False, timeout=30) as admin:
        (await admin.post("/api/v1/namespaces", json={"metadata": {"name": namespace}})).raise_for_status()
        yield Api(url=real.url, namespace=namespace, admin=admin)
        await asyncio.shield(admin.delete(f"/api/v1/namespaces/{namespace}"))


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.02)


async def test_releases_are_listed_watched_and_seen_to_go(api: Api) -> None:
    async with RecordingServer() as server:
        await api.create("bp-a")
        await api.create("bp-b", dependsOn=[{"name": "bp-a"}])
        vitals = Vitals(time.monotonic)
        work = asyncio.create_task(
            speak(
                settings_for(server, namespace_filter=api.namespace),
                configuration(),
                metrics=Metrics(),
                vitals=vitals,
                voice_s=lambda: 10.0,
            )
        )

        def statuses() -> dict[str, str]:
            nodes = server.picture.nodes.values() if server.picture else ()
            return {node.id: node.status for node in nodes}

        try:
            await until(
                lambda: statuses() == {"fsn1": "pending", "fsn1/bp-a": "pending", "fsn1/bp-b": "pending"}
            )
            await api.set_status("bp-a", {"observedGeneration": 1, "conditions": [READY]})
            await until(lambda: statuses().get("fsn1/bp-a") == "succeeded")
            await api.create("bp-c")
            await until(lambda: "fsn1/bp-c" in statuses())
            await api.delete("bp-a")
            await until(lambda: "fsn1/bp-a" not in statuses())
            assert server.picture is not None
            assert ("fsn1/bp-a", "fsn1/bp-b", "finish-to-start") in server.picture.relationships
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


async def test_the_lease_is_made_renewed_given_back_and_taken_by_the_next(api: Api) -> None:
    terms = Terms(lease_s=15.0, voice_s=10.0, renew_s=0.1, look_s=(0.1, 0.2))
    speaking: list[str] = []

    def candidate(name: str) -> asyncio.Task[None]:
        connection = Connection(configuration())
        election = Election(
            lease=LeaseApi(connection, name="adapter", namespace=api.namespace, lease_s=terms.lease_s),
            identity=name,
            clock=time.monotonic,
            spread=lambda: 0.5,
            vitals=Vitals(time.monotonic),
            metrics=Metrics(),
            terms=terms,
        )

        async def speak_until_cancelled(voice_s: Callable[[], float]) -> None:
            assert voice_s() > 0
            speaking.append(name)
            await asyncio.Event().wait()

        async def run() -> None:
            try:
                await election.run(speak_until_cancelled)
            finally:
                await connection.close()

        return asyncio.create_task(run())

    async def lease() -> dict[str, Any]:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{api.namespace}/leases/adapter"
        return (await api.admin.get(path)).json()

    first = candidate("first")
    await until(lambda: speaking == ["first"])
    second = candidate("second")
    made = await lease()
    assert made["spec"]["holderIdentity"] == "first"
    assert made["spec"]["leaseDurationSeconds"] == 15
    deadline = time.monotonic() + DEADLINE_S
    while (await lease())["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]:
        assert time.monotonic() < deadline, "not renewed"
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await until(lambda: speaking == ["first", "second"])
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert (await lease())["spec"].get("holderIdentity", "") == ""
