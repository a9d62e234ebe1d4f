"""A package's version is one number: in pyproject.toml, changelog, chart, bootstrap slot and release tag."""

import shutil
from pathlib import Path

import pytest
import yaml

from release_version import CHARTS, REPOSITORY, disagreements, version_of

SLOTS = {
    "flow-server": "56-bp-openova-flow-server.yaml",
    "flow-adapter-flux": "57-bp-openova-flow-emitter.yaml",
}
VALUES = {"flow-server": "flowServer", "flow-adapter-flux": "flowEmitter"}


@pytest.mark.parametrize("package", CHARTS)
def test_everything_that_names_a_packages_version_names_the_same(package: str) -> None:
    assert disagreements(package, tag=f"{package}-v{version_of(package)}") == []


@pytest.mark.parametrize("package", SLOTS)
def test_a_bootstrap_slot_installs_the_chart_and_the_image_that_are_here(package: str) -> None:
    chart = yaml.safe_load(REPOSITORY.joinpath(CHARTS[package] or "", "Chart.yaml").read_text())
    slot = REPOSITORY / "platform/bootstrap-kit" / SLOTS[package]
    (release,) = [found for found in yaml.safe_load_all(slot.read_text()) if found["kind"] == "HelmRelease"]
    assert release["spec"]["chart"]["spec"]["chart"] == chart["name"]
    assert release["spec"]["chart"]["spec"]["version"] == chart["version"]
    assert release["spec"]["values"][VALUES[package]]["image"]["tag"] == version_of(package)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the versions are read from, for a test to spoil."""
    for name in (
        "packages/flow-server/pyproject.toml",
        "packages/flow-server/CHANGELOG.md",
        "platform/openova-flow-server/chart/Chart.yaml",
    ):
        tmp_path.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    return tmp_path


def _spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_tag_of_another_version_or_package_is_refused(copy: Path) -> None:
    version = version_of("flow-server", copy)
    for tag in (
        "flow-server-v99.0.0",
        f"flow-contract-v{version}",
        f"v{version}",
        f"flow-server-{version}",
        "",
    ):
        expected = [f"the tag is {tag}, expected flow-server-v{version}"]
        assert disagreements("flow-server", tag=tag, repository=copy) == expected


def test_a_chart_of_another_version_is_found(copy: Path) -> None:
    version = version_of("flow-server", copy)
    chart = copy / "platform/openova-flow-server/chart/Chart.yaml"
    _spoil(chart, f"appVersion: {version}", "appVersion: 99.0.0")
    (problem,) = disagreements("flow-server", repository=copy)
    assert (
        problem
        == f"appVersion in platform/openova-flow-server/chart/Chart.yaml is 99.0.0, expected {version}"
    )


def test_a_changelog_without_the_version_is_found(copy: Path) -> None:
    version = version_of("flow-server", copy)
    _spoil(copy / "packages/flow-server/CHANGELOG.md", version, "99.0.0")
    (problem,) = disagreements("flow-server", repository=copy)
    assert problem == f"packages/flow-server/CHANGELOG.md has no section for {version}"
