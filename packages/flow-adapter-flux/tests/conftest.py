"""What the tests share: hypothesis without deadlines, and a region to start."""

import functools
from pathlib import Path

import pytest
from hypothesis import settings

from .region import Start, region

settings.register_profile("flow-adapter-flux", deadline=None)  # a busy machine is no bug
settings.load_profile("flow-adapter-flux")


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts a region: `async with start(emit_interval_s=1.0) as world`."""
    return functools.partial(region, tmp_path, monkeypatch)
