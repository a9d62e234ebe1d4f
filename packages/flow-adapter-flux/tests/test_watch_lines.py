import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_adapter_flux.core.watch_lines import LINE_LIMIT, LineSplitter, UnreadableLineError, read_line


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"?")), max_size=12), st.data())
def test_lines_are_the_same_however_the_bytes_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    splitter = LineSplitter()
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [line for chunk in chunks for line in splitter.feed(chunk)] == lines
    assert splitter.rest == 0


@pytest.mark.parametrize("separator", ["\u0085", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c"])
def test_only_a_line_feed_ends_a_line(separator: str) -> None:
    body = {"type": "MODIFIED", "object": {"metadata": {"resourceVersion": "7", "note": f"a{separator}b"}}}
    line = json.dumps(body, ensure_ascii=False).encode()
    if separator < "\x20":
        line = json.dumps(body).encode()
    assert [read_line(found).version for found in LineSplitter().feed(line + b"\n")] == ["7"]


def test_an_unfinished_line_is_known() -> None:
    splitter = LineSplitter()
    assert list(splitter.feed(b"half a li")) == []
    assert splitter.rest == 9


@pytest.mark.parametrize("tail", [b"", b"\n"])
def test_a_line_without_end_is_refused_before_it_fills_memory(tail: bytes) -> None:
    splitter = LineSplitter()
    for _ in range(4):
        list(splitter.feed(b"x" * (LINE_LIMIT // 4)))
    with pytest.raises(UnreadableLineError, match="at most"):
        list(splitter.feed(b"x" + tail))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"<html>",
        b"[]",
        b"5",
        b"{}",
        b'{"type":"ADDED"}',
        b'{"type":"ADDED","object":null}',
        b'{"type":"ADDED","object":{}}',
        b'{"type":"ADDED","object":{"metadata":null}}',
        b'{"type":"ADDED","object":{"metadata":{"resourceVersion":7}}}',
        b'{"type":"ADDED","object":{"metadata":{"resourceVersion":""}}}',
        b'{"type":5,"object":{"metadata":{"resourceVersion":"7"}}}',
        b'\xff{"type":"ADDED"}',
        b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"7"}}',
        b"[" * 100_000,
    ],
)
def test_a_line_that_says_nothing_usable_is_one_error(line: bytes) -> None:
    with pytest.raises(UnreadableLineError):
        read_line(line)


def test_an_error_line_has_the_code_of_its_status() -> None:
    assert read_line(b'{"type":"ERROR","object":{"kind":"Status","code":410}}').code == 410
    assert read_line(b'{"type":"ERROR","object":{}}').code == 0
    assert read_line(b'{"type":"ERROR","object":{"code":"410"}}').code == 0
