"""When an audience is swept.

A sweep writes to every reader, and costs nearly the same for one message as for fifty. Writers that wait for
their answers can fall into turns, each with its messages while the others' are swept, and then every turn has
a sweep of its own. So a sweep is put off for a part of what the last one took while messages keep coming: the
first of them are late by that part at most, and all of them are early by the sweeps that are spared.
"""

import asyncio
from collections.abc import Callable

PATIENCE = 0.5
"""How long a sweep may be put off, in times of what the last one took."""

LONGEST_S = 0.1
"""How long a sweep may be put off at most, in seconds: one that a frozen machine drew out says nothing."""

LEAST_WAIT_S = 0.001
"""Less time than this is not waited with nothing to do: timers do not count finer."""

IMPATIENT_SWEEPS = 2
"""So many sweeps do not wait after one that has waited in vain: a slow store is not worth it."""


class Sweeper:
    """Calls `sweep`, once for what was `due` within a turn of the event loop or, when it pays, a little more.

    While requests come, they go first; so the store has their messages under way during the sweep. When none
    come, but some are under way and may land soon, they are waited for.
    """

    __slots__ = (
        "_clock_s",
        "_coming",
        "_impatient",
        "_is_due",
        "_latest_s",
        "_stirred",
        "_sweep",
        "_timer",
        "_took_s",
        "_under_way",
    )

    def __init__(
        self, sweep: Callable[[], None], *, under_way: Callable[[], int], clock_s: Callable[[], float]
    ) -> None:
        """`under_way` says how many batches are on their way into the flow's log."""
        self._sweep = sweep
        self._under_way = under_way
        self._clock_s = clock_s
        self._is_due = False
        self._latest_s = 0.0
        self._took_s = 0.0
        self._coming = 0
        self._stirred = False  # something was due since the last look
        self._impatient = 0
        self._timer: asyncio.TimerHandle | None = None

    def due(self) -> None:
        """There is something to be swept."""
        self._stirred = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif self._is_due:
            return
        else:
            self._is_due = True
            self._coming = self._under_way()
            self._latest_s = self._clock_s() + min(self._took_s * PATIENCE, LONGEST_S)
        # Not at once: all batches of this turn of the loop are one sweep, and one write a reader.
        asyncio.get_running_loop().call_soon(self._sweep_or_wait)

    def finish(self) -> None:
        """Sweep now, if something is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_due:
            self._sweep_now()

    def _sweep_or_wait(self) -> None:
        if not self._is_due:
            return  # finished meanwhile
        left_s = self._latest_s - self._clock_s()
        if left_s > 0:
            coming = self._under_way()
            stirred = self._stirred or coming > self._coming
            self._stirred, self._coming = False, coming
            if stirred:
                asyncio.get_running_loop().call_soon(self._sweep_or_wait)
                return
            if coming and left_s >= LEAST_WAIT_S and not self._impatient:
                self._timer = asyncio.get_running_loop().call_later(left_s, self._sweep_in_vain)
                return
        self._impatient = max(0, self._impatient - 1)
        self._sweep_now()

    def _sweep_in_vain(self) -> None:
        self._timer = None
        self._impatient = IMPATIENT_SWEEPS
        self._sweep_now()

    def _sweep_now(self) -> None:
        self._is_due = False
        began_s = self._clock_s()
        self._sweep()
        self._took_s = self._clock_s() - began_s
