"""When readers are swept: at once, together with what comes meanwhile, and never much later."""

import asyncio
import time

import pytest

from flow_server import sweeping
from flow_server.sweeping import IMPATIENT_SWEEPS, LONGEST_S, PATIENCE, Sweeper

from .real_server import until


class Sweeping:
    """A sweeper over sweeps that each take some time of a clock that nothing else moves."""

    def __init__(self, *, took_s: float = 0.0) -> None:
        self.now_s = 100.0
        self.under_way = 0
        self.sweeps = 0
        self.took_s = took_s
        self.sweeper = Sweeper(self._sweep, under_way=lambda: self.under_way, clock_s=lambda: self.now_s)

    def _sweep(self) -> None:
        self.sweeps += 1
        self.now_s += self.took_s

    async def put_off_s(self) -> float:
        """How long a sweep is put off by messages that never stop coming."""
        began_s, sweeps = self.now_s, self.sweeps
        self.sweeper.due()
        while self.sweeps == sweeps:
            self.sweeper.due()
            self.now_s += 0.001
            await turns(1)
        return self.now_s - self.took_s - began_s

    async def swept(self) -> None:
        """One message, swept with nothing else; from then on the sweeper knows how long a sweep takes."""
        self.sweeper.due()
        await turns(3)


async def turns(count: int) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_due_in_one_turn_is_one_sweep_in_the_next() -> None:
    one = Sweeping()
    for _ in range(5):
        one.sweeper.due()
    assert one.sweeps == 0
    await turns(1)
    assert one.sweeps == 1
    await turns(5)
    assert one.sweeps == 1


async def test_quick_sweeps_wait_for_nobody() -> None:
    one = Sweeping(took_s=0.0)
    await one.swept()
    one.under_way = 7
    one.sweeper.due()
    await turns(1)
    assert one.sweeps == 2


async def test_while_messages_come_a_sweep_lets_them_go_first() -> None:
    one = Sweeping(took_s=1.0)
    await one.swept()
    for _ in range(20):
        one.sweeper.due()
        await turns(1)
    assert one.sweeps == 1
    await turns(2)
    assert one.sweeps == 2


async def test_while_batches_arrive_at_the_store_a_sweep_lets_them_go_first() -> None:
    one = Sweeping(took_s=0.0015)  # too little to wait for what is under way, when nothing arrives
    await one.swept()
    one.sweeper.due()
    for _ in range(20):
        one.under_way += 1
        await turns(1)
    assert one.sweeps == 1
    await turns(2)
    assert one.sweeps == 2


async def test_messages_that_never_stop_coming_do_not_hold_a_sweep_up() -> None:
    one = Sweeping(took_s=0.1)
    await one.swept()
    assert await one.put_off_s() == pytest.approx(0.1 * PATIENCE, abs=0.002)


async def test_a_sweep_that_took_for_ever_does_not_put_the_next_off_as_long() -> None:
    one = Sweeping(took_s=60.0)
    await one.swept()
    assert await one.put_off_s() == pytest.approx(LONGEST_S, abs=0.002)


async def test_how_long_sweeps_take_is_learnt_from_each() -> None:
    one = Sweeping(took_s=0.1)
    await one.swept()
    one.took_s = 0.01
    await one.put_off_s()
    assert await one.put_off_s() == pytest.approx(0.01 * PATIENCE, abs=0.002)


async def test_what_is_due_is_swept_at_once_when_it_must_be_finished() -> None:
    one = Sweeping(took_s=0.1)
    await one.swept()
    one.under_way = 1
    one.sweeper.due()
    await turns(5)
    assert one.sweeps == 1
    one.sweeper.finish()
    assert one.sweeps == 2
    one.sweeper.due()
    one.sweeper.finish()
    assert one.sweeps == 3
    one.sweeper.finish()
    await turns(5)
    await asyncio.sleep(0.06)  # longer than it would have waited
    assert one.sweeps == 3, "nothing is due"


async def test_a_sweep_waits_for_what_is_about_to_land() -> None:
    one = Sweeping(took_s=0.1)
    await one.swept()
    one.under_way = 3
    one.sweeper.due()
    await turns(20)
    assert one.sweeps == 1, "three batches are under way, and a sweep is long"
    one.under_way = 0
    one.sweeper.due()  # they landed
    await turns(3)
    assert one.sweeps == 2
    await asyncio.sleep(0.06)  # until the wait would have been over
    assert one.sweeps == 2, "one sweep for all of them"


async def test_a_landing_of_some_goes_on_waiting_for_the_others() -> None:
    one = Sweeping(took_s=20.0)
    await one.swept()
    one.under_way = 2
    one.sweeper.due()
    await turns(5)
    one.under_way = 1
    one.sweeper.due()
    await turns(20)
    assert one.sweeps == 1
    one.under_way = 0
    one.sweeper.due()
    await turns(3)
    assert one.sweeps == 2


async def test_a_sweep_that_waits_in_vain_is_late_by_a_part_of_the_last_and_the_next_do_not_wait() -> None:
    one = Sweeping(took_s=0.02)
    await one.swept()
    one.under_way = 1  # for ever
    one.sweeper.due()
    began_s = time.monotonic()
    await until(lambda: one.sweeps == 2)
    assert time.monotonic() - began_s >= PATIENCE * 0.02 - 0.002
    for sweeps in range(3, 3 + IMPATIENT_SWEEPS):
        one.sweeper.due()
        await turns(3)
        assert one.sweeps == sweeps
    one.sweeper.due()
    await turns(3)
    assert one.sweeps == 2 + IMPATIENT_SWEEPS, "after those it waits again"
    await until(lambda: one.sweeps == 3 + IMPATIENT_SWEEPS)


async def test_a_wait_below_what_timers_count_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Sweeping(took_s=20.0)
    await one.swept()
    monkeypatch.setattr(sweeping, "LEAST_WAIT_S", 11.0)
    one.under_way = 1
    one.sweeper.due()
    await turns(3)
    assert one.sweeps == 2
