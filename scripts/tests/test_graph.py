"""Properties of levels, rings and implied edges over graphs of any shape."""

from hypothesis import given
from hypothesis import strategies as st

from check_bootstrap_deps.graph import ReleaseId, levels, redundant_edges, rings, stalled

ids = st.sampled_from([ReleaseId("n", name) for name in "abcdefgh"])
graphs = st.dictionaries(ids, st.frozensets(ids, max_size=4), max_size=8)


def _reachable(graph: dict[ReleaseId, frozenset[ReleaseId]], start: ReleaseId) -> set[ReleaseId]:
    seen: set[ReleaseId] = set()
    ahead = list(graph.get(start, ()))
    while ahead:
        step = ahead.pop()
        if step not in seen:
            seen.add(step)
            ahead.extend(graph.get(step, ()))
    return seen


@given(graphs)
def test_a_release_is_on_the_level_after_the_last_it_waits_for(
    graph: dict[ReleaseId, frozenset[ReleaseId]],
) -> None:
    level_of = {key: number for number, level in enumerate(levels(graph)) for key in level}
    for key, number in level_of.items():
        assert number == max((level_of[need] + 1 for need in graph[key] if need in graph), default=0)


@given(graphs)
def test_what_is_stalled_has_a_ring_at_or_below_it(graph: dict[ReleaseId, frozenset[ReleaseId]]) -> None:
    on_rings = {key for key in graph if key in _reachable(graph, key)}
    assert stalled(graph) == sorted(
        key for key in graph if key in on_rings or on_rings & _reachable(graph, key)
    )


@given(graphs)
def test_each_ring_is_one_and_without_their_closing_edges_none_is_left(
    graph: dict[ReleaseId, frozenset[ReleaseId]],
) -> None:
    found = rings(graph)
    for ring in found:
        assert ring[0] == min(ring)
        assert all(after in graph[key] for key, after in zip(ring, (*ring[1:], ring[0]), strict=True))
    cut = {(ring[-1], ring[0]) for ring in found}
    rest = {key: frozenset(need for need in needs if (key, need) not in cut) for key, needs in graph.items()}
    assert not stalled(rest)


@given(graphs)
def test_implied_edges_can_all_go_and_every_wait_stays(graph: dict[ReleaseId, frozenset[ReleaseId]]) -> None:
    if stalled(graph):
        return
    implied = set(redundant_edges(graph))
    rest = {
        key: frozenset(need for need in needs if (key, need) not in implied) for key, needs in graph.items()
    }
    assert all(_reachable(rest, key) == _reachable(graph, key) for key in graph)
    for needs in rest.values():
        for need in needs:
            others = {far for other in needs - {need} for far in _reachable(graph, other)}
            assert need not in others, "an edge that others imply was kept"
