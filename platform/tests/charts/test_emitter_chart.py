"""What the emitter's chart promises beyond being valid."""

from typing import Any

import pytest

from .helm import EMITTER, NAMESPACE, Helm
from .manifests import Manifest, all_of, environment, one, workload

GOOD = {
    "image": {"tag": "0.1.0"},
    "flowServerUrl": "http://openova-flow-server.catalyst-system.svc.cluster.local",
    "flowId": "deadbeefcafe0001",
    "regionKey": "fsn1",
}
READ = ["get", "list", "watch"]
RELEASES = ("helm.toolkit.fluxcd.io", "helmreleases")
CHARTS = ("source.toolkit.fluxcd.io", "helmcharts")
LEASES: tuple[str, str] = ("coordination.k8s.io", "leases")

Right = tuple[str, str, str, str, str]
"""Namespace (`*`: all), group, resource, verb, name (`*`: any)."""


def rendered(helm: Helm, **values: Any) -> list[Manifest]:
    return helm.render(EMITTER, {"flowEmitter": {**GOOD, **values}})


def rights(manifests: list[Manifest]) -> set[Right]:
    """Each right that the emitter gets."""
    roles = {
        (role["kind"], role["metadata"].get("namespace", "*"), role["metadata"]["name"]): role["rules"]
        for role in all_of(manifests, "Role", "ClusterRole")
    }
    found: set[Right] = set()
    for binding in all_of(manifests, "RoleBinding", "ClusterRoleBinding"):
        account = one(manifests, "ServiceAccount")["metadata"]
        assert binding["subjects"] == [
            {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
        ]
        namespace = binding["metadata"].get("namespace", "*")
        for rule in roles.pop((binding["roleRef"]["kind"], namespace, binding["roleRef"]["name"])):
            assert set(rule) <= {"apiGroups", "resources", "verbs", "resourceNames"}
            found |= {
                (namespace, group, resource, verb, name)
                for group in rule["apiGroups"]
                for resource in rule["resources"]
                for verb in rule["verbs"]
                for name in rule.get("resourceNames", ["*"])
            }
    assert not roles, "a role that is bound to nobody"
    return found


def reading(namespace: str, *kinds: tuple[str, str]) -> set[Right]:
    return {(namespace, group, resource, verb, "*") for group, resource in kinds for verb in READ}


def holding_the_lease(name: str = "flow-adapter-flux") -> set[Right]:
    return {
        (NAMESPACE, *LEASES, "create", "*"),
        (NAMESPACE, *LEASES, "get", name),
        (NAMESPACE, *LEASES, "update", name),
    }


def test_it_may_read_one_namespace_and_hold_its_lease_and_nothing_else(helm: Helm) -> None:
    assert rights(rendered(helm)) == reading("flux-system", RELEASES, CHARTS) | holding_the_lease()
    elsewhere = rendered(helm, namespaceFilter="mgmt", leaderElection={"leaseName": "another"})
    assert rights(elsewhere) == reading("mgmt", RELEASES, CHARTS) | holding_the_lease("another")


def test_it_may_read_all_namespaces_when_it_watches_all(helm: Helm) -> None:
    manifests = rendered(helm, namespaceFilter="")
    assert rights(manifests) == reading("*", RELEASES, CHARTS) | holding_the_lease()
    assert environment(manifests)["NAMESPACE_FILTER"] == ""


def test_charts_everywhere_are_a_value_of_their_own(helm: Helm) -> None:
    manifests = rendered(helm, rbac={"helmChartsEverywhere": True})
    assert rights(manifests) == (
        reading("flux-system", RELEASES, CHARTS) | reading("*", CHARTS) | holding_the_lease()
    )
    # All namespaces are there already: nothing to add.
    everywhere = rendered(helm, namespaceFilter="", rbac={"helmChartsEverywhere": True})
    assert rights(everywhere) == reading("*", RELEASES, CHARTS) | holding_the_lease()


def test_without_a_lease_there_is_no_right_to_one(helm: Helm) -> None:
    alone = rendered(helm, kind="Deployment", replicas=1, leaderElection={"enabled": False})
    assert rights(alone) == reading("flux-system", RELEASES, CHARTS)
    assert workload(alone)["spec"]["strategy"] == {"type": "Recreate", "rollingUpdate": None}
    assert environment(alone)["LEADER_ELECTION"] == "false"


def test_a_daemon_set_agrees_on_one_voice(helm: Helm) -> None:
    manifests = rendered(helm)
    assert workload(manifests)["kind"] == "DaemonSet"
    names = environment(manifests)
    assert names["LEADER_ELECTION"] == "true"
    assert names["POD_NAME"] == "<metadata.name>"
    assert names["POD_NAMESPACE"] == "<metadata.namespace>"


def test_a_deployment_is_spread_and_budgeted(helm: Helm) -> None:
    manifests = rendered(helm, kind="Deployment", replicas=3)
    assert workload(manifests)["spec"]["replicas"] == 3
    assert one(manifests, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert workload(rendered(helm, kind="Deployment", replicas=0))["spec"]["replicas"] == 0
    assert not all_of(rendered(helm), "PodDisruptionBudget")


def test_its_token_is_made_for_the_server_and_lives_an_hour(helm: Helm) -> None:
    manifests = rendered(helm)
    spec = workload(manifests)["spec"]["template"]["spec"]
    (volume,) = [volume for volume in spec["volumes"] if volume["name"] == "flow-server-token"]
    (source,) = volume["projected"]["sources"]
    assert source == {
        "serviceAccountToken": {"path": "token", "audience": "flow-server", "expirationSeconds": 3600}
    }
    assert _token_file(manifests) == "token"


def test_a_token_from_a_secret_is_mounted_under_its_key(helm: Helm) -> None:
    auth = {"mode": "secret", "existingSecret": {"name": "flow-token", "key": "bearer"}}
    assert _token_file(rendered(helm, auth=auth)) == "bearer"
    assert "FLOW_SERVER_TOKEN_FILE" not in environment(rendered(helm, auth={"mode": "none"}))


def _token_file(manifests: list[Manifest]) -> str:
    """The token's file name, which its environment variable and its mount have to agree on."""
    spec = workload(manifests)["spec"]["template"]["spec"]
    (mount,) = [m for m in spec["containers"][0]["volumeMounts"] if m["name"] == "flow-server-token"]
    folder, _, file = environment(manifests)["FLOW_SERVER_TOKEN_FILE"].rpartition("/")
    assert folder == mount["mountPath"]
    return file


def test_white_space_around_what_has_to_be_said_is_dropped(helm: Helm) -> None:
    names = environment(
        rendered(
            helm, flowServerUrl=" https://flow.example.org\n", flowId="1234567890123456\n", regionKey="no\n"
        )
    )
    assert names["FLOW_SERVER_URL"] == "https://flow.example.org"
    assert names["FLOW_ID"] == "1234567890123456"
    assert names["REGION_KEY"] == "no"


@pytest.mark.parametrize(
    "url",
    [
        "http://openova-flow-server.catalyst-system.svc",
        "http://openova-flow-server.catalyst-system.svc:8080",
        "http://openova-flow-server.catalyst-system.svc.cluster.local/sovereign/flow",
        "https://openova-flow.example.org",
    ],
)
def test_a_token_goes_to_a_service_or_over_tls(helm: Helm, url: str) -> None:
    assert environment(rendered(helm, flowServerUrl=url))["FLOW_SERVER_URL"] == url


def test_a_token_in_the_clear_has_to_be_asked_for(helm: Helm) -> None:
    url = "http://flow.example.org:8080"
    names = environment(rendered(helm, flowServerUrl=url, auth={"allowPlainHttp": True}))
    assert names["FLOW_SERVER_URL"] == url
    assert environment(rendered(helm, flowServerUrl=url, auth={"mode": "none"}))["FLOW_SERVER_URL"] == url


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://openova-flow-server.catalyst-system.svc", 80),
        ("https://openova-flow.example.org", 443),
        ("https://openova-flow.example.org:8443/flow", 8443),
    ],
)
def test_a_network_policy_opens_the_way_to_the_server(helm: Helm, url: str, port: int) -> None:
    values = {"enabled": True, "flowServerPodPort": 9090}
    policy = one(rendered(helm, flowServerUrl=url, networkPolicy=values), "NetworkPolicy")
    assert {port, 9090} <= {entry["port"] for rule in policy["spec"]["egress"] for entry in rule["ports"]}
    cilium = rendered(helm, flowServerUrl=url, networkPolicy={"enabled": True, "flavor": "cilium"})
    egress = one(cilium, "CiliumNetworkPolicy")["spec"]["egress"][-1]
    if ".svc" in url:
        assert egress["toEndpoints"][0]["matchLabels"]["k8s:io.kubernetes.pod.namespace"] == "catalyst-system"
    else:
        assert egress["toFQDNs"] == [{"matchName": "openova-flow.example.org"}]
        assert egress["toPorts"][0]["ports"][0]["port"] == str(port)


@pytest.mark.parametrize(
    ("url", "addresses"),
    [("https://10.0.0.9:8443", "10.0.0.9/32"), ("https://[2001:db8::9]/flow", "2001:db8::9/128")],
)
def test_a_cilium_policy_names_an_address_as_an_address(helm: Helm, url: str, addresses: str) -> None:
    cilium = rendered(helm, flowServerUrl=url, networkPolicy={"enabled": True, "flavor": "cilium"})
    egress = one(cilium, "CiliumNetworkPolicy")["spec"]["egress"][-1]
    assert egress["toCIDR"] == [addresses]
    assert "toFQDNs" not in egress


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("DaemonSet", "RollingUpdate"),
        ("DaemonSet", "OnDelete"),
        ("Deployment", "RollingUpdate"),
        ("Deployment", "Recreate"),
    ],
)
def test_only_a_rolling_update_has_numbers(helm: Helm, kind: str, type_: str) -> None:
    spec = workload(rendered(helm, kind=kind, updateStrategy={"type": type_}))["spec"]
    strategy = spec["updateStrategy" if kind == "DaemonSet" else "strategy"]
    assert strategy["type"] == type_
    assert strategy["rollingUpdate"] == ({"maxUnavailable": 1} if type_ == "RollingUpdate" else None)


def test_lengths_count_characters_as_the_program_does(helm: Helm) -> None:
    names = environment(rendered(helm, flowId="ü" * 253, regionKey="ü" * 253))
    assert (names["FLOW_ID"], names["REGION_KEY"]) == ("ü" * 253, "ü" * 253)


def test_it_runs_where_flux_runs(helm: Helm) -> None:
    tolerated = {
        toleration["key"]
        for toleration in workload(rendered(helm))["spec"]["template"]["spec"]["tolerations"]
    }
    assert "node-role.kubernetes.io/control-plane" in tolerated
