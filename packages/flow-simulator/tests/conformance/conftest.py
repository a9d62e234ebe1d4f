"""The API under test: the simulated one always, a real kube-apiserver where its binaries are."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes.cluster import ADMIN_TOKEN, NOBODY_TOKEN, READER_TOKEN
from flow_simulator.real_api import REAL_TOKENS, RealApi, real_api_folder


@dataclass(frozen=True, kw_only=True)
class KubernetesApi:
    """Where an API is, and who may do what there."""

    url: str
    token: str
    """Reads releases and charts, writes leases."""
    admin_token: str
    nobody_token: str
    namespace: str

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """A client as the user of `token`, by default as the reader."""
        # A real test server makes its own certificate.
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token if token is None else token}"},
            verify=False,
            timeout=30,
        )


@pytest.fixture(scope="session", name="real_api")
def _real_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealApi]:
    folder = real_api_folder(os.environ)
    if folder is None:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with kube-apiserver, etcd and kubectl")
    with RealApi.running(folder, tmp_path_factory.mktemp("kube-apiserver")) as api:
        yield api


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.real_api)])
async def kubernetes_api(request: pytest.FixtureRequest) -> AsyncIterator[KubernetesApi]:
    if request.param == "simulated":
        async with SimulatedCluster(namespaces=("flux-system",), speed=5) as cluster:
            yield KubernetesApi(
                url=cluster.url,
                token=READER_TOKEN,
                admin_token=ADMIN_TOKEN,
                nobody_token=NOBODY_TOKEN,
                namespace="flux-system",
            )
        return
    real: RealApi = request.getfixturevalue("real_api")
    namespace = f"test-{secrets.token_hex(4)}"
    api = KubernetesApi(url=real.url, namespace=namespace, **REAL_TOKENS)
    async with api.client(api.admin_token) as admin:
        body: dict[str, Any] = {"metadata": {"name": namespace}}
        (await admin.post("/api/v1/namespaces", json=body)).raise_for_status()
        yield api
        await asyncio.shield(admin.delete(f"/api/v1/namespaces/{namespace}"))


@pytest.fixture
async def admin(kubernetes_api: KubernetesApi) -> AsyncIterator[httpx.AsyncClient]:
    async with kubernetes_api.client(kubernetes_api.admin_token) as client:
        yield client


@pytest.fixture
async def reader(kubernetes_api: KubernetesApi) -> AsyncIterator[httpx.AsyncClient]:
    async with kubernetes_api.client() as client:
        yield client


@pytest.fixture
def releases(kubernetes_api: KubernetesApi) -> str:
    return f"/apis/helm.toolkit.fluxcd.io/v2/namespaces/{kubernetes_api.namespace}/helmreleases"


@pytest.fixture
def leases(kubernetes_api: KubernetesApi) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{kubernetes_api.namespace}/leases"
