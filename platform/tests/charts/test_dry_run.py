"""The whole, dry: slots and charts rendered for three regions, and the programs run with what they say."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx

from flow_simulator.flux.driver import FluxDriver
from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.regions import Region, planned_regions

from . import known_settings
from .helm import PLATFORM, Helm
from .identities import Authority, ClusterIdentity, key_endpoint
from .manifests import Manifest, container
from .pods import PATIENCE_S, Node, RunningPod, running, until
from .sovereign import FLOW, PRIMARY, SECONDARIES, Rendered, api_user, rendered

API = "https://kubernetes.default.svc"
SPEED = 100.0
"""Flux's seconds in a real one."""


@dataclass(frozen=True)
class Platform:
    """Three clusters, one server, three emitters, all running."""

    clusters: dict[str, SimulatedCluster]
    identities: dict[str, ClusterIdentity]
    server: RunningPod
    emitters: dict[str, RunningPod]
    rendered: dict[str, Rendered]

    def token(self, region: str, account: str) -> str:
        """A token as `kubectl create token ACCOUNT --audience flow-server` makes one."""
        return self.identities[region].token(
            namespace="catalyst-system", account=account, audience="flow-server", seconds=3600
        )

    async def get(self, path: str, account: str | None = "openova-flow-reader") -> httpx.Response:
        """What the server answers to somebody with a token of the primary cluster."""
        token = {"authorization": f"Bearer {self.token(PRIMARY, account)}"} if account else {}
        async with httpx.AsyncClient(timeout=30) as client:
            return await client.get(self.server.url(path), headers=token)


@asynccontextmanager
async def platform(kubectl: Path, helm: Helm, folder: Path) -> AsyncGenerator[Platform]:
    """Everything that the slots install, on this machine."""
    kit = PLATFORM / "bootstrap-kit"
    kustomize = await asyncio.create_subprocess_exec(
        str(kubectl), "kustomize", str(kit), stdout=asyncio.subprocess.PIPE
    )
    build = (await kustomize.communicate())[0].decode()
    assert kustomize.returncode == 0
    regions = (PRIMARY, *SECONDARIES)
    identities = {region: ClusterIdentity(region) for region in regions}
    issuers = [
        {"name": region, "regionKey": region, "jwks": json.dumps(identities[region].jwks())}
        for region in SECONDARIES
    ]
    further = {"flowServer": {"auth": {"issuers": issuers}}}
    kits = {region: rendered(region, build, helm, further) for region in regions}
    authority = Authority()
    async with AsyncExitStack() as stack:
        keys = await stack.enter_async_context(
            key_endpoint(identities[PRIMARY], authority.server_context(folder))
        )

        def node(region: str, addresses: dict[str, str]) -> Node:
            (folder / region).mkdir(exist_ok=True)
            return Node(
                identity=identities[region],
                authority=authority,
                folder=folder / region,
                addresses=addresses,
            )

        server = await stack.enter_async_context(
            running(kits[PRIMARY].releases["bp-openova-flow-server"], node(PRIMARY, {API: keys}))
        )
        async with asyncio.timeout(PATIENCE_S):
            await server.listening()
        clusters: dict[str, SimulatedCluster] = {}
        emitters: dict[str, RunningPod] = {}
        for region in planned_regions(regions):
            cluster = await stack.enter_async_context(SimulatedCluster(speed=1))
            clusters[region.key] = cluster
            await stack.enter_async_context(_flux(cluster, region))
            manifests = kits[region.key].releases["bp-openova-flow-emitter"]
            url = _url_of(manifests)
            assert kits[PRIMARY].reached(url, "/v1/flows") == (
                "openova-flow-server",
                server.container["ports"][0]["containerPort"],
            )
            cluster.tokens["emitter"] = api_user(manifests)
            cluster.changes.namespaces.add("catalyst-system")
            kubeconfig = cluster.kubeconfig(folder / f"{region.key}.kubeconfig", token="emitter")
            emitters[region.key] = await stack.enter_async_context(
                running(
                    manifests,
                    node(region.key, {url: server.url()}),
                    {"KUBECONFIG": str(kubeconfig)},
                )
            )
        async with asyncio.timeout(PATIENCE_S):
            for emitter in emitters.values():
                await emitter.listening()
        yield Platform(clusters, identities, server, emitters, kits)


def _url_of(manifests: list[Manifest]) -> str:
    (url,) = [entry["value"] for entry in container(manifests)["env"] if entry["name"] == "FLOW_SERVER_URL"]
    return url


@asynccontextmanager
async def _flux(cluster: SimulatedCluster, region: Region) -> AsyncGenerator[None]:
    """The region's Flux at work."""
    task = asyncio.create_task(FluxDriver(cluster, region.plan, speed=SPEED, now=time.time).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_slots_charts_settings_and_programs_belong_together(
    kubectl: Path, helm: Helm, tmp_path: Path
) -> None:
    flow = f"/v1/flows/{quote(FLOW, safe='')}"
    async with platform(kubectl, helm, tmp_path) as running_platform:
        clusters = running_platform.clusters

        async def as_in_the_clusters() -> bool:
            answer = await running_platform.get(f"{flow}/snapshot")
            if answer.status_code != 200:
                return False
            shown = {node["id"]: node for node in answer.json()["nodes"]}
            expected = set(clusters) | {
                f"{region}/{release['metadata']['name']}"
                for region, cluster in clusters.items()
                for release in cluster.objects()
            }
            regions = {
                node["id"]: node["status"] for node in shown.values() if node.get("family") == "region"
            }
            # The last region's script has a release that fails for good.
            return shown.keys() == expected and regions == {
                "fsn1": "succeeded",
                "hel1": "succeeded",
                "nbg1": "failed",
            }

        await until("the server shows the three clusters as they are", as_in_the_clusters)

        (summary,) = (await running_platform.get("/v1/flows")).json()["flows"]
        assert summary["id"] == FLOW
        emitters = (await running_platform.get(flow)).json()["emitters"]
        assert {emitter["name"] for emitter in emitters} == set(clusters)

        await _probes_answer(running_platform)
        if known_settings.SERVER_CHECKS_ACCESS:
            await _only_who_has_a_grant_gets_in(running_platform, flow)
        for region, emitter in running_platform.emitters.items():
            assert await emitter.stopped() == 0, (region, emitter.log.read_text())
        assert await running_platform.server.stopped() == 0
        _rights_were_enough(clusters)
        if known_settings.SERVER_CHECKS_ACCESS:
            assert "unknown setting" not in running_platform.server.log.read_text()


async def _probes_answer(running_platform: Platform) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        for pod in (running_platform.server, *running_platform.emitters.values()):
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                path = pod.container[probe]["httpGet"]["path"]
                assert (await client.get(pod.url(path))).status_code == 200, path


async def _only_who_has_a_grant_gets_in(running_platform: Platform, flow: str) -> None:
    assert (await running_platform.get(f"{flow}/snapshot", account=None)).status_code == 401
    assert (await running_platform.get(f"{flow}/snapshot", account="default")).status_code == 403

    async def post(region: str, node: str) -> int:
        body = {
            "type": "upsert-nodes",
            "nodes": [{"id": node, "flowId": FLOW, "label": "x", "status": "failed"}],
        }
        token = running_platform.token(region, "openova-flow-emitter")
        async with httpx.AsyncClient(timeout=30) as client:
            answer = await client.post(
                running_platform.server.url(f"{flow}/events"),
                json=body,
                headers={"authorization": f"Bearer {token}"},
            )
        return answer.status_code

    assert await post("hel1", "fsn1/bp-cilium") == 403
    assert await post("fsn1", "hel1/bp-cilium") == 403
    assert await post("hel1", "hel1/of-a-test") == 200


def _rights_were_enough(clusters: dict[str, SimulatedCluster]) -> None:
    """The rendered roles are all that the program needs; it may only ask for charts everywhere in vain."""
    for region, cluster in clusters.items():
        refused = {(seen.verb, seen.resource) for seen in cluster.requests if seen.status in {401, 403}}
        assert refused <= {("list", "helmcharts")}, region
        watched = {seen.resource for seen in cluster.requests if seen.verb == "watch" and seen.status == 200}
        assert watched == {"helmreleases", "helmcharts"}, region
