"""lightkube, the client that the adapter is built on, finds what it needs."""

from datetime import UTC, datetime
from pathlib import Path

import lightkube
import pytest
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import (
    GenericNamespacedResource,
    create_namespaced_resource,  # pyright: ignore[reportUnknownVariableType]
)
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

from flow_simulator.kubernetes import SimulatedCluster

HelmRelease: type[GenericNamespacedResource] = create_namespaced_resource(
    "helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases"
)


async def test_lists_in_pages_with_a_kubeconfig(tmp_path: Path) -> None:
    async with SimulatedCluster() as cluster:
        for number in range(7):
            cluster.apply({"metadata": {"name": f"bp-{number}"}, "spec": {}})
        config = lightkube.KubeConfig.from_file(cluster.kubeconfig(tmp_path / "config"))
        client = lightkube.AsyncClient(config=config)
        listing = client.list(HelmRelease, chunk_size=3)  # pyright: ignore[reportUnknownMemberType]
        names = [release.metadata.name async for release in listing if release.metadata]
        assert names == [f"bp-{number}" for number in range(7)]
        assert listing.resourceVersion == str(cluster.store.version)
        assert cluster.request_counts["list", "helmreleases", 200] == 3
        await client.close()


async def test_takes_turns_by_a_lease(tmp_path: Path) -> None:
    async with SimulatedCluster() as cluster:
        config = lightkube.KubeConfig.from_file(cluster.kubeconfig(tmp_path / "config"))
        client = lightkube.AsyncClient(config=config)
        moment = datetime.now(tz=UTC).replace(microsecond=1)
        spec = LeaseSpec(holderIdentity="pod-a", leaseDurationSeconds=15, renewTime=moment)
        lease = Lease(metadata=ObjectMeta(name="adapter", namespace="flux-system"), spec=spec)
        created = await client.create(lease)
        assert created.metadata is not None
        stale = created.metadata.resourceVersion
        await client.replace(Lease(metadata=created.metadata, spec=LeaseSpec(holderIdentity="pod-b")))
        with pytest.raises(ApiError) as error:
            await client.replace(Lease(metadata=created.metadata, spec=spec))
        assert error.value.status.code == 409
        read = await client.get(Lease, name="adapter", namespace="flux-system")
        assert read.metadata is not None
        assert read.metadata.resourceVersion != stale
        assert read.spec is not None
        assert read.spec.holderIdentity == "pod-b"
        await client.close()
