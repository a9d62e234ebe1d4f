"""Flux's messages as they may stand on the wire: short, and the same as long as they mean the same."""

import re

MESSAGE_LIMIT = 400
"""Longest message in `meta`, in characters; the whole one is a `kubectl describe` away."""

_DURATION = re.compile(r"\b(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+\b")
_CALLER_PORT = re.compile(r"(?<=[\d\]]):\d{1,5}(?=->)")
_SPACE = re.compile(r"\s+")


def worded(message: str) -> str:
    """The message on one line, without durations and callers' ports, which differ from try to try."""
    plain = _SPACE.sub(" ", _CALLER_PORT.sub("", _DURATION.sub("…", message))).strip()
    return plain if len(plain) <= MESSAGE_LIMIT else plain[: MESSAGE_LIMIT - 1] + "…"
