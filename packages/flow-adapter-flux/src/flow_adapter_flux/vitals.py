"""When something was last heard, on a clock of the caller's."""

from collections.abc import Callable


class Vitals:
    """A sign of life and its age, in seconds; it counts as heard when it is made."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin now."""
        self._clock = clock
        self._heard = clock()

    def sign(self) -> None:
        """Something was heard just now."""
        self._heard = self._clock()

    def age_s(self) -> float:
        """Seconds since something was last heard."""
        return self._clock() - self._heard
