"""--format json: one object on stdout, whatever was found."""

import json
from pathlib import Path
from typing import Any

from .kits import Case, call, check, release, slots

KIT = {"01-a.yaml": release("a"), "02-b.yaml": release("b", "a"), "03-c.yaml": release("c", "a", "b")}
JSON = ("--format", "json")


def _report(case: Case, folder: Path) -> dict[str, Any]:
    return json.loads(check(case, folder).out)


def test_an_agreeing_kit_gives_releases_edges_and_levels(tmp_path: Path) -> None:
    expected = slots("1 a", "2 b @W2 <- a", "03 c <- a b", "4 d <- c")
    report = _report(Case("", KIT, expected, 0, '"result": "match"', JSON), tmp_path)
    assert report["exit"] == 0
    assert report["releases"][1] == {
        "name": "b",
        "namespace": "flux-system",
        "slot": "2",
        "wave": "W2",
        "file": "02-b.yaml",
        "suspend": None,
        "level": 1,
        "dependsOn": ["a"],
    }
    assert report["releases"][3]["file"] is None, "deferred"
    assert {"release": "c", "dependsOn": "a", "onDisk": True, "implied": True} in report["edges"]
    assert len(report["edges"]) == 4
    assert report["levels"] == [["a"], ["b"], ["c"], ["d"]]
    assert (report["drifts"], report["cycles"], report["warnings"]) == ([], {"expected": [], "kit": []}, [])


def test_drifts_are_listed(tmp_path: Path) -> None:
    report = _report(
        Case("", KIT, slots("1 a", "2 b <- a", "3 c <- b", "9 d"), 1, '"result": "drift"', JSON), tmp_path
    )
    assert report["drifts"] == [
        {
            "release": "c",
            "file": "03-c.yaml",
            "problem": "dependsOn drift",
            "missing": [],
            "extra": ["a"],
            "hints": [],
        }
    ]


def test_rings_are_listed_and_what_is_behind_one_has_no_level(tmp_path: Path) -> None:
    expected = slots("1 a <- b", "2 b <- a", "3 c <- b", "4 d")
    kit = {"01-a.yaml": release("a", "b"), "02-b.yaml": release("b", "a")}
    report = _report(Case("", kit, expected, 2, '"result": "cycle"', JSON), tmp_path)
    assert report["cycles"] == {"expected": [["a", "b", "a"]], "kit": [["a", "b", "a"]]}
    assert {release["name"]: release["level"] for release in report["releases"]} == {
        "a": None,
        "b": None,
        "c": None,
        "d": 0,
    }


def test_what_is_no_input_is_an_object_too(tmp_path: Path) -> None:
    report = _report(Case("", {"01-a.yaml": "{"}, slots("1 a"), 3, '"result": "input-error"', JSON), tmp_path)
    assert report["where"] == "01-a.yaml:2:1"


def test_a_wrong_call_is_answered_in_the_format_that_it_asks_for(tmp_path: Path) -> None:
    outcome = call("--format", "json", "--kit-dir", "void", cwd=tmp_path)
    report = json.loads(outcome.out)
    assert (outcome.exit_status, report["exit"], report["problem"]) == (3, 3, "kit directory not found: void")
