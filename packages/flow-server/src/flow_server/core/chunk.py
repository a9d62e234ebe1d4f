"""Bytes that go to many readers: made once, framed for HTTP once, shared by all of them."""


class Chunk:
    """Whole frames; after writing them a reader's cursor is `cursor`.

    `wire` is the frames' bytes, `chunked` the same as one transfer chunk (RFC 9112, section 7.1).
    """

    __slots__ = ("__weakref__", "_chunked", "cursor", "frames", "wire")

    def __init__(self, wire: bytes, *, cursor: int | None, frames: int) -> None:
        """`frames` counts messages in `wire`; a heartbeat is none, and moves no cursor (`None`)."""
        self.wire = wire
        self.cursor = cursor
        self.frames = frames
        self._chunked: bytes | None = None

    @property
    def chunked(self) -> bytes:
        """The bytes as one transfer chunk."""
        if self._chunked is None:
            self._chunked = b"%x\r\n%b\r\n" % (len(self.wire), self.wire)
        return self._chunked
