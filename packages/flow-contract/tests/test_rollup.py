from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_contract import rollup

WORDS = ["failed", "running", "odd", "pending", "succeeded"]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "pending"),
        (["succeeded"], "succeeded"),
        (["succeeded", "pending"], "pending"),
        (["succeeded", "pending", "running"], "running"),
        (["succeeded", "pending", "odd"], "running"),
        (["Failed"], "running"),
        ([""], "running"),
        (["failed", "running", "odd", "pending", "succeeded"], "failed"),
    ],
)
def test_the_worst_status_wins(statuses: list[str], expected: str) -> None:
    assert rollup((status, False) for status in statuses) == expected


@given(statuses=st.lists(st.tuples(st.sampled_from(WORDS), st.booleans())))
def test_suspended_nodes_count_only_when_there_is_nothing_else(statuses: list[tuple[str, bool]]) -> None:
    active = [(status, suspended) for status, suspended in statuses if not suspended]
    everything_active = [(status, False) for status, _ in statuses]
    assert rollup(statuses) == rollup(active or everything_active)


@given(statuses=st.lists(st.tuples(st.sampled_from(WORDS), st.booleans())), order=st.randoms())
def test_neither_order_nor_repetition_counts(statuses: list[tuple[str, bool]], order: Random) -> None:
    shuffled = [*statuses, *statuses]
    order.shuffle(shuffled)
    assert rollup(shuffled) == rollup(statuses)


@given(
    first=st.lists(st.sampled_from(WORDS), min_size=1), second=st.lists(st.sampled_from(WORDS), min_size=1)
)
def test_a_rollup_of_rollups_is_the_rollup_of_all(first: list[str], second: list[str]) -> None:
    parts = [rollup((status, False) for status in part) for part in (first, second)]
    assert rollup((part, False) for part in parts) == rollup((status, False) for status in first + second)
