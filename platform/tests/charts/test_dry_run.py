"""The whole, dry: slots and charts rendered for three regions, and the programs run with what they say."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

import httpx

from flow_simulator.flux.driver import FluxDriver
from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes.access import Rule, User
from flow_simulator.regions import Region, planned_regions

from . import known_settings
from .flux import applied
from .helm import EMITTER, PLATFORM, SERVER, Helm
from .identities import Authority, ClusterIdentity, key_endpoint
from .manifests import Manifest, all_of, container, one
from .pods import PATIENCE_S, Node, RunningPod, running, until

FQDN = "omantel.example.org"
FLOW = "1234567890123456"
"""A deployment's id that happens to have digits only."""
PRIMARY, *SECONDARIES = "fsn1", "hel1", "nbg1"
API = "https://kubernetes.default.svc"
SPEED = 100.0
"""Flux's seconds in a real one."""
CHARTS = {"bp-openova-flow-server": SERVER, "bp-openova-flow-emitter": EMITTER}


def variables(region: str) -> dict[str, str]:
    """What a cluster's Kustomization substitutes."""
    common = {"SOVEREIGN_FQDN": FQDN, "SOVEREIGN_DEPLOYMENT_ID": FLOW, "SOVEREIGN_REGION_KEY": region}
    if region == PRIMARY:
        return common
    return {
        **common,
        "SECONDARY_HR_SUSPEND": "true",
        "OPENOVA_FLOW_SERVER_URL": f"https://openova-flow.{FQDN}",
    }


@dataclass(frozen=True)
class Rendered:
    """What one cluster's Flux would install: by release, the manifests."""

    releases: dict[str, list[Manifest]]

    def reached(self, url: str, path: str) -> tuple[str, int]:
        """The Service and container port that a URL and path lead to, by Service or by route."""
        server = self.releases["bp-openova-flow-server"]
        service = one(server, "Service")
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        if parts.scheme == "https":
            route = one(server, "HTTPRoute")["spec"]
            assert parts.hostname in route["hostnames"]
            backends = {ref["name"]: ref["port"] for rule in route["rules"] for ref in rule["backendRefs"]}
            assert list(backends) == [service["metadata"]["name"]]
            port = backends[service["metadata"]["name"]]
        else:
            metadata = service["metadata"]
            assert parts.hostname == f"{metadata['name']}.{metadata['namespace']}.svc.cluster.local"
        (target,) = [entry["targetPort"] for entry in service["spec"]["ports"] if entry["port"] == port]
        (found,) = [
            entry for entry in container(server)["ports"] if target in (entry["name"], entry["containerPort"])
        ]
        return service["metadata"]["name"], found["containerPort"]


def rendered(region: str, build: str, helm: Helm, further: dict[str, Any]) -> Rendered:
    """The kit of one cluster, as its Flux would install it with these further values of the server."""
    releases: dict[str, list[Manifest]] = {}
    for release in all_of(applied(build, variables(region)), "HelmRelease"):
        spec = release["spec"]
        name = release["metadata"]["name"]
        if spec.get("suspend"):
            continue
        values = spec["values"]
        if name == "bp-openova-flow-server":
            (config,) = spec["valuesFrom"]
            assert config["name"] == "openova-flow-server-values"
            values = _merged(further, values)
        releases[name] = helm.render(
            CHARTS[name], values, release=spec["releaseName"], namespace=spec["targetNamespace"]
        )
    return Rendered(releases)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Values as helm-controller merges them: the slot's own over those of its ConfigMap."""
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            merged[key] = _merged(cast("dict[str, Any]", known), cast("dict[str, Any]", value))
        else:
            merged[key] = value
    return merged


def api_user(manifests: list[Manifest]) -> User:
    """The emitter as the API server knows it: with the rights of the rendered roles, and no others."""
    rules: list[Rule] = []
    for role in all_of(manifests, "Role", "ClusterRole"):
        for rule in role["rules"]:
            rules += [
                Rule(
                    resource=f"{resource}.{group}",
                    verbs=frozenset(rule["verbs"]),
                    namespace=role["metadata"].get("namespace", ""),
                )
                for resource in rule["resources"]
                for group in rule["apiGroups"]
            ]
    return User(name="system:serviceaccount:catalyst-system:openova-flow-emitter", rules=tuple(rules))


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
