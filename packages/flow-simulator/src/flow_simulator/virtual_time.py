"""An event loop whose time jumps: real sockets inside one process, and no waiting.

When nothing is ready to be read or written, the clock goes to the next timer at once. Only for programs whose
both ends run in this loop; what comes from another process would seem to take no time, or all of it.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

SETTLE_S = 0.001
"""Real seconds to wait for bytes on their way through the kernel before time jumps."""


ROUND_S = 1e-8
"""Virtual seconds that one round of the loop takes."""
IDLE_FILES = 2
"""The loop's own wake-up pipe and one listening socket: with no more than these nothing is on its way."""


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that reports how long it would have waited instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.jumped_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # As in reality every round takes a moment; who waits for almost nothing would else wait for ever.
        self.jumped_s += ROUND_S
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return super().select(None)
        if len(self.get_map()) > IDLE_FILES:
            ready = super().select(min(SETTLE_S, timeout))
        if not ready:
            self.jumped_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop; `time()` starts at 0 and moves only when everybody waits."""

    def __init__(self) -> None:
        """A loop of its own selector."""
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.jumped_s


def run_in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop of its own, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
