"""Reads the `Retry-After` header (RFC 9110, 10.2.3): seconds, or a date against the clock given."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_s(header: str | None, *, now: datetime) -> float:
    """How long the other side asks to wait, in seconds; 0 when it does not say, or not in a way to read."""
    if header is None:
        return 0.0
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return 0.0
    wait_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    return max(wait_s, 0.0) if math.isfinite(wait_s) else 0.0
