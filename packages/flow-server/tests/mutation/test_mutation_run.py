"""The mutation run, as short as it may be; `scripts/fuzz` runs it for as long as it is told."""

from pathlib import Path

import pytest

from .campaign import STORES, campaign
from .inputs import Cursor, Failing, PostedBody, RawBytes, keep_inputs, kept_inputs

INPUTS = 1_000
"""For each store."""


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_no_mutated_input_does_any_harm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = await campaign(seed=20261124, folder=tmp_path, inputs_per_store=INPUTS)
    with capsys.disabled():
        print(f"\n{outcome.told()}")
    assert not outcome.findings, "\n".join(outcome.findings)
    # Fewer when hypothesis has drawn one twice.
    assert all(outcome.inputs[store] > INPUTS / 2 for store in STORES)
    for tried in ("PostedBody 200", "PostedBody 400", "RawBytes 200", "RawBytes 400", "Cursor 200"):
        assert outcome.answers[tried] > INPUTS / 100, f"{tried} was hardly tried"
    assert outcome.health_ms


def test_a_failing_input_is_kept_as_it_is_and_forgotten_when_it_fails_no_more(tmp_path: Path) -> None:
    path = tmp_path / "new" / "failing.jsonl"
    failing = [
        Failing(store="memory", problem="a", seed=1, input=RawBytes(data=bytes(range(256)), cuts=(5, 7))),
        Failing(
            store="memory",
            problem="b",
            seed=2,
            before=(RawBytes(data=b"GET"), Cursor(lines=b"")),
            input=PostedBody(body=b"\xff\n", chunks=(3,)),
        ),
        Failing(store="sqlite", problem="c\n", seed=3, input=Cursor(lines=b"x: \xff\r\n", query=b"?a")),
    ]
    assert kept_inputs(path) == []
    keep_inputs(path, failing)
    assert kept_inputs(path) == failing
    keep_inputs(path, [])
    assert not path.exists()


async def test_what_an_earlier_run_kept_is_sent_first(tmp_path: Path) -> None:
    harmless = PostedBody(body=b"[", content_type=b"application/json")
    kept = [Failing(store=store, problem="fixed since", seed=1, input=harmless) for store in STORES]
    outcome = await campaign(seed=1, folder=tmp_path, inputs_per_store=0, kept=kept)
    assert outcome.inputs == dict.fromkeys(STORES, 1)
    assert outcome.answers == {"PostedBody 400": 2}
    assert not outcome.findings
