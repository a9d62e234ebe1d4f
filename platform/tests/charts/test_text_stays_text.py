"""Names that look like numbers or booleans: Kubernetes allows them, YAML makes something else of them."""

import pytest

from .helm import EMITTER, SERVER, Helm

pytest.importorskip("kubernetes_validate", reason="Kubernetes' schemas: uv sync --group charts")

from . import schemas

ODD = pytest.mark.parametrize("odd", ["1", "1e5", "no"])


@ODD
def test_odd_names_stay_names_in_the_server_chart(odd: str, helm: Helm) -> None:
    server = {
        "image": {"tag": odd},
        "imagePullSecrets": [{"name": odd}],
        "priorityClassName": odd,
        "serviceAccount": {"name": odd},
        "podAnnotations": {"a": odd},
        "podLabels": {"a": odd},
        "commonLabels": {"b": odd},
        "nodeSelector": {"a": odd},
        "store": {"kind": "sqlite", "sqlite": {"existingClaim": odd, "storageClass": odd}},
        "auth": {
            "tokensSecret": {"name": odd, "key": odd},
            "kubernetes": {"audience": odd, "reader": {"serviceAccount": odd}},
        },
        "httproute": {
            "enabled": True,
            "hostname": odd,
            "gatewayRef": {"name": odd, "namespace": odd, "sectionName": odd},
        },
        "metrics": {"serviceMonitor": {"enabled": True, "bearerTokenSecret": {"name": odd, "key": odd}}},
    }
    for values in (
        server,
        {**server, "auth": {"mode": "secret", "existingSecret": {"name": odd, "key": odd}}},
        {
            **server,
            "replicas": 2,
            "store": {"kind": "nats", "nats": {"urls": ["nats://a"], "stream": odd, "existingSecret": odd}},
        },
    ):
        manifests = helm.render(SERVER, {"flowServer": values}, release=odd, namespace=odd)
        for manifest in manifests:
            schemas.check(manifest)


@ODD
def test_odd_names_stay_names_in_the_emitter_chart(odd: str, helm: Helm) -> None:
    emitter = {
        "image": {"tag": odd},
        "flowServerUrl": "https://flow.example.org",
        "flowId": odd,
        "regionKey": odd,
        "namespaceFilter": odd,
        "leaderElection": {"leaseName": odd},
        "priorityClassName": odd,
        "serviceAccount": {"name": odd},
        "auth": {"audience": odd},
        "networkPolicy": {"enabled": True, "flavor": "cilium"},
        "rbac": {"helmChartsEverywhere": True},
    }
    for values in (
        emitter,
        {**emitter, "auth": {"mode": "secret", "existingSecret": {"name": odd, "key": odd}}},
    ):
        for manifest in helm.render(EMITTER, {"flowEmitter": values}, release=odd, namespace=odd):
            schemas.check(manifest)
