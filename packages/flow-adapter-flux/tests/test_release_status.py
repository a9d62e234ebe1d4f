import pytest

from flow_adapter_flux.core.release_status import is_outdated, is_ready, release_status

from .objects import (
    FAILED,
    READY,
    RECONCILING,
    RETRYING,
    RUNNING,
    STALLED,
    UNDONE,
    Json,
    condition,
    not_ready,
    release,
)

ROWS: list[tuple[str, list[Json], str]] = [
    ("created", [], "pending"),
    ("picked up", [RECONCILING], "pending"),
    ("dependency missing", [not_ready("b"), RECONCILING], "running"),
    ("chart not pulled", [condition("Ready", "False", "SourceNotReady"), RECONCILING], "running"),
    ("Helm starts", [RUNNING, RECONCILING], "running"),
    ("Helm done, first write", [READY, RECONCILING, condition("Released", "True", "")], "succeeded"),
    ("Helm done, second write", [READY, condition("Released", "True", "")], "succeeded"),
    ("tests run", [condition("Ready", "Unknown", "AwaitingTests")], "running"),
    ("tests failed", [condition("Ready", "False", "TestFailed")], "running"),
    ("tests failed for good", [condition("Ready", "False", "TestFailed"), STALLED], "failed"),
    ("install failed", [FAILED, condition("Released", "False", "InstallFailed")], "failed"),
    ("upgrade failed", [condition("Ready", "False", "UpgradeFailed")], "failed"),
    ("the contract's word for retries", [condition("Ready", "False", "RetriesExhausted")], "failed"),
    ("undone", [UNDONE, RETRYING], "running"),
    ("out of retries", [FAILED, STALLED], "failed"),
    (
        "out of retries after a rollback",
        [condition("Ready", "False", "RollbackSucceeded"), STALLED],
        "failed",
    ),
    ("stalled, then a dependency flapped", [condition("Ready", "Unknown", "Progressing"), STALLED], "failed"),
    ("stalled with Ready true", [READY, STALLED], "succeeded"),
    ("stalled without Ready", [STALLED], "pending"),
    ("Stalled is False", [condition("Ready", "False", "X"), condition("Stalled", "False", "")], "running"),
    ("a reason nobody knows", [condition("Ready", "False", "SomethingNew")], "running"),
    ("a status in lower case", [condition("Ready", "true", "InstallSucceeded")], "running"),
    ("two Ready conditions, the first counts", [READY, FAILED], "succeeded"),
]


@pytest.mark.parametrize(("conditions", "status"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_row_of_a_release_s_life_has_its_status(conditions: list[Json], status: str) -> None:
    assert release_status(release("a", conditions=conditions)) == status


def test_ready_for_dependents_only_when_the_newest_generation_was_seen() -> None:
    assert is_ready(release("a", conditions=[READY], generation=2, observed=2))
    assert not is_ready(release("a", conditions=[READY], generation=2, observed=1))
    assert not is_ready(release("a", conditions=[FAILED], generation=1, observed=1))
    assert not is_ready(release("a"))


def test_outdated_is_about_generations_and_never_about_reconciling() -> None:
    assert is_outdated(release("a", conditions=[READY], generation=2, observed=1))
    assert not is_outdated(release("a", conditions=[READY, RECONCILING], generation=1, observed=1))
    assert not is_outdated(release("a", conditions=[FAILED], generation=2, observed=1))
