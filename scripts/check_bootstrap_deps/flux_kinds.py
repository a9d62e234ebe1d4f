"""Flux's API groups and kinds, to notice a document that was meant for Flux and is not read by it.

Source: the CRDs of Flux 2.8 (`kubectl api-resources`, groups under `toolkit.fluxcd.io`).
"""

from collections.abc import Mapping
from difflib import get_close_matches

_RELEASE_GROUP = "helm.toolkit.fluxcd.io"

FLUX_KINDS = {
    _RELEASE_GROUP: frozenset({"HelmRelease"}),
    "kustomize.toolkit.fluxcd.io": frozenset({"Kustomization"}),
    "source.toolkit.fluxcd.io": frozenset(
        {"Bucket", "ExternalArtifact", "GitRepository", "HelmChart", "HelmRepository", "OCIRepository"}
    ),
    "notification.toolkit.fluxcd.io": frozenset({"Alert", "Provider", "Receiver"}),
    "image.toolkit.fluxcd.io": frozenset({"ImagePolicy", "ImageRepository", "ImageUpdateAutomation"}),
}


def doubtful_kind(resource: Mapping[str, object]) -> str | None:
    """A sentence when the document looks like Flux's but Flux would not take it so; `None` otherwise."""
    kind, group = str(resource.get("kind") or ""), str(resource.get("apiVersion") or "").partition("/")[0]
    if not kind:
        return "a document without a kind"
    if kind == "HelmRelease" and group != _RELEASE_GROUP:
        return f"apiVersion {resource.get('apiVersion')} is not {_RELEASE_GROUP}: no controller sees it"
    if group in FLUX_KINDS and kind not in FLUX_KINDS[group]:
        return f"kind {kind} is no Flux kind (of {group}): not read as a HelmRelease"
    if (
        kind != "HelmRelease"
        and not _known(kind)
        and get_close_matches(kind.lower(), ["helmrelease"], cutoff=0.8)
    ):
        return f"kind {kind} is no Flux kind (HelmRelease is): not read as a HelmRelease"
    return None


def _known(kind: str) -> bool:
    return any(kind in kinds for kinds in FLUX_KINDS.values())
