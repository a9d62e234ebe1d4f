"""What a mutation run sends: one input is all that goes over one connection."""

import base64
from pathlib import Path

import msgspec
from msgspec import Struct


class Sent(Struct, frozen=True, kw_only=True, tag_field="input"):
    """What all inputs have."""

    def __repr__(self) -> str:
        """Python that makes it again, unless that is too long to be read."""
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__)
        text = f"{type(self).__name__}({fields})"
        return text if len(text) <= 2000 else f"{text[:1000]} … ({len(text)} characters) … {text[-300:]}"


class PostedBody(Sent, frozen=True, kw_only=True, tag="body"):
    """A body in a well-formed POST to the watched flow: it must be answered, and the answer is foreseen."""

    body: bytes
    content_type: bytes | None = None
    encoding: bytes | None = None
    chunks: tuple[int, ...] = ()
    """Sizes of transfer chunks, used in turn up to `MOST_CHUNKS`; none: a Content-Length."""
    cuts: tuple[int, ...] = ()
    """Where the request is cut into TCP segments, each taken modulo its length."""

    def wire(self, path: str) -> bytes:
        """The whole request."""
        head = [b"POST %b HTTP/1.1" % path.encode(), b"Host: x"]
        if self.content_type is not None:
            head.append(b"Content-Type: " + self.content_type)
        if self.encoding is not None:
            head.append(b"Content-Encoding: " + self.encoding)
        if self.chunks:
            head.append(b"Transfer-Encoding: chunked")
            framed = _chunked(self.body, self.chunks)
        else:
            head.append(b"Content-Length: %d" % len(self.body))
            framed = self.body
        return b"\r\n".join([*head, b"", framed])


class RawBytes(Sent, frozen=True, kw_only=True, tag="raw"):
    """Bytes as they are, of any number of requests to any other flow: answered, refused or waited for."""

    data: bytes
    cuts: tuple[int, ...] = ()


class Cursor(Sent, frozen=True, kw_only=True, tag="cursor"):
    """A reader of the watched flow that says where it stands; `NAMED_CURSORS` are put in when it is sent."""

    lines: bytes
    """Header lines, each with its end."""
    query: bytes = b""

    def wire(self, path: str, cursors: dict[bytes, int]) -> bytes:
        """The whole request."""
        said = b"GET %b%b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (path.encode(), self.query, self.lines)
        for name, sequence in cursors.items():
            said = said.replace(name, b"%d" % sequence)
        return said


Input = PostedBody | RawBytes | Cursor

FIRST, MIDDLE, LAST = b"<first>", b"<middle>", b"<last>"
MOST_CHUNKS = 2_000
"""The rest of a body is one more chunk."""

NAMED_CURSORS = (FIRST, MIDDLE, LAST)
"""Stand for sequences that the watched flow has when the input is sent."""


class Failing(Struct, frozen=True, kw_only=True):
    """An input that showed something wrong, as it is kept for the next run."""

    store: str
    problem: str
    seed: int
    before: tuple[Input, ...] = ()
    """What was sent just before: a server logs some things late."""
    input: Input


def kept_inputs(path: Path) -> list[Failing]:
    """The failing inputs that an earlier run kept, one JSON line each; `[]` without the file."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Failing) for line in path.read_bytes().splitlines()]


def keep_inputs(path: Path, failing: list[Failing]) -> None:
    """Write them for the next run; without any the file goes."""
    if failing:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in failing))
    else:
        path.unlink(missing_ok=True)


def body_of(vector: dict[str, str]) -> bytes:
    """The body of a case in the contract's vectors."""
    return base64.b64decode(vector["base64"]) if "base64" in vector else vector["body"].encode()


def _chunked(body: bytes, sizes: tuple[int, ...]) -> bytes:
    pieces: list[bytes] = []
    at = number = 0
    while at < len(body):
        size = sizes[number % len(sizes)] if number < MOST_CHUNKS else len(body)
        piece = body[at : at + size]
        pieces.append(b"%x\r\n%b\r\n" % (len(piece), piece))
        at += len(piece)
        number += 1
    return b"".join([*pieces, b"0\r\n\r\n"])
