"""What a reader writes into the log: each connection, each frame, each end."""

import time

from flow_simulator.checker.entries import Connecting, Disconnected, Framed
from flow_simulator.checker.frames import WireFrame
from flow_simulator.checker.log import Log


class ReaderLog:
    """The lines of one reader of one flow."""

    def __init__(self, log: Log | None, *, reader: str, flow: str) -> None:
        """Without a log nothing is written."""
        self.connections = 0
        """How often it connected."""
        self._log = log
        self._reader = reader
        self._flow = flow

    def connecting(self, cursor: int | None) -> None:
        """It asks for the stream, after `cursor` or from the beginning."""
        self.connections += 1
        if self._log is not None:
            self._log.write(
                Connecting(
                    reader=self._reader,
                    connection=self.connections,
                    flow=self._flow,
                    last_event_id=cursor,
                    at_ns=time.monotonic_ns(),
                )
            )

    def framed(self, frame: WireFrame) -> None:
        """It got a frame."""
        if self._log is not None:
            self._log.write(
                Framed(
                    reader=self._reader,
                    connection=self.connections,
                    event=frame.event,
                    id=frame.id,
                    data=frame.data,
                    at_ns=time.monotonic_ns(),
                )
            )

    def disconnected(self, reason: str, *, malformed: bool = False) -> None:
        """Its connection is over."""
        if self._log is not None:
            self._log.write(
                Disconnected(
                    reader=self._reader,
                    connection=self.connections,
                    reason=reason,
                    malformed=malformed,
                    at_ns=time.monotonic_ns(),
                )
            )
