"""The campaign of `server_stops.py`, as short as it may be; longer ones are run by hand."""

import asyncio
from pathlib import Path

import pytest

from .server_stops import campaign

STOPS = 25
"""Of each store, at the same time."""


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_a_stop_signal_loses_no_answer_cuts_no_frame_and_ends_in_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stores = ("sqlite", "memory")
    for store in stores:
        (tmp_path / store).mkdir()
    outcomes = await asyncio.gather(
        *[campaign(store=store, stops=STOPS, seed=20261124, folder=tmp_path / store) for store in stores]
    )
    with capsys.disabled():
        print("\n" + "\n".join(outcome.told() for outcome in outcomes))
    problems = [problem for outcome in outcomes for problem in outcome.wrong(STOPS)]
    assert not problems, "\n".join(problems[:20])
