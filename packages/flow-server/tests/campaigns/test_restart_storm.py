"""The campaign of `restart_storm.py`, as short as it may be; longer ones are run by hand."""

from pathlib import Path

import pytest

from .restart_storm import campaign

READERS = 200


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_readers_of_a_restarted_server_do_not_come_back_in_the_same_instant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await campaign(store="sqlite", readers=READERS, restarts=1, seed=20261124, folder=tmp_path)
    with capsys.disabled():
        print(f"\n{outcome.told()}")
    assert not outcome.wrong(), "\n".join(outcome.wrong()[:20])
    assert len(outcome.storms) == 1
    assert outcome.frames > READERS * 2
