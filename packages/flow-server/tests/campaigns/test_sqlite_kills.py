"""The campaign of `sqlite_kills.py`, as short as it may be; longer ones are run by hand."""

from pathlib import Path

import pytest

from .sqlite_kills import campaign

KILLS = 50


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_kills_lose_double_and_reorder_nothing_that_was_acknowledged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await campaign(kills=KILLS, seed=20261124, folder=tmp_path)
    with capsys.disabled():
        print(f"\n{outcome.told()}")
    assert not outcome.findings, "\n".join(map(str, outcome.findings[:20]))
    assert outcome.kills == KILLS
    assert outcome.acknowledged > KILLS, "nothing was tried"
    assert len(outcome.epochs) == 1, "the state was never lost"
