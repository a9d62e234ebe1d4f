"""One Sovereign of three regions: what each cluster's Flux would install of the slots."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from flow_simulator.kubernetes.access import Rule, User

from .flux import applied
from .helm import EMITTER, SERVER, Helm
from .manifests import Manifest, all_of, container, one

FQDN = "omantel.example.org"
FLOW = "1234567890123456"
"""A deployment's id that happens to have digits only."""
PRIMARY, *SECONDARIES = "fsn1", "hel1", "nbg1"
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
