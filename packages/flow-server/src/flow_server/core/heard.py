"""When each emitter of a flow was last heard."""

from collections.abc import Iterator

EMITTERS = 256
"""How many emitters a flow remembers; the one not heard for longest goes."""


class LastHeard:
    """Emitter name -> Unix milliseconds, the latest last."""

    def __init__(self) -> None:
        """Nobody heard yet."""
        self._at_ms: dict[str, int] = {}

    def note(self, emitter: str, *, at_ms: int) -> None:
        """Remember a sign of life; an earlier time than the one remembered changes nothing."""
        at_ms = max(at_ms, self._at_ms.pop(emitter, 0))
        self._at_ms[emitter] = at_ms
        if len(self._at_ms) > EMITTERS:
            del self._at_ms[next(iter(self._at_ms))]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Names and times, by name."""
        return iter(sorted(self._at_ms.items()))
