"""How seeds become other inputs, as a strategy of hypothesis: what it finds it also makes small.

A mutation is a function of the bytes, a second seed and two numbers. All of these are digits of one number,
so a mutation costs one draw.
"""

import functools
import gzip
import re
from collections.abc import Callable, Sequence

from backports import zstd
from hypothesis import strategies as st

from . import seeds
from .inputs import NAMED_CURSORS, Cursor, Input, PostedBody, RawBytes

Mutation = Callable[[bytes, bytes, int, int], bytes]

LARGEST_BYTES = 1_300_000
"""No input is longer: above the server's bound of 1 MiB, and that is enough."""

_SCALAR = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null', re.DOTALL)
_BOUNDARY = re.compile(rb'[\[\]{},:"\r\n ;=%/]')
_DIGITS = re.compile(rb"\d+")
_DEPTHS = (1, 2, 62, 63, 64, 65, 1_000, 100_000)
_BYTES = b"\0\t\n\r \"%'+,-/059:;=?A[\\]_a{|}\x7f\x80\xbf\xc0\xc3\xed\xef\xf4\xff"
_NUMBERS = (
    *(b"-1", b"0", b"00", b"1.5", b"-0.0", b"1e3", b"1e400", b"-1e-400", b"9007199254740991"),
    *(b"9007199254740992", b"18446744073709551616", b"1e308", b"0x10", b"9" * 400, b"1" * 5_000, b"1_0"),
)
_JSON_TOKENS = (
    *_NUMBERS,
    *(b"null", b"true", b"NaN", b"-Infinity", b"{}", b"[]", b"[[]]", b'""', b'" "', b'"a"', b"\xef\xbb\xbf"),
    *(b'"\\ud800"', b'"\\u0000"', b'"\\u202e"', b'"\\ud83d\\ude80"', b'"\xff"', b'"\x01"', b"// x", b"\\"),
    *(
        b'"type":"snapshot",',
        b'"type":"delete-nodes",',
        b'"id":',
        b'"meta":{"a":1e2},',
        b"],[",
        b"}{",
        b"}\n{",
    ),
    *(b'"' + b"x" * 4096 + b'"', b'"' + b"\\n" * 4097 + b'"', b'"nodes":null,', b'"lag":0,', b'"contains"'),
)
_HTTP_TOKENS = (
    *_NUMBERS,
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b"\0",
        b" ",
        b"\t",
        b": ",
        b"GET / HTTP/1.1\r\n",
        b"HTTP/1.1",
        b";a=b",
    ),
    *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    *(
        b"5\r\nhello\r\n",
        b"Host: y\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"HEAD ",
        b"PUT ",
    ),
    *(
        b"Upgrade: h2c\r\nConnection: upgrade\r\n",
        b"Content-Encoding: gzip\r\n",
        b"x: " + b"y" * 5_000 + b"\r\n",
    ),
    *(
        b"%00",
        b"%2F",
        b"%25",
        b"%ff",
        b"%",
        b"..",
        b"//",
        b"?",
        b"#",
        b"Range: bytes=0-\r\n",
        b"DELETE ",
        b"\xff",
    ),
)
_CURSOR_TOKENS = (
    *_NUMBERS,
    *NAMED_CURSORS,
    *(
        b"Last-Event-ID: ",
        b"\r\n",
        b"?lastEventId=",
        b"&",
        b"=",
        b"%30",
        b"%",
        b" ",
        b"-",
        b"+",
        b"\xff",
        b",",
    ),
)


def _flip_bit(data: bytes, other: bytes, a: int, b: int) -> bytes:
    at = a % len(data)
    return data[:at] + bytes([data[at] ^ 1 << b % 8]) + data[at + 1 :]


def _set_byte(data: bytes, other: bytes, a: int, b: int) -> bytes:
    at = a % len(data)
    return data[:at] + _BYTES[b % len(_BYTES) :][:1] + data[at + 1 :]


def _truncate(data: bytes, other: bytes, a: int, b: int) -> bytes:
    return data[: -1 - a % len(data)]


def _cut_out(data: bytes, other: bytes, a: int, b: int) -> bytes:
    at = a % len(data)
    return data[:at] + data[at + 1 + b % 64 :]


def _repeat(data: bytes, other: bytes, a: int, b: int) -> bytes:
    """Something of up to 64 bytes, once more or many times."""
    at = a % len(data)
    piece = data[at : at + 1 + b % 64]
    return data[:at] + piece * 2 ** (b // 64 % 12) + data[at + len(piece) :]


def _splice(data: bytes, other: bytes, a: int, b: int) -> bytes:
    return data[: a % (len(data) + 1)] + other[b % (len(other) + 1) :]


def _swap(data: bytes, other: bytes, a: int, b: int) -> bytes:
    """Two values of one text change places."""
    found = list(_SCALAR.finditer(data))
    if len(found) < 2:
        return data[a % len(data) :] + data[: a % len(data)]
    one, two = sorted([found[a % len(found)], found[b % len(found)]], key=lambda each: each.start())
    if one is two:
        return data
    return data[: one.start()] + two[0] + data[one.end() : two.start()] + one[0] + data[two.end() :]


def _take_value(data: bytes, other: bytes, a: int, b: int) -> bytes:
    """A value becomes one of another seed."""
    ours, theirs = list(_SCALAR.finditer(data)), _SCALAR.findall(other)
    if not ours or not theirs:
        return data + other
    place = ours[a % len(ours)]
    return data[: place.start()] + theirs[b % len(theirs)] + data[place.end() :]


def _nest(data: bytes, other: bytes, a: int, b: int) -> bytes:
    """A value goes deep down, or the whole text does."""
    depth = _DEPTHS[b % len(_DEPTHS)]
    opening, closing = (b"[", b"]") if b // 8 % 2 else (b'{"x":', b"}")
    found = list(_SCALAR.finditer(data))
    start, end = (0, len(data))
    if found and a % 8:
        start, end = found[a % len(found)].span()
    middle = data[start:end] if b // 16 % 4 else b""
    return data[:start] + opening * depth + middle + closing * depth * (b // 64 % 4 > 0) + data[end:]


def _huge_number(data: bytes, other: bytes, a: int, b: int) -> bytes:
    found = list(_DIGITS.finditer(data))
    start, end = found[a % len(found)].span() if found else (a % len(data), a % len(data))
    return data[:start] + _NUMBERS[b % len(_NUMBERS)] + data[end:]


def _inserting(tokens: Sequence[bytes]) -> Mutation:
    def insert(data: bytes, other: bytes, a: int, b: int) -> bytes:
        places = [place.start() for place in _BOUNDARY.finditer(data)] or [0]
        at = places[a % len(places)] + b // len(tokens) % 2
        return data[:at] + tokens[b % len(tokens)] + data[at:]

    return insert


def _replacing(tokens: Sequence[bytes]) -> Mutation:
    def replace(data: bytes, other: bytes, a: int, b: int) -> bytes:
        found = list(_SCALAR.finditer(data)) or list(re.finditer(rb"\S+", data))
        if not found:
            return tokens[b % len(tokens)]
        place = found[a % len(found)]
        return data[: place.start()] + tokens[b % len(tokens)] + data[place.end() :]

    return replace


def _take_like(data: bytes, other: bytes, a: int, b: int) -> bytes:
    """A text becomes another text, a number another number: what was well formed stays so."""
    ours = list(_SCALAR.finditer(data))
    if not ours:
        return data
    place = ours[a % len(ours)]
    first = place[0][:1] == b'"'
    all_of_both = [*_SCALAR.findall(data), *_SCALAR.findall(other)]
    like = [each for each in all_of_both if (each[:1] == b'"') == first]
    return data[: place.start()] + like[b % len(like)] + data[place.end() :]


def _join(data: bytes, other: bytes, a: int, b: int) -> bytes:
    """A batch of both, as an array or as lines."""
    left, right = [data.strip().removeprefix(b"[").removesuffix(b"]"), other.strip()][:: 1 - 2 * (a % 2)]
    return b"[%b,%b]" % (left, right) if b % 2 else left + b"\n" + right


_OF_BYTES: tuple[Mutation, ...] = (_flip_bit, _set_byte, _truncate, _cut_out, _repeat, _splice)
_GENTLE: tuple[Mutation, ...] = (_take_like, _take_like, _take_like, _swap, _join, _huge_number)
_OF_JSON = (
    *_OF_BYTES,
    *_GENTLE,
    *(_take_value, _take_value, _nest, _huge_number),
    *(_inserting(_JSON_TOKENS), _inserting(_JSON_TOKENS), _replacing(_JSON_TOKENS), _replacing(_JSON_TOKENS)),
)
_OF_HTTP = (*_OF_BYTES, _swap, _huge_number, _inserting(_HTTP_TOKENS), _inserting(_HTTP_TOKENS))
_OF_CURSORS = (*_OF_BYTES, _huge_number, _inserting(_CURSOR_TOKENS), _replacing(_CURSOR_TOKENS))

_NUMBER = st.integers(0, 2**62 - 1)
_STEPS = st.lists(_NUMBER, max_size=4)
MUTATIONS = frozenset((*_OF_JSON, *_OF_HTTP, *_OF_CURSORS))
"""All of them."""

_CONTENT_TYPES = (b"application/json", b"application/x-ndjson", None, b"text/plain")


def mutated(data: bytes, others: Sequence[bytes], by: Sequence[Mutation], steps: Sequence[int]) -> bytes:
    """The bytes after some mutations, as long as there are any left and they are not too many."""
    for step in steps:
        if not data or len(data) > LARGEST_BYTES:
            break
        rest, which = divmod(step, len(by))
        rest, other = divmod(rest, len(others))
        data = by[which](data, others[other], *divmod(rest, 2**20))
    return data[:LARGEST_BYTES]


def _framing(number: int) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """How a body is sent, from the digits of a number: something of 0 to 15, sizes of chunks, cuts."""
    number, how = divmod(number, 16)
    number, chunks = divmod(number, 4)
    number, size = divmod(number, 2**20)
    sizes = ((), (1 + size % 9,), (1 + size % 70_000,), (1 + size % 9, 1 + size % 70_000))[chunks]
    return how, sizes, _cuts(number)


def _cuts(number: int) -> tuple[int, ...]:
    number, count = divmod(number, 4)
    return tuple(number // 2 ** (7 * place) % 2**20 for place in range(max(0, count - 1)))


# Seeds are drawn by their place and bound to the strategies, since hypothesis may print what it is given.


def _bodies(of: Sequence[PostedBody], by: Sequence[Mutation]) -> st.SearchStrategy[PostedBody]:
    """A mutated body, sometimes packed afterwards or sent as what it is not."""
    others = [seed.body for seed in of]

    def body_of(place: int, framing: int, steps: Sequence[int]) -> PostedBody:
        seed = of[place]
        body = mutated(seed.body, others, by, steps)
        encoding, content_type = seed.encoding, seed.content_type
        how, chunks, cuts = _framing(framing)
        if how > 11:
            content_type = _CONTENT_TYPES[how % 4]
        elif how == 11 and encoding is None:
            encoding, body = b"gzip", gzip.compress(body, compresslevel=1, mtime=0)
        elif how == 10 and encoding is None:
            encoding, body = b"zstd", zstd.compress(body)
        return PostedBody(body=body, content_type=content_type, encoding=encoding, chunks=chunks, cuts=cuts)

    return st.builds(body_of, _place(of), _NUMBER, _STEPS)


def _raw(of: Sequence[RawBytes]) -> st.SearchStrategy[RawBytes]:
    others = [seed.data for seed in of]

    def bytes_of(place: int, framing: int, steps: Sequence[int]) -> RawBytes:
        return RawBytes(data=mutated(of[place].data, others, _OF_HTTP, steps), cuts=_cuts(framing))

    return st.builds(bytes_of, _place(of), _NUMBER, _STEPS)


def _cursors(of: Sequence[Cursor]) -> st.SearchStrategy[Cursor]:
    all_lines, all_queries = [seed.lines for seed in of], [seed.query for seed in of]

    def cursor_of(place: int, steps: Sequence[int], of_query: Sequence[int]) -> Cursor:
        lines = mutated(of[place].lines, all_lines, _OF_CURSORS, steps)
        if lines and not lines.endswith(b"\r\n"):
            lines += b"\r\n"
        return Cursor(lines=lines, query=mutated(of[place].query, all_queries, _OF_CURSORS, of_query))

    return st.builds(cursor_of, _place(of), _STEPS, _STEPS)


def _place(of: Sequence[Input]) -> st.SearchStrategy[int]:
    return st.integers(0, len(of) - 1)


@functools.cache
def inputs() -> st.SearchStrategy[Input]:
    """Mutated inputs of all kinds; bodies most of all, since most of the code is behind them."""
    accepted, rejected = seeds.bodies(verdict="accepted"), seeds.bodies(verdict="rejected")
    return st.one_of(
        _bodies(accepted, _GENTLE),
        _bodies(accepted, _OF_JSON),
        _bodies([*rejected, *accepted], _OF_JSON),
        _bodies(seeds.packed(), _OF_BYTES),
        _raw(seeds.requests()),
        _raw(seeds.paths()),
        _raw(seeds.headers()),
        _cursors(seeds.cursors()),
    )
