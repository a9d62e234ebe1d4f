"""The checks of the other tests can fail: each of these objects is refused, and for the reason meant."""

import copy
from typing import Any

import jsonschema
import pytest
import yaml

from .helm import SERVER, Helm
from .manifests import Manifest, one, parsed

pytest.importorskip("kubernetes_validate", reason="Kubernetes' schemas: uv sync --group charts")

from . import schemas

VALUES: dict[str, Any] = {
    "flowServer": {
        "image": {"tag": "0.1.0"},
        "httproute": {"enabled": True, "hostname": "flow.example.org"},
        "metrics": {"open": True, "serviceMonitor": {"enabled": True}},
        "networkPolicy": {"enabled": True, "flavor": "cilium"},
    }
}


@pytest.fixture(scope="module")
def manifests(helm: Helm) -> list[Manifest]:
    return helm.render(SERVER, VALUES)


@pytest.mark.parametrize(
    ("kind", "place", "value", "says"),
    [
        ("Deployment", ["spec", "replicas"], "1", "is not of type"),
        ("Deployment", ["spec", "replica"], 1, "unexpected"),
        ("Deployment", ["spec", "template", "spec", "containers", 0, "envs"], [], "unexpected"),
        ("Deployment", ["spec", "template", "spec", "containers", 0, "env", 0, "value"], 1, "is not of type"),
        ("Service", ["spec", "ports", 0, "port"], "http", "is not of type"),
        ("HTTPRoute", ["spec", "rules", 0, "timeouts", "request"], "30", "does not match"),
        ("HTTPRoute", ["spec", "rules", 0, "timeout"], "30s", "unexpected"),
        ("HTTPRoute", ["spec", "hostnames", 0], "https://flow", "does not match"),
        ("ServiceMonitor", ["spec", "endpoints", 0, "interval"], "half a minute", "does not match"),
        ("CiliumNetworkPolicy", ["spec", "egress", 1, "toEntities", 0], "apiserver", "is not one of"),
        (
            "CiliumNetworkPolicy",
            ["spec", "ingress", 0, "toPorts", 0, "ports", 0, "port"],
            8080,
            "not of type",
        ),
        ("ConfigMap", ["data", "auth.yaml"], {}, "is not of type"),
        ("ServiceAccount", ["apiVersion"], "v2", "no schema for v2 ServiceAccount"),
    ],
)
def test_a_spoilt_object_is_refused(
    kind: str, place: list[Any], value: Any, says: str, manifests: list[Manifest]
) -> None:
    name = "openova-flow-server" if kind == "ServiceAccount" else None
    spoilt = copy.deepcopy(one(manifests, kind, name))
    schemas.check(spoilt)
    *parents, last = place
    below: Any = spoilt
    for key in parents:
        below = below[key]
    below[last] = value
    with pytest.raises(jsonschema.ValidationError, match=says):
        schemas.check(spoilt)


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="'a' is there twice"):
        parsed("a: 1\nb: 2\na: 3\n")
