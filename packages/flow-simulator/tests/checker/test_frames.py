from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow_simulator.checker.frames import FrameParser, MalformedFrameError, WireFrame

STREAM = (
    'retry: 1500\n\nevent: snapshot\nid: 7\ndata: {"type":"snapshot"}\n\n'
    'event: upsert-nodes\nid: 8\ndata: {"label":"\u00fc\u2028"}\n\nevent: heartbeat\ndata: {}\n\n'
).encode()
FRAMES = [
    WireFrame(event="snapshot", id=7, data='{"type":"snapshot"}'),
    WireFrame(event="upsert-nodes", id=8, data='{"label":"\u00fc\u2028"}'),
    WireFrame(event="heartbeat", id=None, data="{}"),
]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_frames_come_out_whole_however_the_bytes_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    parser = FrameParser()
    pieces = [STREAM[one:other] for one, other in pairwise(edges)]
    assert [frame for piece in pieces for frame in parser.feed(piece)] == FRAMES
    assert parser.retry_s == 1.5


def test_half_a_frame_is_not_yet_one() -> None:
    assert FrameParser().feed(b"event: snapshot\nid: 7\ndata: {}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id: 7\nevent: snapshot\ndata: {}",
        "event:snapshot\nid: 7\ndata: {}",
        "event: snapshot\r\nid: 7\r\ndata: {}\r",
        "event: snapshot\nid: 07\ndata: {}",
        "event: snapshot\nid: -7\ndata: {}",
        "event: snapshot\nid: 7\ndata: {}\ndata: {}",
        "event: snapshot\nid: 7",
        "event: snapshot\nid: 7\ndata: ",
        ": comment",
        "data: {}",
    ],
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(MalformedFrameError):
        FrameParser().feed(text.encode() + b"\n\n")


def test_bad_utf8_is_an_error() -> None:
    with pytest.raises(MalformedFrameError):
        FrameParser().feed(b"event: snapshot\nid: 7\ndata: \xff\n\n")


def test_a_stream_that_ends_properly_within_a_frame_is_an_error() -> None:
    parser = FrameParser()
    parser.feed(STREAM)
    parser.end()
    parser.feed(b"event: snapshot\nid: 9\n")
    with pytest.raises(MalformedFrameError, match="half a frame"):
        parser.end()
