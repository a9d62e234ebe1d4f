"""What the server's chart promises beyond being valid."""

import json
from typing import Any

import pytest
import yaml

from .helm import SERVER, Helm, Refused
from .manifests import Manifest, all_of, container, environment, one, workload

TAG = {"tag": "0.1.0"}
PUBLIC = {"enabled": True, "hostname": "openova-flow.example.org"}
NATS = {"kind": "nats", "nats": {"urls": ["nats://nats:4222"]}}


def rendered(helm: Helm, **values: Any) -> list[Manifest]:
    return helm.render(SERVER, {"flowServer": {"image": TAG, **values}})


def grants(manifests: list[Manifest]) -> dict[str, Any]:
    return yaml.safe_load(one(manifests, "ConfigMap")["data"]["auth.yaml"])


def issuers(manifests: list[Manifest]) -> dict[str, dict[str, Any]]:
    return {issuer["name"]: issuer for issuer in grants(manifests)["issuers"]}


def test_a_stream_has_no_timeout_and_everything_else_a_finite_one(helm: Helm) -> None:
    rules = one(rendered(helm, httproute=PUBLIC), "HTTPRoute")["spec"]["rules"]
    assert [(rule["matches"][0]["path"]["type"], rule["timeouts"]) for rule in rules] == [
        ("RegularExpression", {"request": "0s", "backendRequest": "0s"}),
        ("PathPrefix", {"request": "30s", "backendRequest": "30s"}),
    ]


@pytest.mark.parametrize(
    ("path", "is_stream"),
    [
        ("/v1/flows/deadbeef/stream", True),
        ("/sovereign/flow/v1/flows/a%2Fb%3Ac/stream", True),
        ("/v1/flows/deadbeef/snapshot", False),
        ("/v1/flows/stream", False),
        ("/v1/flows/deadbeef/stream/more", False),
        ("/v1/flows/deadbeef/events", False),
    ],
)
def test_only_streams_are_taken_for_one(helm: Helm, path: str, is_stream: bool) -> None:
    import re

    rule = one(rendered(helm, httproute=PUBLIC), "HTTPRoute")["spec"]["rules"][0]
    # Envoy matches the whole path.
    assert bool(re.fullmatch(rule["matches"][0]["path"]["value"], path)) is is_stream


def test_the_route_hangs_on_the_platforms_gateway_and_leads_to_the_service(helm: Helm) -> None:
    manifests = rendered(helm, httproute=PUBLIC, service={"port": 8081})
    spec = one(manifests, "HTTPRoute")["spec"]
    (parent,) = spec["parentRefs"]
    assert (parent["name"], parent["namespace"]) == ("cilium-gateway", "kube-system")
    assert spec["hostnames"] == ["openova-flow.example.org"]
    service = one(manifests, "Service")
    for rule in spec["rules"]:
        assert rule["backendRefs"] == [
            {"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}
        ]


def test_without_a_word_the_server_takes_only_this_clusters_tokens(helm: Helm) -> None:
    manifests = rendered(helm)
    assert environment(manifests)["FLOW_SERVER_AUTH_FILE"] == "/etc/flow-server/auth/auth.yaml"
    assert grants(manifests)["anonymous"] == {}
    (cluster,) = grants(manifests)["issuers"]
    assert cluster["jwks_url"] == "https://kubernetes.default.svc/openid/v1/jwks"
    assert cluster["audience"] == "flow-server"
    assert cluster["grants"] == [
        {
            "subject": "system:serviceaccount:catalyst-system:openova-flow-emitter",
            "read": ["*"],
            "publish": ["*"],
        },
        {"subject": "system:serviceaccount:catalyst-system:openova-flow-reader", "read": ["*"]},
    ]
    for account in all_of(manifests, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    assert not all_of(manifests, "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


def test_the_files_that_the_grants_name_are_mounted(helm: Helm) -> None:
    auth = {
        "issuers": [{"name": "hel1", "regionKey": "hel1", "jwks": '{"keys": [{"kty": "RSA"}]}'}],
        "tokensSecret": {"name": "tokens"},
    }
    manifests = rendered(helm, auth=auth)
    spec = workload(manifests)["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    files: set[str] = set()
    for mount in container(manifests)["volumeMounts"]:
        for file in _files_of(volumes[mount["name"]], manifests):
            files.add(f"{mount['mountPath']}/{file}")
    named = {environment(manifests)["FLOW_SERVER_AUTH_FILE"], grants(manifests)["tokens_file"]}
    for issuer in grants(manifests)["issuers"]:
        named |= {value for key, value in issuer.items() if key.endswith("_file")}
    assert len(named) == 5
    assert named <= files


def _files_of(volume: dict[str, Any], manifests: list[Manifest]) -> list[str]:
    if config := volume.get("configMap"):
        return list(one(manifests, "ConfigMap", config["name"])["data"])
    if secret := volume.get("secret"):
        return [item["path"] for item in secret["items"]]
    files: list[str] = []
    for source in volume.get("projected", {}).get("sources", []):
        if token := source.get("serviceAccountToken"):
            files.append(token["path"])
        files += [item["path"] for item in source.get("configMap", {}).get("items", [])]
    return files


def test_a_regions_emitter_may_only_touch_its_region(helm: Helm) -> None:
    auth = {
        "kubernetes": {"emitter": {"regionKey": "fsn1\n"}},
        "issuers": [{"name": "second", "regionKey": " hel1 ", "jwks": '{"keys": [{"kty": "RSA"}]}'}],
    }
    found = issuers(rendered(helm, auth=auth))
    assert found["cluster"]["grants"][0]["nodes"] == ["fsn1", "fsn1/*"]
    assert found["second"]["grants"] == [
        {
            "subject": "system:serviceaccount:catalyst-system:openova-flow-emitter",
            "read": ["*"],
            "publish": ["*"],
            "nodes": ["hel1", "hel1/*"],
        }
    ]


def test_another_clusters_keys_arrive_as_they_were_given(helm: Helm) -> None:
    keys = {"keys": [{"kty": "RSA", "kid": 'a"b\\c', "n": "x" * 400, "e": "AQAB"}]}
    auth = {"issuers": [{"name": "hel1", "regionKey": "hel1", "jwks": json.dumps(keys, indent=2)}]}
    config = one(rendered(helm, auth=auth), "ConfigMap")
    assert json.loads(config["data"]["jwks-hel1.json"]) == keys


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_single_truth_is_never_run_twice(helm: Helm, kind: str) -> None:
    deployment = workload(rendered(helm, store={"kind": kind}))
    assert deployment["spec"]["strategy"] == {"type": "Recreate", "rollingUpdate": None}
    assert deployment["spec"]["replicas"] == 1
    with pytest.raises(Refused):
        rendered(helm, store={"kind": kind}, replicas=2)


def test_zero_replicas_are_zero(helm: Helm) -> None:
    assert workload(rendered(helm, replicas=0))["spec"]["replicas"] == 0


def test_replicas_over_nats_are_rolled_spread_and_budgeted(helm: Helm) -> None:
    manifests = rendered(helm, replicas=3, store=NATS)
    spec = workload(manifests)["spec"]
    assert spec["strategy"]["type"] == "RollingUpdate"
    assert spec["template"]["spec"]["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"
    assert one(manifests, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert not all_of(manifests, "PersistentVolumeClaim")
    assert not all_of(rendered(helm), "PodDisruptionBudget")


def test_the_pod_is_given_longer_than_the_program_takes(helm: Helm) -> None:
    alone = workload(rendered(helm, stop={"graceSeconds": 30, "preStopSeconds": 7}))
    assert alone["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 35
    assert "lifecycle" not in alone["spec"]["template"]["spec"]["containers"][0]
    stop = {"graceSeconds": 30, "preStopSeconds": 7}
    manifests = rendered(helm, replicas=2, store=NATS, stop=stop)
    assert workload(manifests)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 42
    assert container(manifests)["lifecycle"]["preStop"] == {"sleep": {"seconds": 7}}
    assert environment(manifests)["FLOW_SERVER_STOP_GRACE"] == "30s"


def test_the_claim_of_sqlite_outlives_the_release_and_is_the_pods(helm: Helm) -> None:
    manifests = rendered(helm, store={"kind": "sqlite"})
    claim = one(manifests, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    volumes = workload(manifests)["spec"]["template"]["spec"]["volumes"]
    assert {"persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}, "name": "flows"} in volumes
    (mount,) = [mount for mount in container(manifests)["volumeMounts"] if mount["name"] == "flows"]
    assert environment(manifests)["FLOW_SERVER_SQLITE_PATH"].startswith(mount["mountPath"] + "/")


def test_settings_of_a_store_that_is_not_used_are_not_set(helm: Helm) -> None:
    for store in ({"kind": "memory"}, {"kind": "sqlite"}):
        names = environment(rendered(helm, store=store))
        assert not [name for name in names if "NATS" in name]
        assert ("FLOW_SERVER_SQLITE_PATH" in names) == (store["kind"] == "sqlite")
    assert "FLOW_SERVER_SQLITE_PATH" not in environment(rendered(helm, replicas=2, store=NATS))


def test_large_numbers_keep_all_their_digits(helm: Helm) -> None:
    limits = {"maxNodes": 20_000_000, "maxBytesInFlight": 2**40}
    names = environment(rendered(helm, limits=limits, ringCapacity=1_000_000))
    assert names["FLOW_SERVER_MAX_NODES"] == "20000000"
    assert names["FLOW_SERVER_MAX_BYTES_IN_FLIGHT"] == "1099511627776"
    assert names["FLOW_SERVER_RING_CAPACITY"] == "1000000"


def test_a_new_version_of_the_chart_alone_restarts_no_pod(helm: Helm) -> None:
    """With flows in memory a restart loses history, so nothing of the chart's own may be in the pod."""
    template = yaml.safe_dump(workload(rendered(helm))["spec"]["template"])
    chart = yaml.safe_load((SERVER / "Chart.yaml").read_text())
    assert chart["version"] not in template


def test_changed_grants_restart_no_pod(helm: Helm) -> None:
    before = workload(rendered(helm))["spec"]["template"]
    after = workload(rendered(helm, auth={"anonymous": {"read": ["*"]}}))["spec"]["template"]
    assert before == after


def test_prometheus_is_given_a_way_in(helm: Helm) -> None:
    monitor = {"enabled": True, "bearerTokenSecret": {"name": "metrics"}}
    (endpoint,) = one(rendered(helm, metrics={"serviceMonitor": monitor}), "ServiceMonitor")["spec"][
        "endpoints"
    ]
    assert endpoint["authorization"]["credentials"] == {"name": "metrics", "key": "token"}
    manifests = rendered(helm, metrics={"open": True, "serviceMonitor": {"enabled": True}})
    assert environment(manifests)["FLOW_SERVER_METRICS_OPEN"] == "true"
    (endpoint,) = one(manifests, "ServiceMonitor")["spec"]["endpoints"]
    assert "authorization" not in endpoint
    (port,) = one(manifests, "Service")["spec"]["ports"]
    assert endpoint["port"] == port["name"]


def test_a_network_policy_opens_the_ways_that_are_needed(helm: Helm) -> None:
    policy = one(rendered(helm, replicas=2, store=NATS, networkPolicy={"enabled": True}), "NetworkPolicy")
    ports = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
    assert ports == {53, 443, 6443, 4222}
    policy = one(rendered(helm, auth={"mode": "none"}, networkPolicy={"enabled": True}), "NetworkPolicy")
    assert {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]} == {53}


def keys_at(url: str) -> dict[str, Any]:
    return {"issuers": [{"name": "other", "issuer": url, "jwksUrl": url, "grants": [{"subject": "a"}]}]}


@pytest.mark.parametrize(
    ("url", "port", "to"),
    [
        ("https://keycloak.example.org/certs", 443, {"toFQDNs": [{"matchName": "keycloak.example.org"}]}),
        (
            "https://keycloak.example.org:8443/certs",
            8443,
            {"toFQDNs": [{"matchName": "keycloak.example.org"}]},
        ),
        ("http://10.0.0.9/certs", 80, {"toCIDR": ["10.0.0.9/32"]}),
        ("https://[2001:db8::9]:6443/certs", 6443, {"toCIDR": ["2001:db8::9/128"]}),
    ],
)
def test_a_network_policy_opens_the_way_to_other_issuers_keys(
    helm: Helm, url: str, port: int, to: dict[str, Any]
) -> None:
    auth = keys_at(url)
    policy = one(rendered(helm, auth=auth, networkPolicy={"enabled": True}), "NetworkPolicy")
    ports = [entry["port"] for rule in policy["spec"]["egress"] for entry in rule["ports"]]
    assert ports.count(port) == 1
    cilium = rendered(helm, auth=auth, networkPolicy={"enabled": True, "flavor": "cilium"})
    egress = one(cilium, "CiliumNetworkPolicy")["spec"]["egress"]
    opened = [{"ports": [{"port": str(port), "protocol": "TCP"}]}]
    assert {**to, "toPorts": opened} in egress
    assert {"toEntities": ["ingress"], "toPorts": opened} in egress
    # Without it Cilium never learns which addresses a name has.
    assert egress[0]["toPorts"][0]["rules"] == {"dns": [{"matchPattern": "*"}]}


def test_a_cilium_policy_opens_the_way_to_an_issuer_in_the_cluster(helm: Helm) -> None:
    auth = keys_at("http://keycloak.identity.svc.cluster.local:8080/certs")
    cilium = rendered(helm, auth=auth, networkPolicy={"enabled": True, "flavor": "cilium"})
    (last,) = one(cilium, "CiliumNetworkPolicy")["spec"]["egress"][-1]["toEndpoints"]
    assert last["matchLabels"] == {"k8s:io.kubernetes.pod.namespace": "identity"}


def test_the_notes_say_how_to_get_in(helm: Helm) -> None:
    if helm.version.startswith("v3"):
        pytest.skip(f"Helm {helm.version} asks a cluster before it prints notes")
    image = "--set=flowServer.image.tag=0.1.0"
    notes = helm.run("install", "any", str(SERVER), "--dry-run=client", "--namespace=flows", image)
    assert "kubectl -n flows create token openova-flow-reader --audience flow-server" in notes
    assert "kubectl -n flows port-forward service/openova-flow-server 8080:80" in notes
    open_notes = helm.run(
        "install", "any", str(SERVER), "--dry-run=client", image, "--set=flowServer.auth.mode=none"
    )
    assert "WARNING: flowServer.auth.mode is none" in open_notes
