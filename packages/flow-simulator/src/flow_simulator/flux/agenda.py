"""Virtual time: what is to happen when, and what is written as it happens. Pure."""

import heapq
from collections.abc import Callable

from flow_simulator.flux.writes import Write


class Agenda:
    """A queue of events; those at the same moment happen in the order in which they were put down."""

    def __init__(self, *, stamp: Callable[[float], str]) -> None:
        """`stamp` writes a moment as the API does (`2026-11-24T07:28:19Z`); it is asked as time passes."""
        self.now_s = 0.0
        self._stamp = stamp
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._writes: list[Write] = []

    def at(self, moment_s: float, do: Callable[[], None]) -> None:
        """Put an event down for a moment."""
        self._order += 1
        heapq.heappush(self._events, (moment_s, self._order, do))

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Put an event down for later."""
        self.at(self.now_s + seconds, do)

    def time(self) -> str:
        """Now, as the API writes it."""
        return self._stamp(self.now_s)

    def write(self, write: Write) -> None:
        """Note something that is written now."""
        self._writes.append(write)

    def next_at_s(self) -> float | None:
        """When the next thing happens."""
        return self._events[0][0] if self._events else None

    def run_until(self, moment_s: float) -> list[Write]:
        """Let time pass up to and including a moment; the writes that were made, oldest first."""
        while self._events and self._events[0][0] <= moment_s:
            self.now_s, _, do = heapq.heappop(self._events)
            do()
        self.now_s = max(self.now_s, moment_s)
        writes, self._writes = self._writes, []
        return writes
