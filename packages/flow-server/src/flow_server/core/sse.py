"""The bytes of server-sent events. Source: the contract, "The stream"; WHATWG HTML, "Server-sent events".

A frame is `event`, `id`, `data`, in this order, each on a line that ends in LF. Nothing that a client wrote
reaches the first two lines, and JSON escapes every CR and LF, so no frame can be broken from outside.
"""

HEARTBEAT = b"event: heartbeat\ndata: {}\n\n"
"""Sent after a silence; no id, so a reader's cursor stays."""


def frame(*, event: bytes, data: bytes, sequence: int | None = None) -> bytes:
    """One frame around `data`, a message's JSON on one line; without a sequence it has no `id`."""
    if sequence is None:
        return b"event: %b\ndata: %b\n\n" % (event, data)
    return b"event: %b\nid: %d\ndata: %b\n\n" % (event, sequence, data)


def retry(*, delay_ms: int) -> bytes:
    """What tells a reader to come back after this many milliseconds."""
    return b"retry: %d\n\n" % delay_ms
