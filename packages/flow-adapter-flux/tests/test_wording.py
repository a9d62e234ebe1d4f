import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_adapter_flux.core.wording import MESSAGE_LIMIT, worded


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Running 'install' action with timeout of 5m0s", "Running 'install' action with timeout of …"),
        ("retrying after 1h2m3.5s", "retrying after …"),
        ("took 12.345µs or 3ms", "took … or …"),
        ("bp-a@1.2.3 in 5 minutes, port 8080, m5, 5mx", "bp-a@1.2.3 in 5 minutes, port 8080, m5, 5mx"),
        (
            "read udp 10.42.0.13:51234->10.43.0.10:53: i/o timeout",
            "read udp 10.42.0.13->10.43.0.10:53: i/o timeout",
        ),
        ("two\nlines\t and  blanks ", "two lines and blanks"),
    ],
)
def test_what_differs_from_try_to_try_is_left_out(message: str, said: str) -> None:
    assert worded(message) == said


@given(st.text(max_size=2000))
def test_a_message_is_short_and_on_one_line_and_saying_it_again_changes_nothing(message: str) -> None:
    said = worded(message)
    assert len(said) <= MESSAGE_LIMIT
    assert "\n" not in said
    assert worded(said) == said
