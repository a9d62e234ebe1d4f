"""What a `Last-Event-ID` says. Source: the contract, "The stream"."""

from flow_contract import UNSAFE_INTEGER

_DIGITS = frozenset("0123456789")


def cursor_of(last_event_id: str | None) -> int | None:
    """The sequence that a reader has seen last; `None` when it says nothing or nothing that can be read.

    Only decimal digits are a sequence, at most 16 of them, at least 1 and below 2^53.
    """
    if not last_event_id or len(last_event_id) > 16 or not _DIGITS.issuperset(last_event_id):
        return None
    sequence = int(last_event_id)
    return sequence if 0 < sequence < UNSAFE_INTEGER else None
