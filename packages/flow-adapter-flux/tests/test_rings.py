from hypothesis import given
from hypothesis import strategies as st

from flow_adapter_flux.core.rings import reachable, ring_through

GRAPHS = st.dictionaries(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=4), max_size=8)


def walks(graph: dict[int, list[int]], start: int) -> int | None:
    """Length of the shortest closed walk through `start`, by trying all lengths."""
    reached = {start}
    for steps in range(1, 10):
        reached = {there for here in reached for there in graph.get(here, [])}
        if start in reached:
            return steps
    return None


@given(GRAPHS, st.integers(0, 7))
def test_the_ring_found_is_real_and_the_shortest(graph: dict[int, list[int]], start: int) -> None:
    ring = ring_through(start, lambda node: graph.get(node, []))
    shortest = walks(graph, start)
    assert len(ring) == (shortest or 0)
    for here, there in zip(ring, (*ring[1:], *ring[:1]), strict=True):
        assert there in graph[here]
    assert not ring or ring[0] == start


@given(GRAPHS, st.integers(0, 7))
def test_a_node_is_in_a_ring_when_it_reaches_itself(graph: dict[int, list[int]], start: int) -> None:
    reached = reachable(start, lambda node: graph.get(node, []))
    assert (start in reached) == bool(ring_through(start, lambda node: graph.get(node, [])))
