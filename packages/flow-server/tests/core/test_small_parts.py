"""Resume, frames, remembered answers and signs of life."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_server.core import sse
from flow_server.core.chunk import Chunk
from flow_server.core.heard import EMITTERS, LastHeard
from flow_server.core.idempotency import RecentAnswers
from flow_server.core.resume import cursor_of


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        (None, None),
        ("", None),
        ("0", None),
        ("1", 1),
        ("05", 5),
        ("-1", None),
        ("+5", None),
        (" 5", None),
        ("5 ", None),
        ("5.0", None),
        ("1e3", None),
        ("abc", None),
        ("\x00", None),
        ("٣", None),
        ("²", None),
        ("5, 6", None),
        (str(2**53 - 1), 2**53 - 1),
        (str(2**53), None),
        (str(2**64), None),
        ("1" + "0" * 400, None),
    ],
)
def test_only_a_sequence_is_a_cursor(text: str | None, cursor: int | None) -> None:
    assert cursor_of(text) == cursor


@given(st.integers(1, 2**53 - 1))
def test_every_sequence_is_a_cursor(sequence: int) -> None:
    assert cursor_of(str(sequence)) == sequence


def test_a_frame_has_its_lines_in_the_contracts_order() -> None:
    assert sse.frame(event=b"snapshot", data=b"{}", sequence=7) == b"event: snapshot\nid: 7\ndata: {}\n\n"
    assert sse.frame(event=b"snapshot", data=b"{}") == b"event: snapshot\ndata: {}\n\n"
    assert sse.HEARTBEAT == b"event: heartbeat\ndata: {}\n\n"
    assert sse.retry(delay_ms=1500) == b"retry: 1500\n\n"


def test_a_chunk_is_framed_for_http_once() -> None:
    chunk = Chunk(b"x" * 26, cursor=1, frames=1)
    assert chunk.chunked == b"1a\r\n" + b"x" * 26 + b"\r\n"
    assert chunk.chunked is chunk.chunked


def test_an_answer_is_remembered_until_it_is_too_old() -> None:
    answers = RecentAnswers[int](entries=3, age_ms=100)
    answers.put("a", 1, now_ms=1000)
    assert answers.get("a", now_ms=1099) == 1
    assert answers.get("a", now_ms=1100) is None
    assert answers.get("b", now_ms=1000) is None


def test_of_too_many_answers_the_oldest_goes() -> None:
    answers = RecentAnswers[int](entries=3, age_ms=100)
    for number, key in enumerate("abcd"):
        answers.put(key, number, now_ms=1000)
    assert len(answers) == 3
    assert answers.get("a", now_ms=1000) is None
    assert answers.get("d", now_ms=1000) == 3


def test_an_emitter_is_remembered_when_it_was_last_heard() -> None:
    heard = LastHeard()
    heard.note("b", at_ms=5)
    heard.note("a", at_ms=7)
    heard.note("b", at_ms=3)
    assert list(heard) == [("a", 7), ("b", 5)]


def test_of_too_many_emitters_the_one_not_heard_for_longest_goes() -> None:
    heard = LastHeard()
    for number in range(EMITTERS):
        heard.note(f"e{number}", at_ms=number)
    heard.note("e0", at_ms=1000)
    heard.note("new", at_ms=1001)
    names = {name for name, _ in heard}
    assert len(names) == EMITTERS
    assert "e1" not in names
    assert {"e0", "new"} <= names
