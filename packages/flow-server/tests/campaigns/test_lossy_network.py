"""The campaign of `lossy_network.py`, as short as it may be; longer ones are run by hand."""

from pathlib import Path

import pytest

from .lossy_network import campaign

SECONDS = 7.0
READERS = 50


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", ["sqlite", "memory"])
async def test_readers_behind_a_lossy_network_come_to_what_the_server_has(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await campaign(store=store, seconds=SECONDS, readers=READERS, seed=20261124, folder=tmp_path)
    with capsys.disabled():
        print(f"\n{outcome.told()}")
    assert not outcome.findings, "\n".join(map(str, outcome.findings[:20]))
    assert len(outcome.faults) >= 5, "not all kinds were tried"
    assert outcome.resumes > READERS, "no reader was thrown off"
