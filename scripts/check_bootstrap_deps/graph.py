"""The dependency graph of a kit: levels, rings and edges that others imply. Pure functions of a mapping.

A graph maps each release to the releases it waits for. A target that is no key of the graph is taken as
there already: a kit may be one part of a platform.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class ReleaseId:
    """What Flux looks a dependency up by: the namespace and the name of a HelmRelease."""

    namespace: str
    name: str

    def seen_from(self, namespace: str) -> str:
        """`name` inside `namespace`, else `namespace/name`, as one writes it in a release's `dependsOn`."""
        return self.name if self.namespace == namespace else f"{self.namespace}/{self.name}"


Graph = Mapping[ReleaseId, Set[ReleaseId]]
Ring = tuple[ReleaseId, ...]
"""Releases of which each waits for the next, and the last for the first; one alone waits for itself."""


def levels(graph: Graph) -> list[list[ReleaseId]]:
    """Releases by the number of waits before them, each level sorted; without those at or behind a ring."""
    placed: set[ReleaseId] = set()
    found: list[list[ReleaseId]] = []
    left = dict(graph)
    while ready := sorted(
        release for release, needs in left.items() if placed.issuperset(needs & graph.keys())
    ):
        found.append(ready)
        placed.update(ready)
        for release in ready:
            del left[release]
    return found


def stalled(graph: Graph) -> list[ReleaseId]:
    """Releases at or behind a ring, which can never become ready; sorted."""
    placed = {release for level in levels(graph) for release in level}
    return sorted(graph.keys() - placed)


def rings(graph: Graph) -> list[Ring]:
    """Rings to break until none is left: each loses its closing edge before the next is looked for."""
    broken = {release: set(needs) for release, needs in graph.items()}
    found: list[Ring] = []
    while stuck := stalled(broken):
        ring = _ring_from(stuck[0], broken, among=set(stuck))
        broken[ring[-1]].discard(ring[0])
        found.append(ring)
    return found


def _ring_from(start: ReleaseId, graph: Graph, *, among: Set[ReleaseId]) -> Ring:
    # Each stalled release waits for another stalled one, so walking on has to meet its own path again.
    path: list[ReleaseId] = []
    step = start
    while step not in path:
        path.append(step)
        step = min(graph[step] & among)
    ring = path[path.index(step) :]
    first = ring.index(min(ring))
    return tuple(ring[first:] + ring[:first])


def redundant_edges(graph: Graph) -> list[tuple[ReleaseId, ReleaseId]]:
    """Edges `(release, target)` that a longer way from release to target implies; sorted; none at a ring."""
    above: dict[ReleaseId, set[ReleaseId]] = {}
    for level in levels(graph):
        for release in level:
            above[release] = {far for need in graph[release] for far in (need, *above.get(need, ()))}
    return sorted(_implied(graph, above))


def _implied(
    graph: Graph, above: Mapping[ReleaseId, Set[ReleaseId]]
) -> Iterator[tuple[ReleaseId, ReleaseId]]:
    for release in above:
        for target in graph[release]:
            if any(target in above.get(other, ()) for other in graph[release]):
                yield release, target
