"""What a waiting release waits for, and which mistakes will make it wait for ever."""

from collections.abc import Iterator
from typing import NamedTuple

from flow_adapter_flux.core.neighbours import Neighbours
from flow_adapter_flux.core.region import Region
from flow_adapter_flux.core.release import Dependency, ObjectKey, Release
from flow_adapter_flux.core.release_status import is_ready, is_waiting


class Waiting(NamedTuple):
    """`blockers`: every dependency that is not ready, in the order declared. `mistakes`: sentences."""

    blockers: tuple[ObjectKey, ...] = ()
    mistakes: tuple[str, ...] = ()


NOTHING = Waiting()


def waiting_of(release: Release, neighbours: Neighbours, region: Region) -> Waiting:
    """What holds a release up; nothing when it does not wait."""
    if not release.depends_on or not is_waiting(release):
        return NOTHING
    blockers = tuple(
        dependency.key
        for dependency in release.depends_on
        if _blocks(release, dependency, neighbours, region)
    )
    return Waiting(blockers=blockers, mistakes=tuple(_mistakes(release, neighbours, region)))


def _blocks(release: Release, dependency: Dependency, neighbours: Neighbours, region: Region) -> bool:
    """helm-controller's own rule; where it cannot be followed from here, what its message says."""
    found = neighbours.releases.get(dependency.key)
    if found is None and region.sees(dependency.key):
        return True
    if found is None or dependency.ready_expr:
        return _named_by_flux(release, dependency.key)
    return not is_ready(found)


def _named_by_flux(release: Release, key: ObjectKey) -> bool:
    message = release.ready.message if release.ready else None
    return f"'{key}'" in (message or "")


def _mistakes(release: Release, neighbours: Neighbours, region: Region) -> Iterator[str]:
    for dependency in release.depends_on:
        key = dependency.key
        if key == release.key:
            yield "It depends on itself, so it can never start."
        elif key not in neighbours.releases:
            yield from _absent(release, key, neighbours, region)
    ring = neighbours.ring_of(release.key)
    if len(ring) > 1:
        names = " → ".join(_short(member, release) for member in (*ring, ring[0]))
        yield f"Its dependencies form a ring, so none in it can ever start: {names}."


def _absent(release: Release, key: ObjectKey, neighbours: Neighbours, region: Region) -> Iterator[str]:
    elsewhere = [namespace for namespace in neighbours.namespaces_of(key.name) if namespace != key.namespace]
    other = f" There is one of that name in {', '.join(elsewhere)}." if elsewhere else ""
    if region.sees(key):
        if neighbours.is_kustomization(key.name) and not elsewhere:
            yield (
                f"It depends on {key}, which is the name of a Flux Kustomization;"
                " a HelmRelease can only wait for a HelmRelease."
            )
        else:
            yield f"It depends on {key}, and there is no HelmRelease of that name in {key.namespace}.{other}"
    elif elsewhere or _named_by_flux(release, key):
        yield f"It depends on {key}, which is outside {region.namespace}, the namespace watched here.{other}"


def _short(key: ObjectKey, beside: Release) -> str:
    return key.name if key.namespace == beside.key.namespace else str(key)
