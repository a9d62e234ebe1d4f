"""The last frames of one flow, by sequence. Invariants:

sequences grow strictly; every message above `floor` is in the ring, none at or below it; both bounds
(entries and bytes) hold after every extension.
"""

from bisect import bisect_right
from collections.abc import Sequence

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

    def extend(self, frames: Sequence[Frame]) -> list[Frame]:
        """Add the newest frames, oldest first; returns what had to leave, oldest first, maybe some of these.

        Raises ValueError, with nothing added, when a sequence is not above the one before it.
        """
        before = self.last
        for frame in frames:
            if frame.sequence <= before:
                raise ValueError(f"sequence {frame.sequence} is not above {before}")
            before = frame.sequence
        self.last = before
        self._frames += frames
        self._sequences += [frame.sequence for frame in frames]
        self.used_bytes += sum([len(frame.wire) for frame in frames])
        first, count, used = self._first, len(self._frames), self.used_bytes
        while count - first > self.entries or used > self.size_bytes:
            used -= len(self._frames[first].wire)
            first += 1
        evicted = self._frames[self._first : first]
        if evicted:
            self.floor = evicted[-1].sequence
        self._first, self.used_bytes = first, used
        if first * 2 > count:
            del self._frames[:first]
            del self._sequences[:first]
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
