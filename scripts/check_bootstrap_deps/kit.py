"""The kit as it is on disk: HelmReleases, the edges they declare, and what a reader may overlook in it.

Read are the `*.yaml` files directly in the directory, by name, every document, without
`kustomization.yaml`, which says instead what of them Flux installs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .flux_kinds import doubtful_kind
from .graph import ReleaseId
from .input_error import InputError
from .yaml_text import Document, mapping, read_documents, sequence, text

DEFAULT_NAMESPACE = "flux-system"
"""Where a release without a namespace goes, since the kit's own Kustomization lives there."""

KUSTOMIZATION_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True)
class Release:
    """One HelmRelease: `file` has no folders in it, `suspend` is the text of `spec.suspend` unless false."""

    key: ReleaseId
    file: str
    needs: frozenset[ReleaseId]
    suspend: str | None = None


@dataclass(frozen=True)
class Kit:
    """A directory's releases by id, the files read, the names of Flux Kustomizations, and doubts met."""

    directory: str
    releases: Mapping[ReleaseId, Release]
    files: tuple[str, ...]
    kustomizations: frozenset[str]
    listed_but_missing: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def home(self) -> str:
        """The namespace of most releases: where a declared release that is not on disk is taken to live."""
        counts = Counter(release.namespace for release in self.releases)
        return min(counts, key=lambda namespace: (-counts[namespace], namespace))


@dataclass(frozen=True)
class _Kustomization:
    """What the directory's kustomization.yaml says; `listed` is `None` when there is no such file."""

    listed: frozenset[str] | None = None
    missing: tuple[str, ...] = ()
    namespace: str | None = None


def read_kit(directory: Path, *, shown: str) -> Kit:
    """Reads a kit; `shown` is the directory's name in messages.

    Errors: `InputError` for a missing directory, one without YAML files or HelmReleases, a file that is no
    YAML, a release without a name or one that is there twice.
    """
    if not directory.is_dir():
        raise InputError(f"kit directory not found: {shown}")
    # A link that leads nowhere is an error where it is read, not a file that is not there.
    paths = _files(directory, "*.yaml")
    if not paths:
        raise InputError(f"no YAML file in {shown}")
    kustomization = _read_kustomization(directory)
    warnings = [*_not_installed(directory, paths, kustomization)]
    releases: dict[ReleaseId, Release] = {}
    flux_kustomizations: set[str] = set()
    for path in paths:
        for document in read_documents(path, shown=path.name):
            for resource in _resources(document):
                if doubt := doubtful_kind(resource):
                    warnings.append(f"{document.where}: {doubt}")
                if resource.get("kind") == "HelmRelease":
                    release = _release(resource, path.name, document.where, kustomization.namespace)
                    if twin := releases.get(release.key):
                        name = release.key.name
                        raise InputError(
                            f"duplicate HelmRelease name '{name}' (in {twin.file} and {release.file})"
                        )
                    releases[release.key] = release
                elif resource.get("kind") == "Kustomization":
                    name = mapping(resource.get("metadata"), "metadata", where=document.where).get("name")
                    flux_kustomizations.add(str(name))
    if not releases:
        raise InputError(f"no HelmRelease in {shown}")
    return Kit(
        directory=shown,
        releases=releases,
        files=tuple(path.name for path in paths),
        kustomizations=frozenset(flux_kustomizations),
        listed_but_missing=kustomization.missing,
        warnings=tuple(warnings),
    )


def _files(directory: Path, pattern: str) -> list[Path]:
    return sorted(
        path for path in directory.glob(pattern) if path.name not in KUSTOMIZATION_FILES and not path.is_dir()
    )


def _not_installed(directory: Path, paths: list[Path], kustomization: _Kustomization) -> Iterator[str]:
    for path in _files(directory, "*.yml"):
        yield f"file {path.name} ends in .yml: it is not read here"
    for path in paths:
        if kustomization.listed is not None and path.name not in kustomization.listed:
            yield f"file {path.name} is not listed in kustomization.yaml: it is not installed"


def _resources(document: Document) -> Iterator[Mapping[str, object]]:
    resource = mapping(document.value, "the document", where=document.where)
    if resource.get("kind") == "List":
        for item in sequence(resource.get("items"), "items", where=document.where):
            yield mapping(item, "an item", where=document.where)
    else:
        yield resource


def _release(resource: Mapping[str, object], file: str, where: str, namespace_for_all: str | None) -> Release:
    metadata = mapping(resource.get("metadata"), "metadata", where=where)
    name = text(metadata.get("name"), "metadata.name", where=where)
    own = namespace_for_all or text(
        metadata.get("namespace", DEFAULT_NAMESPACE), "metadata.namespace", where=where
    )
    spec = mapping(resource.get("spec"), "spec", where=where)
    needs: set[ReleaseId] = set()
    for entry in sequence(spec.get("dependsOn"), "spec.dependsOn", where=where):
        target = mapping(entry, "an entry of spec.dependsOn", where=where)
        needs.add(
            ReleaseId(
                namespace=text(target.get("namespace") or own, "spec.dependsOn[].namespace", where=where),
                name=text(target.get("name"), "spec.dependsOn[].name", where=where),
            )
        )
    return Release(
        key=ReleaseId(own, name), file=file, needs=frozenset(needs), suspend=_suspend(spec.get("suspend"))
    )


def _suspend(value: object) -> str | None:
    # A substitution such as ${HUAWEI_HR_SUSPEND:=true} is a text here and decided per cluster.
    written = str(value).lower() if isinstance(value, bool) else str(value or "")
    return written if written not in ("", "false") else None


def _read_kustomization(directory: Path) -> _Kustomization:
    for name in KUSTOMIZATION_FILES:
        path = directory / name
        if not path.is_file():
            continue
        for document in read_documents(path, shown=name):
            content = mapping(document.value, "the document", where=document.where)
            entries = [
                text(entry, "an entry of resources", where=document.where)
                for entry in sequence(content.get("resources"), "resources", where=document.where)
            ]
            local = [entry.removeprefix("./") for entry in entries if "://" not in entry and "?" not in entry]
            namespace = content.get("namespace")
            return _Kustomization(
                listed=frozenset(local),
                missing=tuple(sorted(entry for entry in local if not (directory / entry).exists())),
                namespace=namespace if isinstance(namespace, str) else None,
            )
    return _Kustomization()
