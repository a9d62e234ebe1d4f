"""JSON as a Kubernetes API writes it: sorted keys, and Go's escapes.

U+2028, U+2029, `<`, `>` and `&` are escaped; U+0085 is not, and a reader that splits lines on it breaks.
"""

import msgspec

_ENCODER = msgspec.json.Encoder(order="deterministic")
_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def encoded(value: object) -> bytes:
    """One JSON value, no line feed in it."""
    line = _ENCODER.encode(value)
    for plain, escape in _ESCAPES:
        if plain in line:
            line = line.replace(plain, escape)
    return line
