"""A reader that keeps up and costs little: it looks at nothing but when the messages were posted."""

import asyncio
import re
import time

from flow_simulator.checker.raw_stream import stream_request

_STAMP = re.compile(rb'"label":"(\d+)/')


class LatencyProbe(asyncio.Protocol):
    """Reads labels that begin with `time.monotonic_ns()` and a slash."""

    def __init__(self, flow: str, *, most_in_one_read: int) -> None:
        """Not measuring yet; more stamps than that in one read are those of a snapshot, and old."""
        self.latencies_ms: list[float] | None = None
        """Where latencies go; `None`: nowhere."""
        self._flow = flow
        self._most_in_one_read = most_in_one_read
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101  of a TCP connection
        transport.write(stream_request(self._flow))
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Note how old each message is; one that is cut in two is left out."""
        if self.latencies_ms is not None:
            now_ns = time.monotonic_ns()
            stamps: list[bytes] = _STAMP.findall(data)
            if len(stamps) <= self._most_in_one_read:
                self.latencies_ms += [(now_ns - int(stamp)) / 1e6 for stamp in stamps]

    def close(self) -> None:
        """Go away."""
        if self._transport is not None:
            self._transport.close()


def quantile(values: list[float], share: float) -> float:
    """The value that so large a share of the values does not exceed; not a number of none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("nan")
