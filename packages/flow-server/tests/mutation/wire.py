"""One connection of a mutation run: bytes out in segments, whole answers back."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

import httptools

ANSWER_S = 60.0
"""How long an answer that must come may take, in seconds; a busy machine is no finding."""

QUIET_S = 0.03
"""After so much silence the server is taken to wait for more."""

BETWEEN_SEGMENTS_S = 0.0005
"""Pause between two segments, so that the server reads them one by one."""


class Answer:
    """One answer, perhaps not whole yet."""

    def __init__(self) -> None:
        """Nothing read yet."""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.whole = False


class Connection:
    """A connection to the server; a context manager that closes it."""

    def __init__(self, port: int) -> None:
        """Connect. Raises OSError."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._parser = httptools.HttpResponseParser(self)
        self.answers: list[Answer] = []
        self.received = b""
        self.over = False
        """Whether the server has closed, or no more can be read."""

    def __enter__(self) -> Self:
        """The connection itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def send(self, data: bytes, cuts: Sequence[int] = ()) -> None:
        """Send bytes in segments; a server that closes before it has them all is none of our business."""
        self._socket.settimeout(ANSWER_S)
        try:
            for number, segment in enumerate(_segments(data, cuts)):
                if number:
                    time.sleep(BETWEEN_SEGMENTS_S)
                self._socket.sendall(segment)
        except OSError:
            pass  # what it has answered can still be read

    def read(self, *, until_answers: int | None = None, quiet_s: float) -> None:
        """Read until there are so many whole answers, the server closes, or it is quiet for that long."""
        self._read(lambda: until_answers is not None and self.whole() >= until_answers, quiet_s)

    def read_head(self, *, quiet_s: float) -> Answer | None:
        """Read until there is an answer's status; the answer, `None` when it is quiet before."""
        self._read(lambda: bool(self.answers) and self.answers[-1].status >= 200, quiet_s)
        return self.answers[-1] if self.answers else None

    def _read(self, enough: Callable[[], bool], quiet_s: float) -> None:
        self._socket.settimeout(quiet_s)
        while not self.over and not enough():
            try:
                part = self._socket.recv(65536)
            except TimeoutError:
                return
            except OSError:
                part = b""
            if not part:
                self.over = True
                return
            self.received += part
            try:
                self._parser.feed_data(part)
            except httptools.HttpParserError as error:
                raise AssertionError(f"not an answer: {error}: {self.received[-500:]!r}") from error

    def whole(self) -> int:
        """How many whole answers there are; an interim one (100) is none."""
        return sum(answer.whole and answer.status >= 200 for answer in self.answers)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """The next answer."""
        self.answers.append(Answer())

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of it."""
        self.answers[-1].headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self.answers[-1].status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self.answers[-1].body += body

    def on_message_complete(self) -> None:
        """It is whole."""
        self.answers[-1].whole = True


def _segments(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    places = sorted({cut % max(1, len(data)) for cut in cuts} - {0})
    for start, end in zip([0, *places], [*places, len(data)], strict=True):
        yield data[start:end]
