"""Rings in a graph of dependencies: who waits for itself, and through whom."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def ring_through(start: K, successors: Callable[[K], Iterable[K]]) -> tuple[K, ...]:
    """The shortest ring through `start`, beginning with it, not repeating it at the end; `()`: there is none.

    Of several equally short ones it is the first in the order that `successors` gives.
    """
    came_from: dict[K, K] = {}
    waiting: deque[K] = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in successors(here):
            if there == start:
                return _path(start, here, came_from)
            if there not in came_from:
                came_from[there] = here
                waiting.append(there)
    return ()


def reachable(start: K, successors: Callable[[K], Iterable[K]]) -> set[K]:
    """What can be reached from `start` in at least one step."""
    reached: set[K] = set()
    waiting = [start]
    while waiting:
        for there in successors(waiting.pop()):
            if there not in reached:
                reached.add(there)
                waiting.append(there)
    return reached


def _path(start: K, end: K, came_from: dict[K, K]) -> tuple[K, ...]:
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return tuple(reversed(path))
