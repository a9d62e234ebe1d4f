"""A token bucket: so many a second on average, a second's worth at once. Time is given, in seconds."""


class Bucket:
    """Holds up to a second's worth; full at the start."""

    __slots__ = ("_at_s", "_left", "_per_s")

    def __init__(self, *, per_s: float, now_s: float) -> None:
        """`per_s` come back each second."""
        self._per_s = per_s
        self._left = per_s
        self._at_s = now_s

    def take(self, count: int, *, now_s: float) -> float:
        """Take some; 0 when that is fine, else after how many seconds it will be.

        More than a second's worth at once is let through when the bucket is full, and has to be made up for.
        """
        self._left = min(self._per_s, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        needed = min(count, self._per_s)
        if self._left < needed:
            return (needed - self._left) / self._per_s
        self._left -= count
        return 0.0
