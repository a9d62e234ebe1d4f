from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_contract.service.environment import (
    BOOLEAN,
    LISTEN_ADDRESS,
    LONGEST_S,
    PATH,
    TEXT,
    WORDS,
    Environment,
    Kind,
    SettingError,
    choice,
    duration,
    size,
    whole_number,
)


def read(kind: Kind[Any], text: str) -> Any:
    return Environment({"X": text}).required("X", kind)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (TEXT, " as it is ", " as it is "),
        (PATH, "/etc/grants.yaml", Path("/etc/grants.yaml")),
        (BOOLEAN, "true", True),
        (BOOLEAN, "false", False),
        (WORDS, "a, b ,c", ("a", "b", "c")),
        (WORDS, "one", ("one",)),
        (choice("memory", "sqlite"), "sqlite", "sqlite"),
        (whole_number(), "0", 0),
        (whole_number(), "007", 7),
        (whole_number(least=1, most=3), "3", 3),
        (whole_number(), str(2**53 - 1), 2**53 - 1),
        (duration(), "0", 0.0),
        (duration(), "200ms", 0.2),
        (duration(), "1m30s", 90.0),
        (duration(), "1.5h", 5400.0),
        (duration(), ".5s", 0.5),
        (duration(), "1.s", 1.0),
        (duration(), "100us", 1e-4),
        (duration(), "100µs", 1e-4),
        (duration(), "5ns", 5e-9),
        (duration(least_s=1, most_s=2), "2s", 2.0),
        (size(), "65536", 65536),
        (size(), "512Ki", 512 * 1024),
        (size(), "8Mi", 8 * 1024**2),
        (size(), "2Gi", 2 * 1024**3),
        (LISTEN_ADDRESS, ":8080", ("", 8080)),
    ],
)
def test_a_good_value_is_read(kind: Kind[Any], text: str, value: object) -> None:
    found = read(kind, text)
    assert found == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *[
            (kind, blank)
            for kind in (TEXT, PATH, BOOLEAN, WORDS, duration(), size())
            for blank in ("", " ", "\t")
        ],
        *[(BOOLEAN, text) for text in ("True", "1", "yes", " true", "false\n")],
        *[(WORDS, text) for text in (",", "a,", ",a", "a,,b", "a, ,b")],
        *[(choice("memory", "sqlite"), text) for text in ("Memory", "sqlite ", "nats")],
        *[
            (whole_number(), text)
            for text in ("-1", "+1", "1.0", "1e3", "0x10", "1_000", " 1", "1 ", "٣", "9" * 17)
        ],
        *[(whole_number(least=1, most=3), text) for text in ("0", "4")],
        *[
            (duration(), text)
            for text in ("5", "5 s", "s", "-1s", "+1s", "1h1", "1d", "1S", "NaN", "inf", "1e3s")
        ],
        *[(duration(), text) for text in ("9" * 400 + "h", "100000h", ".s", "1m 30s", "0s0")],
        *[(duration(least_s=1, most_s=2), text) for text in ("999ms", "2001ms", "0")],
        *[(size(), text) for text in ("8MB", "8M", "8mi", "1.5Mi", "-1", "Mi", "9" * 16 + "Gi")],
        *[(size(least=10), text) for text in ("9",)],
        *[
            (LISTEN_ADDRESS, text)
            for text in ("8080", ":", ":x", ":65536", "::1:80", "[::1]", "[::g]:1", "a/b:1")
        ],
    ],
)
def test_a_bad_value_is_an_error_that_names_variable_expectation_and_value(
    kind: Kind[Any], text: str
) -> None:
    with pytest.raises(SettingError) as raised:
        read(kind, text)
    error = raised.value
    assert (error.variable, error.expected, error.found) == ("X", kind.expected, text)
    assert str(error).startswith(f"X: expected {kind.expected}, found ")
    assert str(error).isascii() or not kind.expected.isascii()


@given(text=st.text(max_size=20))
def test_any_text_is_a_value_or_a_setting_error(text: str) -> None:
    for kind in (duration(), size(), whole_number(), WORDS, LISTEN_ADDRESS, BOOLEAN):
        try:
            read(kind, text)
        except SettingError as error:
            assert error.found == text  # noqa: PT017  # both outcomes are right here


@given(seconds=st.integers(0, int(LONGEST_S)))
def test_a_duration_is_the_sum_of_its_parts(seconds: int) -> None:
    hours, rest = divmod(seconds, 3600)
    assert read(duration(), f"{hours}h{rest // 60}m{rest % 60}s") == pytest.approx(seconds)


def test_bounds_stand_in_what_was_expected() -> None:
    assert (
        duration(least_s=1, most_s=90).expected == "a duration like 200ms or 1m30s, at least 1s, at most 90s"
    )
    assert duration().expected == "a duration like 200ms or 1m30s"
    assert whole_number(least=1, most=9).expected == "a whole number from 1 to 9"
    assert choice("a", "b", "c").expected == "a or b or c"


def test_a_variable_that_is_not_set_is_an_error_or_the_default() -> None:
    environment = Environment({})
    with pytest.raises(SettingError, match=r"^X: expected true or false, it is not set$") as raised:
        environment.required("X", BOOLEAN)
    assert raised.value.found is None
    assert environment.optional("X", BOOLEAN, "the default") == "the default"
    assert not environment.is_set("X")


def test_an_optional_variable_that_is_blank_is_an_error_and_not_the_default() -> None:
    with pytest.raises(SettingError, match='X: expected a non-empty text, found ""'):
        Environment({"X": ""}).optional("X", TEXT, "the default")


def test_a_kind_may_take_blank_values() -> None:
    anything = Kind(read=str, expected="a text", blank=True)
    assert Environment({"X": ""}).optional("X", anything, "the default") == ""


def test_variables_with_our_prefix_that_nobody_read_are_unknown() -> None:
    environment = Environment(
        {
            "FLOW_SERVER_LISTEN_ADDR": ":1",
            "FLOW_SERVER_LISTEN_ADR": ":2",
            "FLOW_SERVER_HEARTBEET": "15s",
            "FLOW_SERVER_PORT": "tcp://10.0.0.1:8080",
            "FLOW_SERVER_PORT_8080_TCP_ADDR": "10.0.0.1",
            "FLOW_SERVER_SERVICE_HOST": "10.0.0.1",
            "HOME": "/root",
        }
    )
    environment.optional("FLOW_SERVER_LISTEN_ADDR", LISTEN_ADDRESS, None)
    environment.optional("FLOW_SERVER_NOT_SET", TEXT, None)
    assert list(environment.unknown("FLOW_SERVER_")) == ["FLOW_SERVER_HEARTBEET", "FLOW_SERVER_LISTEN_ADR"]
