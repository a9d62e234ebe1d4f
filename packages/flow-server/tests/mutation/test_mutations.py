from hypothesis import given
from hypothesis import strategies as st

from .mutations import LARGEST_BYTES, MUTATIONS, inputs, mutated

TEXT = st.one_of(st.binary(min_size=1), st.text('[]{}",:ax1-\\\r\n', min_size=1).map(str.encode))


@given(data=TEXT, other=TEXT, numbers=st.tuples(st.integers(0, 2**20), st.integers(0, 2**20)))
def test_every_mutation_takes_any_bytes(data: bytes, other: bytes, numbers: tuple[int, int]) -> None:
    for mutation in MUTATIONS:
        assert isinstance(mutation(data, other, *numbers), bytes)


def test_without_steps_nothing_changes_and_with_many_nothing_gets_too_long() -> None:
    by = sorted(MUTATIONS, key=lambda mutation: mutation.__qualname__)
    assert mutated(b"abc", [b""], by, []) == b"abc"
    steps = [step for step in range(len(by)) for _ in range(20)]
    assert len(mutated(b'{"a":1}' * 1000, [b"x" * 1000], by, steps)) <= LARGEST_BYTES


def test_the_strategy_does_not_print_all_seeds() -> None:
    strategy = inputs()
    assert len(repr(strategy)) < 3_000, "hypothesis prints it when something is wrong"
