"""Our reading of Flux's substitution, against its documentation's rules."""

import subprocess
from pathlib import Path

import pytest

from .flux import Unsupported, applied, substituted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain $text {a} $1", "plain $text {a} $1"),
        ("${A}", "a"),
        ("x${A}y${A}", "xaya"),
        ("${UNSET}", ""),
        ("${UNSET:=d}", "d"),
        ("${UNSET:-d}", "d"),
        ("${UNSET=d}", "d"),
        ("${UNSET-d}", "d"),
        ("${EMPTY:=d}", "d"),
        ("${EMPTY-d}", "d"),
        ("${A:=d}", "a"),
        ("${UNSET:=${A}}", "a"),
        ("${UNSET:=${B:=deep}}", "deep"),
        ("${UNSET:=x${A}y}", "xay"),
        ("${UNSET:=http://a.b:80/c}", "http://a.b:80/c"),
        ("$${A}", "${A}"),
        ("$${A:=${A}}", "${A:=a}"),
    ],
)
def test_variables_are_replaced_as_flux_does(text: str, expected: str) -> None:
    assert substituted(text, {"A": "a", "EMPTY": ""}) == expected


@pytest.mark.parametrize("text", ["${A:?must}", "${A:+x}", "${A?must}", "${1A}", "${A:=x", "${A^^}", "${}"])
def test_what_flux_refuses_or_reads_otherwise_is_not_used(text: str) -> None:
    with pytest.raises(Unsupported):
        substituted(text, {"A": "a"})


def kustomized(kubectl: Path, folder: Path, manifest: str) -> str:
    (folder / "a.yaml").write_text(manifest)
    (folder / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    done = subprocess.run(
        [str(kubectl), "kustomize", str(folder)], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize(
    ("variable", "read_as"),
    [("1234567890123456", 1234567890123456), ("1e5", 100000.0), ("no", False), ("true", True)],
)
def test_quotes_around_a_variable_are_lost_and_a_block_keeps_it_text(
    variable: str, read_as: object, kubectl: Path, tmp_path: Path
) -> None:
    written = 'apiVersion: v1\nkind: A\nmetadata: {name: a}\nquoted: "${ID}"\nblock: |\n  ${ID}\n'
    (found,) = applied(kustomized(kubectl, tmp_path, written), {"ID": variable})
    assert found["quoted"] == read_as
    assert found["block"] == f"{variable}\n"


def test_an_object_may_opt_out() -> None:
    metadata = "metadata: {name: a, annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}"
    assert applied(f'kind: A\n{metadata}\nx: "${{ID}}"\n', {"ID": "1"})[0]["x"] == "${ID}"
