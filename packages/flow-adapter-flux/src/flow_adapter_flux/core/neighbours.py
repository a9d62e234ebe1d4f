"""What the releases of a region are to each other: dependents, namesakes, members of one ring."""

from collections import Counter
from collections.abc import Iterator, Mapping

from flow_adapter_flux.core.index import Index
from flow_adapter_flux.core.release import ObjectKey, Release
from flow_adapter_flux.core.rings import reachable, ring_through


class Neighbours:
    """An index over releases, kept by `hold` and `forget`.

    Each of the two gives the releases about which something may now be different to say, besides the one
    that changed. An answer depends only on the releases held, not on the order in which they came.
    """

    def __init__(self) -> None:
        """Begin without releases."""
        self._releases: dict[ObjectKey, Release] = {}
        self._dependents: Index[str, ObjectKey] = Index()
        self._namespaces: Index[str, str] = Index()
        self._kustomizations: Counter[str] = Counter()
        self._rings: dict[ObjectKey, tuple[ObjectKey, ...]] = {}

    @property
    def releases(self) -> Mapping[ObjectKey, Release]:
        """The releases held, by key."""
        return self._releases

    def ring_of(self, key: ObjectKey) -> tuple[ObjectKey, ...]:
        """The shortest ring of dependencies through a release, beginning with it; `()`: none."""
        return self._rings.get(key, ())

    def namespaces_of(self, name: str) -> list[str]:
        """Namespaces with a release of that name, sorted."""
        return sorted(self._namespaces.of(name))

    def is_kustomization(self, name: str) -> bool:
        """Whether a Flux Kustomization of that name applied one of the releases (their labels say so)."""
        return self._kustomizations[name] > 0

    def hold(self, release: Release) -> set[ObjectKey]:
        """Hold a release, in place of the one with its key."""
        key = release.key
        before = self._releases.get(key)
        self._releases[key] = release
        affected = self._account(before, release)
        return (affected | self._dependents.of(key.name)) - {key}

    def forget(self, key: ObjectKey) -> set[ObjectKey]:
        """Hold it no longer."""
        before = self._releases.pop(key, None)
        affected = self._account(before, None)
        return (affected | self._dependents.of(key.name)) - {key}

    def _account(self, before: Release | None, after: Release | None) -> set[ObjectKey]:
        """Bring the indexes up to date; gives whom the changes touch."""
        release = after or before
        if release is None:
            return set()
        key = release.key
        affected: set[ObjectKey] = set()
        if before is None:
            self._namespaces.add(key.name, key.namespace)
        elif after is None:
            self._namespaces.discard(key.name, key.namespace)
        for change, side in ((-1, before), (1, after)):
            if side is not None and side.kustomization is not None:
                self._kustomizations[side.kustomization] += change
                affected |= self._dependents.of(side.kustomization)
        self._kustomizations = +self._kustomizations
        was = before.depends_on if before else ()
        now = after.depends_on if after else ()
        if was != now:
            for dependency in was:
                self._dependents.discard(dependency.key.name, key)
            for dependency in now:
                self._dependents.add(dependency.key.name, key)
        if was != now or before is None or after is None:
            affected |= self._renew_rings(key)
        return affected

    def _renew_rings(self, key: ObjectKey) -> set[ObjectKey]:
        """Find the rings through a release anew; gives all that were or are in one with it."""
        affected = {member for member, ring in self._rings.items() if key in ring}
        if ring_through(key, self._dependencies):
            forward = reachable(key, self._dependencies)
            affected |= forward & reachable(key, self._declared_dependents)
        for member in affected:
            ring = ring_through(member, self._dependencies)
            if ring:
                self._rings[member] = ring
            else:
                self._rings.pop(member, None)
        return affected

    def _dependencies(self, key: ObjectKey) -> Iterator[ObjectKey]:
        release = self._releases.get(key)
        return (dependency.key for dependency in release.depends_on) if release else iter(())

    def _declared_dependents(self, key: ObjectKey) -> Iterator[ObjectKey]:
        for dependent in self._dependents.of(key.name):
            if any(dependency.key == key for dependency in self._releases[dependent].depends_on):
                yield dependent
