"""The last frames of one flow, by sequence. Invariants:

sequences grow strictly; every message above `floor` is in the ring, none at or below it; both bounds
(entries and bytes) hold after every append.
"""

from bisect import bisect_right

from msgspec import Struct

from flow_server.core import sse
from flow_server.core.envelope import Envelope


class Frame(Struct, frozen=True, gc=False):
    """One message as it goes to readers: `wire` is the whole server-sent event."""

    sequence: int
    at_ms: int
    wire: bytes
    json_starts: int

    @property
    def encoded(self) -> bytes:
        """The message's JSON, a slice of the frame."""
        return self.wire[self.json_starts : -2]


def frame_of(envelope: Envelope) -> Frame:
    """The frame of an envelope's message, built once and shared by all readers."""
    wire = sse.frame(event=envelope.type, data=envelope.encoded, sequence=envelope.sequence)
    return Frame(envelope.sequence, envelope.at_ms, wire, len(wire) - 2 - len(envelope.encoded))


class Ring:
    """Bounded by entries and by the bytes of the frames, whichever is reached first."""

    def __init__(self, *, entries: int, size_bytes: int, floor: int) -> None:
        """An empty ring; `floor` is the highest sequence that is not in it."""
        self.entries = entries
        self.size_bytes = size_bytes
        self.floor = floor
        self.last = floor
        self.used_bytes = 0
        self._frames: list[Frame] = []
        self._sequences: list[int] = []
        self._first = 0  # what is before it has left the ring; cut off when it is half of the list

    def __len__(self) -> int:
        """How many frames are in the ring."""
        return len(self._frames) - self._first

    def append(self, frame: Frame) -> list[Frame]:
        """Add the newest frame; returns what had to leave for it, oldest first, possibly the frame itself.

        Raises ValueError when its sequence is not above `last`.
        """
        if frame.sequence <= self.last:
            raise ValueError(f"sequence {frame.sequence} is not above {self.last}")
        frames = self._frames
        frames.append(frame)
        self._sequences.append(frame.sequence)
        self.last = frame.sequence
        self.used_bytes += len(frame.wire)
        evicted: list[Frame] = []
        while len(frames) - self._first > self.entries or self.used_bytes > self.size_bytes:
            evicted.append(self._evict_oldest())
        if self._first * 2 > len(frames):
            del self._frames[: self._first]
            del self._sequences[: self._first]
            self._first = 0
        return evicted

    def holds_after(self, cursor: int) -> bool:
        """Whether every message after `cursor` is here: it is neither below the floor nor ahead of us."""
        return self.floor <= cursor <= self.last

    def after(self, cursor: int, *, limit: int, limit_bytes: int | None = None) -> list[Frame] | None:
        """Up to `limit` frames newer than `cursor`, oldest first; `[]`: none yet; `None`: outside the ring.

        With `limit_bytes` it stops before the frame that would exceed it, but never before the first.
        Outside the ring (below `floor`, above `last`) a reader needs a snapshot.
        """
        if not self.holds_after(cursor):
            return None
        start = bisect_right(self._sequences, cursor, lo=self._first)
        frames = self._frames[start : start + limit]
        if limit_bytes is None:
            return frames
        total = 0
        for count, frame in enumerate(frames):
            total += len(frame.wire)
            if total > limit_bytes and count > 0:
                return frames[:count]
        return frames

    def _evict_oldest(self) -> Frame:
        frame = self._frames[self._first]
        self._first += 1
        self.floor = frame.sequence
        self.used_bytes -= len(frame.wire)
        return frame
