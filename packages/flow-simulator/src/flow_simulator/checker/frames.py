"""Server-sent events as the contract writes them, read strictly: anything else is an error, not a guess."""

import re

from msgspec import Struct

_FRAME = re.compile(r"event: (?P<event>[a-z-]+)\n(?:id: (?P<id>[1-9]\d{0,15})\n)?data: (?P<data>[^\r\n]+)")
_RETRY = re.compile(r"retry: (\d+)")


class WireFrame(Struct, frozen=True, kw_only=True):
    """One frame; `id` is `None` for heartbeats and for the snapshot of a flow nobody has fed."""

    event: str
    id: int | None
    data: str


class MalformedFrameError(ValueError):
    """What came is no frame as the contract has it."""


class FrameParser:
    """Bytes in any pieces in, whole frames out."""

    def __init__(self) -> None:
        """Nothing read yet."""
        self.retry_s: float | None = None
        """After how long the server asked to be tried again; `None`: it did not."""
        self._rest = b""

    def feed(self, piece: bytes) -> list[WireFrame]:
        """The frames that a piece completes. Raises `MalformedFrameError`."""
        *whole, self._rest = (self._rest + piece).split(b"\n\n")
        return [frame for text in whole if (frame := self._frame(text)) is not None]

    def end(self) -> None:
        """The stream has ended properly. Raises `MalformedFrameError` when that was within a frame."""
        if self._rest:
            raise MalformedFrameError(f"half a frame at the end: {self._rest[:200]!r}")

    def _frame(self, text: bytes) -> WireFrame | None:
        """The frame in a block of lines; `None` for one that only says when to come back."""
        try:
            lines = text.decode()
        except UnicodeDecodeError as error:
            raise MalformedFrameError(f"no UTF-8: {text[:200]!r}") from error
        if retry := _RETRY.fullmatch(lines):
            self.retry_s = int(retry[1]) / 1000
            return None
        parts = _FRAME.fullmatch(lines)
        if parts is None:
            raise MalformedFrameError(f"no frame: {lines[:200]!r}")
        return WireFrame(
            event=parts["event"], id=None if parts["id"] is None else int(parts["id"]), data=parts["data"]
        )
