"""The campaign of `nats_faults.py`, as short as it may be; longer ones are run by hand."""

from pathlib import Path

import pytest

from .nats_faults import campaign

FAULTS = 32
LONGEST_S = 2.0


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_under_faults_nothing_acknowledged_is_lost_doubled_or_reordered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await campaign(faults=FAULTS, seed=20261124, folder=tmp_path, longest_s=LONGEST_S)
    with capsys.disabled():
        print(f"\n{outcome.told()}")
    assert not outcome.findings, "\n".join(map(str, outcome.findings[:20]))
    assert outcome.is_clean, outcome.told()
    assert sum(outcome.faults.values()) == FAULTS
    assert outcome.acknowledged > FAULTS, "nothing was tried"
    assert outcome.resumes > FAULTS, "no reader hopped"
