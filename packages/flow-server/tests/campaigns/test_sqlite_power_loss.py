"""The campaign of `sqlite_power_loss.py`, as short as it may be; longer ones are run by hand."""

from pathlib import Path

import pytest

from .sqlite_power_loss import campaign

CUTS = 200
MESSAGES = 250
"""Of each writer; those of one moment share a sync."""


@pytest.mark.long
async def test_what_was_acknowledged_survives_a_cut_at_every_sync(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await campaign(messages=MESSAGES, cuts=CUTS, seed=20261124, folder=tmp_path)
    with capsys.disabled():
        print(f"\n{outcome.told()}")
    assert not outcome.lost, "\n".join(outcome.lost[:20])
    assert outcome.cuts >= CUTS
    assert outcome.acknowledged == 2 * MESSAGES
