"""One flow: its state, the base of its history, its ring, and the bytes that readers share.

`apply` is the one place where a flow changes, `frames_after` the one way out: replay and live reading are
the same step, so there is no hand-over between them to get wrong.
"""

import weakref
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from flow_contract import FlowInstance
from flow_server.core import sse
from flow_server.core.chunk import Chunk
from flow_server.core.envelope import Envelope, decode_own
from flow_server.core.fold import FlowState, derived_header, snapshot_json
from flow_server.core.ring import Frame, Ring, frame_of
from flow_server.store import Backfilled, Checkpoint, Restored

CHUNK_BYTES = 256 * 1024
"""Most bytes that are joined for one write, unless one frame alone is larger: a reader that does not read
holds at most the chunk it waits with."""

JOINED_BYTES = 4 * 2**20
"""Most bytes of joins that a flow keeps for readers at the same place: readers may come with any cursor, and
each would have a join of its own kept for as long as the flow is quiet."""

CHUNK_FRAMES = 4096
"""Most frames joined for one write; small frames reach `CHUNK_BYTES` rarely."""

SNAPSHOTS_IN_FLIGHT = 8
"""How many versions of a flow's snapshot slow readers may keep alive; above it, readers that join get the
newest of these and the messages after it, which is the same picture."""


class RingBounds(Struct, frozen=True, kw_only=True):
    """How much of its log a flow keeps at hand."""

    entries: int = 4096
    size_bytes: int = 8 * 2**20


class HistoryLine(Struct, frozen=True, kw_only=True):
    """A line of `GET …/events`; `message` is JSON."""

    seq: int
    at: int
    message: msgspec.Raw


class Flow:
    """A flow that was fed. Sequences, floor and order come from the store's log."""

    def __init__(self, flow_id: str, *, floor: int, first_at_ms: int, bounds: RingBounds) -> None:
        """An empty flow whose first message will have a sequence above `floor`."""
        self.id = flow_id
        self.first_at_ms = first_at_ms
        self.changed_at_ms = first_at_ms
        self.born_at = floor
        """Floor at the start: a reader that waited for the flow begins here."""
        self.state = FlowState()
        self._base = FlowState()
        self._base_at_ms = first_at_ms
        self._ring = Ring(entries=bounds.entries, size_bytes=bounds.size_bytes, floor=floor)
        self._joins: dict[int, Chunk] = {}
        self._joined_bytes = 0
        self._counts: tuple[int, dict[str, int]] | None = None
        self._snapshot: tuple[int, bytes] | None = None
        self._snapshot_frame: Chunk | None = None
        self._frames_in_flight: weakref.WeakSet[Chunk] = weakref.WeakSet()

    @classmethod
    def restored(cls, change: Restored, *, bounds: RingBounds) -> "Flow":
        """A flow as a store recovered it."""
        checkpoint = change.checkpoint
        flow = cls(
            change.flow_id,
            floor=checkpoint.base_sequence,
            first_at_ms=checkpoint.first_at_ms,
            bounds=bounds,
        )
        flow.state = FlowState(checkpoint.state)
        flow.changed_at_ms = checkpoint.at_ms
        flow._base = FlowState(checkpoint.base)
        flow._base_at_ms = checkpoint.base_at_ms
        flow._fold([each for each in change.envelopes if each.sequence > checkpoint.sequence])
        flow._keep([frame_of(envelope) for envelope in change.envelopes])
        return flow

    @property
    def last(self) -> int:
        """Sequence of the newest message."""
        return self._ring.last

    @property
    def floor(self) -> int:
        """Highest sequence that is no longer in the ring."""
        return self._ring.floor

    @property
    def ring_entries(self) -> int:
        """Messages in the ring."""
        return len(self._ring)

    @property
    def ring_used_bytes(self) -> int:
        """Bytes of the frames in the ring."""
        return self._ring.used_bytes

    @property
    def ring_fill(self) -> float:
        """Share of the ring's bounds that is used, the tighter of the two; 1 when messages leave it."""
        return max(len(self._ring) / self._ring.entries, self._ring.used_bytes / self._ring.size_bytes)

    def apply(self, envelopes: Sequence[Envelope]) -> None:
        """Let a batch of the log in: fold it, and keep its frames for the readers."""
        self._fold(envelopes)
        self._keep([frame_of(envelope) for envelope in envelopes])
        self._drop_joins()

    def backfill(self, past: Backfilled) -> None:
        """Put messages from before the floor back into the ring, as many as fit; the state stays."""
        if self.floor != past.floor:
            return  # messages have left the ring since: what is missing now is not what was fetched
        newer = self._ring.after(past.floor, limit=len(self._ring)) or []
        self._base = FlowState(past.base)
        self._base_at_ms = past.base_at_ms
        self._ring = Ring(
            entries=self._ring.entries, size_bytes=self._ring.size_bytes, floor=past.base_sequence
        )
        self._keep([*map(frame_of, past.envelopes), *newer])
        self._drop_joins()

    def _drop_joins(self) -> None:
        self._joins.clear()
        self._joined_bytes = 0

    def header(self) -> FlowInstance:
        """The declared header, or the derived one."""
        return self.state.header or derived_header(
            self.id, status=self.state.rollup(), started_at_ms=self.first_at_ms
        )

    def counts(self) -> dict[str, int]:
        """Nodes by status, less those that contain others and suspended ones; counted once per sequence."""
        if self._counts is None or self._counts[0] != self.last:
            self._counts = (self.last, self.state.counts())
        return self._counts[1]

    def snapshot(self) -> bytes:
        """The state as a `snapshot` message, made once per sequence."""
        if self._snapshot is None or self._snapshot[0] != self.last:
            self._snapshot = (self.last, snapshot_json(self.state, header=self.header()))
        return self._snapshot[1]

    def snapshot_frame(self) -> Chunk:
        """A snapshot for a reader to begin with; the reader's next message is the one after its cursor.

        It is of the newest state, unless slow readers keep too many versions alive: then an older one that
        the ring can continue.
        """
        newest = self._snapshot_frame
        if newest is not None and newest.cursor is not None:
            crowded = len(self._frames_in_flight) >= SNAPSHOTS_IN_FLIGHT
            if newest.cursor == self.last or (crowded and self._ring.holds_after(newest.cursor)):
                return newest
        wire = sse.frame(event=b"snapshot", data=self.snapshot(), sequence=self.last)
        self._snapshot_frame = Chunk(wire, cursor=self.last, frames=1)
        self._frames_in_flight.add(self._snapshot_frame)
        return self._snapshot_frame

    def frames_after(self, cursor: int) -> Chunk | None:
        """What a reader at `cursor`, which is not at the end, gets next, joined once for all readers there.

        `None` when the cursor is outside the ring and the reader needs a snapshot.
        """
        if (chunk := self._joins.get(cursor)) is not None:
            return chunk
        frames = self._ring.after(cursor, limit=CHUNK_FRAMES, limit_bytes=CHUNK_BYTES)
        if not frames:
            return None
        wire = frames[0].wire if len(frames) == 1 else b"".join([frame.wire for frame in frames])
        chunk = Chunk(wire, cursor=frames[-1].sequence, frames=len(frames))
        if self._joined_bytes + len(wire) > JOINED_BYTES:
            self._drop_joins()
        self._joins[cursor] = chunk
        self._joined_bytes += len(wire)
        return chunk

    def history(self, after: int | None, *, limit: int) -> list[HistoryLine]:
        """Up to `limit` messages after `after`, oldest first.

        When `after` is `None`, or is outside the ring, the base comes first as a `snapshot` message with the
        floor as its sequence, not counted, and the messages after it follow.
        """
        lines: list[HistoryLine] = []
        frames = None if after is None else self._ring.after(after, limit=limit)
        if frames is None:
            header = self._base.header or derived_header(
                self.id, status=self._base.rollup(), started_at_ms=self.first_at_ms
            )
            base = msgspec.Raw(snapshot_json(self._base, header=header))
            lines.append(HistoryLine(seq=self.floor, at=self._base_at_ms, message=base))
            frames = self._ring.after(self.floor, limit=limit) or []
        lines += [
            HistoryLine(seq=frame.sequence, at=frame.at_ms, message=msgspec.Raw(frame.encoded))
            for frame in frames
        ]
        return lines

    def checkpoint(self) -> Checkpoint:
        """The flow as it is now, for a store to keep."""
        return Checkpoint(
            sequence=self.last,
            first_at_ms=self.first_at_ms,
            at_ms=self.changed_at_ms,
            state=self.state.image(),
            base_sequence=self.floor,
            base_at_ms=self._base_at_ms,
            base=self._base.image(),
        )

    def _fold(self, envelopes: Sequence[Envelope]) -> None:
        fold = self.state.fold
        for envelope in envelopes:
            fold(envelope.decoded())
        if envelopes:
            self.changed_at_ms = envelopes[-1].at_ms

    def _keep(self, frames: Sequence[Frame]) -> None:
        """Put frames into the ring; what has to leave it goes into the base."""
        evicted = self._ring.extend(frames)
        fold = self._base.fold
        for frame in evicted:
            # Decoded again: keeping every message's objects beside its bytes would triple what a ring holds.
            fold(decode_own(frame.encoded))
        if evicted:
            self._base_at_ms = evicted[-1].at_ms
