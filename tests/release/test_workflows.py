"""The workflows: what starts them, what they may run, and that a release touches its own package alone."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from release_version import CHARTS, REPOSITORY

WORKFLOWS = sorted(REPOSITORY.glob(".github/workflows/*.yml"))
SERVICES = [package for package, chart in CHARTS.items() if chart]
VALUES = {"flow-server": "flowServer", "flow-adapter-flux": "flowEmitter"}
CALLERS = [("package", package) for package in CHARTS] + [("image", package) for package in SERVICES]
_USES = re.compile(r"uses: (?P<action>[^@\s]+)(?:@(?P<ref>\S+))?(?: # (?P<note>.+))?$", re.MULTILINE)


def _load(path: Path) -> dict[str, Any]:
    # BaseLoader, because YAML 1.1 would make True of the key `on`.
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)


def _caller(kind: str, package: str) -> dict[str, Any]:
    return _load(REPOSITORY / f".github/workflows/{kind}-{package}.yml")


def _matches(pattern: str, tag: str) -> bool:
    """GitHub's filter patterns, as far as they are used here: `[0-9]`, `+` and `*`."""
    return re.fullmatch(pattern.replace(".", r"\.").replace("*", "[^/]*"), tag) is not None


def test_every_foreign_action_is_pinned_by_its_commit_and_says_which_version_that_is() -> None:
    pins: dict[str, set[tuple[str, str]]] = {}
    for path in WORKFLOWS:
        for use in _USES.finditer(path.read_text()):
            if not use["action"].startswith("$/"):
                assert re.fullmatch(r"[0-9a-f]{40}", use["ref"] or ""), f"{path.name}: {use[0]}"
                assert re.fullmatch(r"v\d+\.\d+\.\d+", use["note"] or ""), f"{path.name}: {use[0]}"
                pins.setdefault(use["action"], set()).add((use["ref"], use["note"]))
    assert pins
    assert {action: pinned for action, pinned in pins.items() if len(pinned) > 1} == {}


@pytest.mark.parametrize(("kind", "package"), CALLERS)
def test_a_release_is_started_by_its_own_tags_only(kind: str, package: str) -> None:
    (pattern,) = _caller(kind, package)["on"]["push"]["tags"]
    assert _matches(pattern, f"{package}-v1.2.3")
    assert _matches(pattern, f"{package}-v10.0.0-rc.1")
    for other in (
        f"{package}-v1",
        f"{package}-1.2.3",
        "v1.2.3",
        *(f"{name}-v1.2.3" for name in CHARTS if name != package),
    ):
        assert not _matches(pattern, other), other


@pytest.mark.parametrize(("kind", "package"), CALLERS)
def test_only_its_own_package_the_contract_and_the_lock_concern_a_release(kind: str, package: str) -> None:
    paths = set(_caller(kind, package)["on"]["pull_request"]["paths"])
    own = {f"packages/{package}/**", "packages/flow-contract/**", "uv.lock"}
    assert paths == (own | {".dockerignore"} if kind == "image" else own)


@pytest.mark.parametrize(("kind", "package"), CALLERS)
def test_a_caller_hands_over_its_own_package(kind: str, package: str) -> None:
    job = _caller(kind, package)["jobs"][kind]
    assert job["uses"] == f"$/.github/workflows/{kind}.yml"
    assert job["with"]["package"] == package


@pytest.mark.parametrize("package", CHARTS)
def test_a_package_is_published_by_the_workflow_that_its_tag_starts(package: str) -> None:
    # The index does not trust a workflow that is called by another, whatever is registered there.
    called = _load(REPOSITORY / ".github/workflows/package.yml")["jobs"]["build"]
    publish = _caller("package", package)["jobs"]["publish"]
    assert publish["needs"] == "package"
    assert publish["if"] == "github.ref_type == 'tag'"
    assert publish["permissions"] == {"id-token": "write"}
    (fetched,) = [step["with"] for step in publish["steps"] if "download-artifact" in step.get("uses", "")]
    (kept,) = [step["with"] for step in called["steps"] if "upload-artifact" in step.get("uses", "")]
    assert fetched["name"] == kept["name"].replace("${{ inputs.package }}", package)


def test_a_package_is_tested_before_it_is_built() -> None:
    steps = _load(REPOSITORY / ".github/workflows/package.yml")["jobs"]["build"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    (test,) = [place for place, run in enumerate(runs) if "pytest" in run]
    (build,) = [place for place, run in enumerate(runs) if "uv build" in run]
    assert test < build


def test_every_workflow_takes_the_same_uv() -> None:
    texts = [path.read_text() for path in WORKFLOWS]
    versions = re.findall(r"UV_VERSION: ([\d.]+)", "".join(texts))
    versions += re.findall(r"setup-uv@.*\n +with:\n +version: ([\d.]+)", "".join(texts))
    assert len(versions) == 2 + len(CHARTS)
    assert len(set(versions)) == 1


@pytest.mark.parametrize("package", SERVICES)
def test_an_image_is_pushed_where_its_chart_pulls_it(package: str) -> None:
    (job,) = _caller("image", package)["jobs"].values()
    given = job["with"]
    assert f"platform/{given['chart']}/chart" == CHARTS[package]
    values = _load(REPOSITORY / "platform" / given["chart"] / "chart/values.yaml")
    image: dict[str, str] = values[VALUES[package]]["image"]
    assert image["repository"] == given["image"]
    pushed = _load(REPOSITORY / ".github/workflows/image.yml")["jobs"]["image"]["env"]["IMAGE"]
    assert pushed.startswith("ghcr.io/openova-io/openova/")
    # The platform pulls through its own mirror of that registry.
    assert image["registry"].removesuffix("/openova-io/openova").endswith("/proxy-ghcr")


def test_no_workflow_holds_a_permission_that_its_jobs_do_not_ask_for() -> None:
    assert {path.name for path in WORKFLOWS if _load(path)["permissions"] != {}} == set()


def test_continuous_integration_runs_the_one_script() -> None:
    steps = _load(REPOSITORY / ".github/workflows/ci.yml")["jobs"]["checks"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
