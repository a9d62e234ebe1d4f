"""The campaign of `slow_readers.py`, as short as it may be; longer ones are run by hand."""

from pathlib import Path

import pytest

from .slow_readers import campaign

READERS = 100
GROWN_KIB = 180
"""Five times of what the server's memory grew by for each of them (36 KiB); the figure wanted is 512."""


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_readers_that_read_nothing_cost_little_and_lose_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await campaign(
        store="memory", readers=READERS, seconds=3.0, rounds=1, seed=20261124, folder=tmp_path
    )
    with capsys.disabled():
        print(f"\n{outcome.told()}")
    assert not outcome.problems, "\n".join(outcome.problems[:20])
    assert not outcome.findings, "\n".join(map(str, outcome.findings[:20]))
    assert max(outcome.grown_kib) <= GROWN_KIB
    assert outcome.ways.total() == READERS
    assert outcome.resynced > READERS / 2, "they did not fall behind"
    assert outcome.replayed > READERS / 10, "hardly anybody came back within the ring"
