from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_adapter_flux.core.delays import delays
from flow_adapter_flux.core.retry_after import retry_after_s


class Trouble:
    def __init__(self, *, retry_after_s: float = 0.0, healthy_s: float = 0.0) -> None:
        self.retry_after_s = retry_after_s
        self.healthy_s = healthy_s


def waits(failures: list[Trouble], *, spread: float) -> list[float]:
    generator = delays(base_s=0.8, max_s=30, spread=lambda: spread)
    next(generator)
    return [generator.send(failure) for failure in failures]


def test_the_ceiling_doubles_up_to_its_maximum_and_the_wait_is_a_part_of_it() -> None:
    assert waits([Trouble()] * 8, spread=0.5) == [0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15, 15]


def test_retry_after_is_the_least_wait() -> None:
    assert waits([Trouble(retry_after_s=5)], spread=0.0) == [5]
    assert waits([Trouble(retry_after_s=1e9)], spread=0.0) == [300]


def test_a_healthy_stretch_begins_anew() -> None:
    assert waits([Trouble(), Trouble(), Trouble(healthy_s=120), Trouble()], spread=1.0) == [
        0.8,
        1.6,
        0.8,
        1.6,
    ]


@given(
    st.lists(st.builds(Trouble, retry_after_s=st.floats(0, 1e6), healthy_s=st.floats(0, 1e6)), max_size=80),
    st.floats(0, 1, exclude_max=True),
)
def test_every_wait_is_bounded_whatever_happened_before(failures: list[Trouble], spread: float) -> None:
    for failure, wait in zip(failures, waits(failures, spread=spread), strict=True):
        assert min(failure.retry_after_s, 300) <= wait <= min(failure.retry_after_s, 300) + 30


NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("5", 5),
        (" 7 ", 7),
        ("-1", 0),
        ("1.5", 0),
        ("", 0),
        ("soon", 0),
        ("\N{ARABIC-INDIC DIGIT FIVE}", 0),
        ("9" * 400, 999999999),
        ("Sat, 31 Jan 2026 12:00:30 GMT", 30),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0),
        ("Sat, 99 Jan 2026 12:00:30 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_nonsense_is_nothing(header: str | None, seconds: float) -> None:
    assert retry_after_s(header, now=NOW) == seconds


@given(st.text(max_size=40))
def test_any_retry_after_is_read_without_an_exception(header: str) -> None:
    assert retry_after_s(header, now=NOW) >= 0
