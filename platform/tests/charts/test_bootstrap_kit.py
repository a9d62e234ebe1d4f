"""The bootstrap slots: built with kustomize, substituted as Flux does it, and installed with our charts."""

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from .flux import applied
from .helm import EMITTER, PLATFORM, SERVER, Helm
from .manifests import Manifest, environment, one

pytest.importorskip("kubernetes_validate", reason="Kubernetes' schemas: uv sync --group charts")

from . import schemas

KIT = PLATFORM / "bootstrap-kit"
CHART = {"bp-openova-flow-server": SERVER, "bp-openova-flow-emitter": EMITTER}

PRIMARY = {
    "SOVEREIGN_FQDN": "omantel.example.org",
    "SOVEREIGN_DEPLOYMENT_ID": "deadbeefcafe0001",
    "SOVEREIGN_REGION_KEY": "fsn1",
}
SECONDARY = {
    "SOVEREIGN_FQDN": "omantel.example.org",
    "SOVEREIGN_DEPLOYMENT_ID": "1234567890123456",
    "REGION_KEY": "no",
    "SECONDARY_HR_SUSPEND": "true",
    "OPENOVA_FLOW_SERVER_URL": "https://openova-flow.omantel.example.org",
}
BARE = {"SOVEREIGN_FQDN": "bare.example.org"}
SETS = pytest.mark.parametrize("variables", [PRIMARY, SECONDARY, BARE], ids=["primary", "secondary", "bare"])


@pytest.fixture(scope="module")
def build(kubectl: Path) -> str:
    done = subprocess.run(
        [str(kubectl), "kustomize", str(KIT)], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def installed(release: Manifest, helm: Helm) -> list[Manifest]:
    """What helm-controller would install for it."""
    spec = release["spec"]
    chart = CHART[spec["chart"]["spec"]["chart"]]
    return helm.render(chart, spec["values"], release=spec["releaseName"], namespace=spec["targetNamespace"])


@SETS
def test_every_object_is_one_that_the_api_takes(build: str, variables: dict[str, str]) -> None:
    objects = applied(build, variables)
    assert sorted(manifest["kind"] for manifest in objects) == ["HelmRelease"] * 2 + ["HelmRepository"] * 2
    for manifest in objects:
        schemas.check(manifest)


@SETS
def test_both_charts_take_what_the_slots_give(build: str, variables: dict[str, str], helm: Helm) -> None:
    objects = applied(build, variables)
    for name in CHART:
        for manifest in installed(one(objects, "HelmRelease", name), helm):
            schemas.check(manifest)


def test_every_file_is_listed_and_every_number_is_its_slot() -> None:
    listed = yaml.safe_load((KIT / "kustomization.yaml").read_text())["resources"]
    assert listed == sorted(file.name for file in KIT.glob("*-*.yaml"))
    for name in listed:
        release = one(list(yaml.safe_load_all((KIT / name).read_text())), "HelmRelease")
        number, _, rest = name.removesuffix(".yaml").partition("-")
        assert release["metadata"]["name"] == rest
        assert release["metadata"]["labels"]["catalyst.openova.io/slot"] == number


def test_the_slots_wait_for_what_they_need_and_no_more(build: str) -> None:
    objects = applied(build, PRIMARY)
    waits = {
        name: [entry["name"] for entry in one(objects, "HelmRelease", name)["spec"]["dependsOn"]]
        for name in CHART
    }
    assert waits == {
        "bp-openova-flow-server": ["bp-cilium", "bp-cert-manager"],
        "bp-openova-flow-emitter": ["bp-flux"],
    }


def test_the_slots_install_the_charts_and_programs_of_this_tree(build: str) -> None:
    objects = applied(build, PRIMARY)
    for name, chart in CHART.items():
        about = yaml.safe_load((chart / "Chart.yaml").read_text())
        spec = one(objects, "HelmRelease", name)["spec"]
        assert spec["chart"]["spec"]["version"] == about["version"]
        (part,) = spec["values"].values()
        assert part["image"]["tag"] == about["appVersion"]
        repository = one(objects, "HelmRepository", spec["chart"]["spec"]["sourceRef"]["name"])
        assert repository["metadata"]["namespace"] == spec["chart"]["spec"]["sourceRef"]["namespace"]


def test_only_the_primary_runs_the_server_and_every_cluster_an_emitter(build: str) -> None:
    for variables, suspended in ((PRIMARY, False), (SECONDARY, True), (BARE, False)):
        objects = applied(build, variables)
        assert one(objects, "HelmRelease", "bp-openova-flow-server")["spec"]["suspend"] is suspended
        assert "suspend" not in one(objects, "HelmRelease", "bp-openova-flow-emitter")["spec"]


@pytest.mark.parametrize(
    ("variables", "flow", "region"),
    [
        (PRIMARY, "deadbeefcafe0001", "fsn1"),
        (SECONDARY, "1234567890123456", "no"),
        (BARE, "bare.example.org", "primary"),
        ({**PRIMARY, "SOVEREIGN_DEPLOYMENT_ID": "12345678901234e5"}, "12345678901234e5", "fsn1"),
        ({**PRIMARY, "REGION_KEY": "hel1"}, "deadbeefcafe0001", "fsn1"),
        ({**PRIMARY, "SOVEREIGN_REGION_KEY": "", "REGION_KEY": "007"}, "deadbeefcafe0001", "007"),
    ],
)
def test_flow_and_region_come_from_the_first_variable_that_is_set_and_stay_text(
    build: str, variables: dict[str, str], flow: str, region: str, helm: Helm
) -> None:
    objects = applied(build, variables)
    names = environment(installed(one(objects, "HelmRelease", "bp-openova-flow-emitter"), helm))
    assert (names["FLOW_ID"], names["REGION_KEY"]) == (flow, region)
    server = installed(one(objects, "HelmRelease", "bp-openova-flow-server"), helm)
    (issuer,) = yaml.safe_load(one(server, "ConfigMap")["data"]["auth.yaml"])["issuers"]
    assert issuer["grants"][0]["nodes"] == [region, f"{region}/*"]


def test_the_primarys_emitter_posts_to_the_port_of_the_primarys_service(build: str, helm: Helm) -> None:
    objects = applied(build, PRIMARY)
    service = one(installed(one(objects, "HelmRelease", "bp-openova-flow-server"), helm), "Service")
    emitter = installed(one(objects, "HelmRelease", "bp-openova-flow-emitter"), helm)
    url = urlsplit(environment(emitter)["FLOW_SERVER_URL"])
    assert url.scheme == "http"
    assert url.hostname == (
        f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local"
    )
    assert (url.port or 80) in {port["port"] for port in service["spec"]["ports"]}


def test_a_secondarys_emitter_posts_to_the_primarys_route(build: str, helm: Helm) -> None:
    route = one(
        installed(one(applied(build, PRIMARY), "HelmRelease", "bp-openova-flow-server"), helm), "HTTPRoute"
    )
    emitter = installed(one(applied(build, SECONDARY), "HelmRelease", "bp-openova-flow-emitter"), helm)
    url = urlsplit(environment(emitter)["FLOW_SERVER_URL"])
    assert (url.scheme, url.hostname) == ("https", route["spec"]["hostnames"][0])
    (parent,) = route["spec"]["parentRefs"]
    assert (parent["namespace"], parent["name"]) == ("kube-system", "cilium-gateway")


def test_the_server_of_the_kit_is_closed_and_needs_nothing(build: str, helm: Helm) -> None:
    server = installed(one(applied(build, PRIMARY), "HelmRelease", "bp-openova-flow-server"), helm)
    names = environment(server)
    assert names["FLOW_SERVER_STORE"] == "memory"
    assert "FLOW_SERVER_AUTH_FILE" in names
    assert not [manifest for manifest in server if manifest["kind"] in {"Secret", "PersistentVolumeClaim"}]
