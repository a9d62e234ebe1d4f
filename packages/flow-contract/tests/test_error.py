from hypothesis import given
from hypothesis import strategies as st

from flow_contract import ContractError, shown


@given(text=st.text(st.characters()))
def test_shown_text_is_quoted_printable_ascii_of_bounded_length(text: str) -> None:
    found = shown(text)
    assert found.isascii()
    assert found.isprintable()
    assert found.startswith('"')
    assert found.endswith('"')
    assert len(found) <= 2 + 10 * (256 + 3)


def test_shown_text_is_cut_and_says_so() -> None:
    assert shown("x" * 10, limit=4) == '"xxxx..."'
    assert shown("x" * 4, limit=4) == '"xxxx"'


def test_nobody_can_leave_the_quotes_or_the_line() -> None:
    assert shown('a"b\\"c\n\x1b[31m\u202e') == '"a\\"b\\\\\\"c\\n\\x1b[31m\\u202e"'


def test_an_error_without_a_found_value_is_path_and_problem() -> None:
    error = ContractError(path="$.flow", problem="required, but missing")
    assert str(error) == "$.flow: required, but missing"
    assert error.found is None
