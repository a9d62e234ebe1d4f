"""Rendered manifests: parsed strictly, found by kind and name, and what is inside them."""

import re
from collections.abc import Hashable, Iterator
from typing import Any

import yaml

Manifest = dict[str, Any]
"""One Kubernetes object as parsed from YAML. Its shape is Kubernetes' own, checked in `schemas`."""

SELF_MADE_PODS = ("Deployment", "DaemonSet")
"""Kinds whose `spec.template` is a pod."""


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that is there twice, and reads `1e5` as a number: both as Kubernetes' own parser does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key: object = self.construct_object(key_node, deep=deep)  # pyright: ignore[reportUnknownMemberType]
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_StrictLoader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+"), list("-+0123456789")
)


def parsed(text: str) -> list[Manifest]:
    """Every document of a YAML text that is not empty. Raises `yaml.YAMLError`."""
    return [document for document in yaml.load_all(text, _StrictLoader) if document is not None]


def one(manifests: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The only object of that kind (and name). Raises AssertionError when there are none or several."""
    found = [
        manifest
        for manifest in manifests
        if manifest["kind"] == kind and (name is None or manifest["metadata"]["name"] == name)
    ]
    assert len(found) == 1, f"{len(found)} objects of kind {kind} (name {name}), expected one"
    return found[0]


def all_of(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    """The objects of these kinds, in their order."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def pod_specs(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Each pod that the objects would start: what it belongs to, and its spec."""
    for manifest in manifests:
        owner = f"{manifest['kind']}/{manifest['metadata']['name']}"
        if manifest["kind"] in SELF_MADE_PODS:
            yield owner, manifest["spec"]["template"]["spec"]
        elif manifest["kind"] == "Pod":
            yield owner, manifest["spec"]


def workload(manifests: list[Manifest]) -> Manifest:
    """The one Deployment or DaemonSet."""
    found = all_of(manifests, *SELF_MADE_PODS)
    assert len(found) == 1, f"{len(found)} workloads, expected one"
    return found[0]


def container(manifests: list[Manifest]) -> Manifest:
    """The workload's only container."""
    containers = workload(manifests)["spec"]["template"]["spec"]["containers"]
    assert len(containers) == 1
    return containers[0]


def environment(manifests: list[Manifest]) -> dict[str, str]:
    """The workload's plain environment variables; what comes from a field is named in angle brackets."""
    return {
        variable["name"]: variable["value"]
        if "value" in variable
        else f"<{variable['valueFrom']['fieldRef']['fieldPath']}>"
        for variable in container(manifests)["env"]
    }
