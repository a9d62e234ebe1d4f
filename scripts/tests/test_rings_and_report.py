"""Rings in either graph, and the lines that others may grep."""

import subprocess
from pathlib import Path

import pytest

from .kits import SCRIPT, Case, check, lay_out, release, slots

A = {"01-a.yaml": release("a")}
TWO_RING = {"01-a.yaml": release("a", "b"), "02-b.yaml": release("b", "a")}

CASES = [
    Case(
        "a ring is an error of its own",
        TWO_RING,
        slots("1 a <- b", "2 b <- a"),
        2,
        "ERROR: cycle detected in expected DAG\n    - a\n    - b\n",
    ),
    Case("the ring itself is shown", TWO_RING, slots("1 a <- b", "2 b <- a"), 2, "ERROR: ring: a <- b <- a"),
    Case(
        "a release that waits for itself is a ring",
        {"01-a.yaml": release("a", "a")},
        slots("1 a <- a"),
        2,
        "ERROR: ring: a <- a",
    ),
    Case(
        "releases behind a ring are stalled but not of it",
        A,
        slots("1 a", "2 b <- c", "3 c <- b", "4 d <- c"),
        2,
        "ERROR: cycle detected in expected DAG\n    - b\n    - c\n    - d\nERROR: ring: b <- c <- b\n",
    ),
    Case(
        "each of two rings is shown",
        A,
        slots("1 a", "2 b <- c", "3 c <- b", "4 d <- e", "5 e <- f", "6 f <- d"),
        2,
        "ERROR: ring: b <- c <- b\nERROR: ring: d <- e <- f <- d\n",
    ),
    Case(
        "a ring that is only on disk is a drift",
        TWO_RING,
        slots("1 a", "2 b <- a"),
        1,
        "ERROR: cycle on disk: a <- b <- a",
    ),
    Case("a drift goes before a ring", A, slots("1 a <- b", "2 b <- a"), 1, "ERROR: 1 drift(s) detected."),
    Case(
        "without a ring the order is there",
        A,
        slots("1 a", "2 b <- a"),
        0,
        "OK: no cycles (2 HRs topologically ordered)",
    ),
    Case(
        "a root has no deps",
        A,
        slots("1 a"),
        0,
        "  [P] slot 01  a                          (root, no deps)\n",
    ),
    Case(
        "a deferred release has a dot",
        A,
        slots("1 a", "16c b <- a"),
        0,
        "  [.] slot 16c b                          <-- a\n",
    ),
    Case(
        "slots are sorted by number, then letters",
        A,
        slots("10 x", "2a y", "2 z", "1 a"),
        0,
        "slot 01  a                          (root, no deps)\n"
        "  [.] slot 02  z                          (root, no deps)\n"
        "  [.] slot 02a y                          (root, no deps)\n"
        "  [.] slot 10  x ",
    ),
    Case(
        "every wave is shown, by its first slot",
        A,
        slots("3 c @odd", "2 b @W2.K1", "1 a @odd"),
        0,
        "  -- wave odd (2) --\n  [P] slot 01  a                          (root, no deps)\n"
        "  [.] slot 03  c                          (root, no deps)\n  -- wave W2.K1 (1) --\n",
    ),
    Case(
        "the numbers are summed up",
        A,
        slots("1 a", "2 b <- a"),
        0,
        "  Present on disk:                   1\n  Declared expected:                 2\n"
        "  Deferred (declared, not on disk):  1\n  Levels (longest chain):            2\n"
        "  Drift:                             0\n  Cycles:                            0\n",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rings_and_report(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


def test_the_phases_come_in_order_each_after_an_empty_line(tmp_path: Path) -> None:
    outcome = check(Case("", A, slots("1 a"), 0, "== Summary =="), tmp_path)
    headings = [line for line in outcome.out.splitlines() if line.startswith("==")]
    assert headings == [
        "== Phase 1: parse expected DAG (expected.yaml) ==",
        "== Phase 2: parse actual HRs in kit ==",
        "== Phase 3: drift detection ==",
        "== Phase 4: cycle detection ==",
        "== Phase 5: rendered DAG ==",
        "== Summary ==",
    ]
    assert all(f"\n\n{heading}\n" in f"\n{outcome.out}" for heading in headings)


def test_it_stops_at_a_drift(tmp_path: Path) -> None:
    outcome = check(Case("", A, slots("1 b"), 1, "ERROR: 1 drift(s) detected."), tmp_path)
    assert "Phase 4" not in outcome.out


def test_on_one_stream_errors_stand_where_they_were_found(tmp_path: Path) -> None:
    arguments = lay_out(Case("", TWO_RING, slots("1 a", "2 b <- a"), 1, ""), tmp_path)
    both = subprocess.run(
        [SCRIPT, *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert both.stdout.index("== Phase 3") < both.stdout.index("ERROR: HR 'a'")


def test_nothing_is_coloured_where_nobody_looks(tmp_path: Path) -> None:
    outcome = check(Case("", TWO_RING, slots("1 a"), 1, "ERROR: "), tmp_path)
    assert "\x1b" not in outcome.out + outcome.err
