"""What the server counts while it works: plain numbers, read by `GET /metrics`."""

from collections import Counter


class Stats:
    """Counters since the start; only ever grow."""

    def __init__(self) -> None:
        """All zero."""
        self.messages: Counter[str] = Counter()
        """Messages taken in, by `type`."""
        self.requests: Counter[tuple[str, int]] = Counter()
        """Answered requests, by route and status."""
        self.rejected: Counter[str] = Counter()
        """Bodies that were refused, by reason."""
        self.streams_ended: Counter[str] = Counter()
        """Streams that ended, by reason."""
        self.frames_out = 0
        self.bytes_out = 0
        self.resyncs = 0
        """Snapshots sent to readers whose cursor was outside the ring."""
