"""Every value set of both charts: renders, is valid, hangs together, and keeps its security posture."""

import re
from pathlib import Path
from typing import Any

import pytest

from .helm import CHARTS, Helm, title_of, value_sets, values_of
from .manifests import SELF_MADE_PODS, Manifest, all_of, pod_specs

pytest.importorskip("kubernetes_validate", reason="Kubernetes' schemas: uv sync --group charts")

from . import schemas

FILES = [file for chart in CHARTS for file in value_sets(chart)]
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding"}
SELECTORS = {
    "Service": ("selector",),
    "NetworkPolicy": ("podSelector", "matchLabels"),
    "CiliumNetworkPolicy": ("endpointSelector", "matchLabels"),
    "PodDisruptionBudget": ("selector", "matchLabels"),
    "PodMonitor": ("selector", "matchLabels"),
}
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")

every_value_set = pytest.mark.parametrize("file", FILES, ids=title_of)


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> dict[Path, list[Manifest]]:
    return {file: helm.render(file.parents[1], values_of(file)) for file in FILES}


def test_each_chart_has_a_dozen_value_sets() -> None:
    for chart in CHARTS:
        assert len(value_sets(chart)) >= 12, chart


@every_value_set
def test_every_object_is_one_that_kubernetes_takes(file: Path, rendered: dict[Path, list[Manifest]]) -> None:
    for manifest in rendered[file]:
        schemas.check(manifest)


@every_value_set
def test_helm_3_and_helm_4_render_the_same(
    file: Path, rendered: dict[Path, list[Manifest]], helm3: Helm
) -> None:
    def by_name(manifests: list[Manifest]) -> list[Manifest]:
        return sorted(manifests, key=lambda manifest: (manifest["kind"], manifest["metadata"]["name"]))

    assert by_name(helm3.render(file.parents[1], values_of(file))) == by_name(rendered[file])


@every_value_set
def test_lint_is_content_with_it(file: Path, helm: Helm) -> None:
    helm.run("lint", "--strict", "--quiet", str(file.parents[1]), "--values", str(file))


@every_value_set
def test_nothing_is_rendered_only_when_disabled(file: Path, rendered: dict[Path, list[Manifest]]) -> None:
    (part,) = values_of(file).values()
    assert bool(rendered[file]) == part.get("enabled", True)


@every_value_set
def test_names_are_unique_and_namespaces_said(file: Path, rendered: dict[Path, list[Manifest]]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for manifest in rendered[file]:
        metadata = manifest["metadata"]
        cluster_wide = manifest["kind"] in CLUSTER_WIDE
        assert ("namespace" in metadata) != cluster_wide, metadata["name"]
        key = (manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        assert key not in seen
        seen.add(key)
        for label, value in metadata.get("labels", {}).items():
            assert LABEL_VALUE.fullmatch(value), f"{label}: {value}"


@every_value_set
def test_every_pod_keeps_the_posture(file: Path, rendered: dict[Path, list[Manifest]]) -> None:
    for owner, spec in pod_specs(rendered[file]):
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] is True, owner
        assert pod["runAsUser"] == 1001
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["enableServiceLinks"] is False
        assert isinstance(spec["automountServiceAccountToken"], bool)
        assert "hostNetwork" not in spec
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]
            assert re.search(r":[^/:@]+$|@sha256:[0-9a-f]{64}$", container["image"]), container["image"]
            assert not container["image"].endswith(":latest")


@every_value_set
def test_pods_hang_together(file: Path, rendered: dict[Path, list[Manifest]]) -> None:
    """Mounts have volumes, probes have ports, selectors select."""
    for owner, spec in pod_specs(rendered[file]):
        volumes = [volume["name"] for volume in spec.get("volumes", [])]
        assert len(volumes) == len(set(volumes)), owner
        for container in spec["containers"]:
            mounts = container.get("volumeMounts", [])
            assert {mount["name"] for mount in mounts} == set(volumes), owner
            paths = [mount["mountPath"] for mount in mounts]
            assert len(paths) == len(set(paths))
            names = [variable["name"] for variable in container.get("env", [])]
            assert len(names) == len(set(names)), owner
            ports = {port["name"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                if probe in container:
                    assert container[probe]["httpGet"]["port"] in ports
    for manifest in all_of(rendered[file], *SELF_MADE_PODS):
        template = manifest["spec"]["template"]
        assert manifest["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= template["spec"]["containers"][0].keys()


@every_value_set
def test_what_selects_pods_selects_ours(file: Path, rendered: dict[Path, list[Manifest]]) -> None:
    workloads = all_of(rendered[file], *SELF_MADE_PODS)
    labels: dict[str, str] = workloads[0]["spec"]["template"]["metadata"]["labels"] if workloads else {}
    for kind, place in SELECTORS.items():
        for manifest in all_of(rendered[file], kind):
            selector: Any = manifest["spec"]
            for key in place:
                selector = selector[key]
            assert selector
            assert selector.items() <= labels.items(), kind
    for service in all_of(rendered[file], "Service"):
        ports = workloads[0]["spec"]["template"]["spec"]["containers"][0]["ports"]
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in {value for entry in ports for value in entry.values()}


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.name.startswith(("minimal", "s"))], ids=title_of
)
def test_the_release_name_changes_no_name(
    file: Path, helm: Helm, rendered: dict[Path, list[Manifest]]
) -> None:
    def names(manifests: list[Manifest]) -> list[str]:
        return [manifest["metadata"]["name"] for manifest in manifests]

    other = helm.render(file.parents[1], values_of(file), release="another")
    assert names(other) == names(rendered[file])
