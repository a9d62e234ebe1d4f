"""What the two charts have to agree on."""

from urllib.parse import urlsplit

import yaml

from .helm import CHARTS, EMITTER, SERVER, Helm, values_of
from .manifests import container, environment, one

TAG = {"tag": "0.1.0"}
EMITTER_VALUES = {
    "image": TAG,
    "flowServerUrl": "http://openova-flow-server.catalyst-system.svc.cluster.local",
    "flowId": "deadbeefcafe0001",
    "regionKey": "fsn1",
}


def test_the_servers_grant_names_the_emitters_service_account(helm: Helm) -> None:
    server = helm.render(SERVER, {"flowServer": {"image": TAG}}, release="one", namespace="flows")
    emitter = helm.render(EMITTER, {"flowEmitter": EMITTER_VALUES}, release="two", namespace="flows")
    account = one(emitter, "ServiceAccount")["metadata"]
    subject = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    (issuer,) = yaml.safe_load(one(server, "ConfigMap")["data"]["auth.yaml"])["issuers"]
    (grant,) = [grant for grant in issuer["grants"] if "publish" in grant]
    assert grant["subject"] == subject
    pod = one(emitter, "DaemonSet")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account["name"]
    (token,) = [volume for volume in pod["volumes"] if volume["name"] == "flow-server-token"]
    assert token["projected"]["sources"][0]["serviceAccountToken"]["audience"] == issuer["audience"]


def test_the_example_url_of_the_emitter_is_the_servers_service(helm: Helm) -> None:
    service = one(helm.render(SERVER, {"flowServer": {"image": TAG}}, release="x"), "Service")
    url = urlsplit(environment(helm.render(EMITTER, {"flowEmitter": EMITTER_VALUES}))["FLOW_SERVER_URL"])
    metadata = service["metadata"]
    assert url.hostname == f"{metadata['name']}.{metadata['namespace']}.svc.cluster.local"
    assert (url.port or 80) == service["spec"]["ports"][0]["port"]


def test_both_images_come_through_the_same_registry_by_one_value(helm: Helm) -> None:
    for registry, prefix in ((None, "harbor.openova.io/proxy-ghcr/openova-io/openova"), ("a.b/c", "a.b/c")):
        image = TAG if registry is None else {**TAG, "registry": registry}
        server = container(helm.render(SERVER, {"flowServer": {"image": image}}))["image"]
        emitter = container(helm.render(EMITTER, {"flowEmitter": {**EMITTER_VALUES, "image": image}}))[
            "image"
        ]
        assert server == f"{prefix}/openova-flow-server:0.1.0"
        assert emitter == f"{prefix}/openova-flow-adapter-flux:0.1.0"


def test_no_chart_says_by_itself_which_image_runs() -> None:
    for chart in CHARTS:
        (part,) = values_of(chart / "values.yaml").values()
        assert part["image"]["tag"] == ""
        assert part["image"]["digest"] == ""
