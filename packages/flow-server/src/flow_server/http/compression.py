"""Which encoding a client takes, and bytes in it. Source: RFC 9110, section 12.5.3."""

import gzip
import sys
from collections.abc import Callable, Mapping

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "zstd": lambda plain: zstd.compress(plain, 3),
    "gzip": lambda plain: gzip.compress(plain, 1, mtime=0),
}
"""What we can encode, the best first; levels that cost less time than they save on a local network."""


def accepted_encoding(accept_encoding: str | None) -> str | None:
    """The best of `ENCODERS` that an `Accept-Encoding` header allows; `None`: send it as it is."""
    weights: dict[str, float] = {}
    for part in (accept_encoding or "").lower().split(","):
        coding, *parameters = (word.strip() for word in part.split(";"))
        weights[coding] = _weight(parameters)
    usable = [name for name in ENCODERS if weights.get(name, weights.get("*", 0.0)) > 0]
    return max(usable, key=lambda name: weights.get(name, weights.get("*", 0.0)), default=None)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
