"""What an image's bill of materials lists, and what not."""

import pytest

from .bill_of_materials import bill_of_materials


@pytest.mark.parametrize(
    ("package", "ships"),
    [("flow-server", {"litestar", "uvicorn", "nats-py"}), ("flow-adapter-flux", {"lightkube", "httpx"})],
)
def test_it_lists_what_the_service_ships_and_no_tool_of_ours(package: str, ships: set[str]) -> None:
    names = {component.name for component in bill_of_materials(package)}
    assert {package, "flow-contract", *ships} <= names
    assert not names & {"pytest", "ruff", "pyright", "flow-simulator"}
