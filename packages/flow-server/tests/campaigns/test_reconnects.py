"""The campaign of `reconnects.py`, as short as it may be; longer ones are run by hand."""

from pathlib import Path

import pytest

from .reconnects import campaign

RECONNECTS = 5_000


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", ["sqlite", "memory"])
async def test_whatever_the_cursor_a_reader_gets_exactly_what_came_after_it(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await campaign(store=store, reconnects=RECONNECTS, seed=20261124, folder=tmp_path)
    with capsys.disabled():
        print(f"\n{outcome.told()}")
    assert not outcome.findings, "\n".join(map(str, outcome.findings[:20]))
    assert outcome.reconnects == RECONNECTS
    assert min(outcome.replayed, outcome.resynced) > RECONNECTS / 10, "not all ways were tried"
