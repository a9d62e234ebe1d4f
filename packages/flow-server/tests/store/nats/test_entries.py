"""Names, numbers and bytes of the stream."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_server.store import Accepted
from flow_server.store.nats.answers import answers_in, kept_answers, recent_answers, tombstone_of
from flow_server.store.nats.checkpoints import MANIFEST
from flow_server.store.nats.entries import FORMAT, Batches, Part, check_format, packed, unpacked
from flow_server.store.nats.errors import TooNew
from flow_server.store.nats.subjects import (
    MESSAGES_PER_ENTRY,
    PROBE_NAME,
    entry_of,
    flow_id_of,
    token_of,
    wire_sequence,
)

LINES = st.lists(st.binary(min_size=1).map(lambda line: line.replace(b"\n", b" ")), min_size=1, max_size=20)


@given(st.text(min_size=1, max_size=253))
def test_any_flow_id_is_one_token_and_comes_back(flow_id: str) -> None:
    token = token_of(flow_id)
    assert flow_id_of(token) == flow_id
    assert not set(token) & set(".*> \t\r\n/+=$")


@pytest.mark.parametrize("token", [PROBE_NAME, MANIFEST, "a", "*", "a.b", "a+b/", "_w"])
def test_what_is_no_token_of_a_flow_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="is not the token of a flow id"):
        flow_id_of(token)


@given(st.integers(1, 2**42), st.integers(0, MESSAGES_PER_ENTRY - 1))
def test_a_sequence_on_the_wire_knows_its_entry(entry: int, index: int) -> None:
    assert entry_of(wire_sequence(entry, index)) == entry
    assert wire_sequence(entry, index) < wire_sequence(entry + 1)


def test_sequences_stay_below_the_contracts_bound_for_thousands_of_years() -> None:
    year_ms = 365 * 86_400_000
    assert wire_sequence(100 * year_ms, MESSAGES_PER_ENTRY - 1) < 2**53


@given(LINES, st.integers(0, 2**52), st.data())
def test_an_entry_comes_back_as_it_was(lines: list[bytes], at_ms: int, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(1, len(lines)), max_size=3).map(lambda found: sorted(set(found))))
    edges = [0, *(cut for cut in cuts if cut < len(lines)), len(lines)]
    parts = tuple(Part(data.draw(st.none() | st.text()), end - start) for start, end in pairwise(edges))
    batches = Batches(at_ms=at_ms, parts=parts, lines=tuple(lines))
    assert unpacked(packed(batches)) == batches
    envelopes = batches.envelopes(7)
    assert [envelope.sequence for envelope in envelopes] == [7 * 1024 + index for index in range(len(lines))]


@given(st.binary())
def test_bytes_that_are_no_entry_are_refused(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        unpacked(payload)


def test_an_entry_that_says_another_number_of_messages_is_refused() -> None:
    wrong = Batches(at_ms=1, parts=(Part(None, 3),), lines=(b"{}",))
    with pytest.raises(ValueError, match="expected 3 messages, found 1"):
        unpacked(packed(wrong))


def test_a_newer_format_is_refused_by_name_and_ours_and_older_ones_are_read() -> None:
    check_format(str(FORMAT), where="here")
    check_format("0", where="here")
    with pytest.raises(
        TooNew, match=r"entry 5 has format 2, this release reads up to 1: a newer flow-server"
    ):
        check_format(str(FORMAT + 1), where="entry 5")
    for strange in (None, "", "x", "1.0", "-1", "\u00b2"):
        with pytest.raises(ValueError, match="is not of flow-server"):
            check_format(strange, where="here")


def test_a_tombstone_remembers_what_was_answered() -> None:
    answers = recent_answers()
    for number in range(5):
        answers.put(f"k{number}", Accepted(seq=number + 1, count=1, epoch="e"), now_ms=1000 + number)
    assert kept_answers(answers_in(tombstone_of(answers))) == kept_answers(answers)
