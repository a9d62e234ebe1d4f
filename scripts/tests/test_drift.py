"""Kit against expected graph: drifts, deferred slots, namespaces and doubtful waits."""

from pathlib import Path

import pytest

from .kits import Case, check, release, slots

A = {"01-a.yaml": release("a")}
B_OF_A = {"02-b.yaml": release("b", "a")}
AB = {**A, **B_OF_A}
EXPECT_AB = slots("1 a", "2 b <- a")
KUSTOMIZATION = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n"

CASES = [
    Case(
        "a release that is not declared is a drift",
        AB,
        slots("1 a"),
        1,
        "ERROR: HR 'b' (file 02-b.yaml) is present on disk but NOT declared in expected.yaml.",
    ),
    Case(
        "a missing edge is named",
        {**A, "02-b.yaml": release("b")},
        EXPECT_AB,
        1,
        "ERROR: HR 'b' (file 02-b.yaml): dependsOn drift\n    missing edges (declared, not on disk): a\n",
    ),
    Case(
        "an extra edge is named",
        AB,
        slots("1 a", "2 b"),
        1,
        "ERROR: HR 'b' (file 02-b.yaml): dependsOn drift\n    extra edges (on disk, not declared): a\n",
    ),
    Case(
        "edges are listed sorted, missing before extra",
        {**A, "02-b.yaml": release("b"), "03-c.yaml": release("c", "b", "a"), "04-d.yaml": release("d")},
        slots("1 a", "2 b", "3 c <- e d", "4 d", "5 e"),
        1,
        "ERROR: HR 'c' (file 03-c.yaml): dependsOn drift\n"
        "    missing edges (declared, not on disk): d e\n    extra edges (on disk, not declared): a b\n",
    ),
    Case(
        "all drifts are listed before it stops",
        {**AB, "03-c.yaml": release("c", "b")},
        slots("1 a", "3 c"),
        1,
        "ERROR: 2 drift(s) detected.",
    ),
    Case(
        "an edge named twice is one edge",
        {**A, "02-b.yaml": release("b", "a", "a")},
        EXPECT_AB,
        0,
        "OK: no drift",
    ),
    Case(
        "a slot that is not on disk is deferred",
        A,
        slots("1 a", "02a b @W9 <- a"),
        0,
        "WARN: HR 'b' (slot 02a, wave W9) declared expected but not yet on disk",
    ),
    Case(
        "deferred slots are counted",
        A,
        EXPECT_AB,
        0,
        "OK: no drift between actual HRs and expected DAG (1 deferred)",
    ),
    Case(
        "waiting for a deferred release is pointed at",
        B_OF_A,
        EXPECT_AB,
        0,
        "WARN: HR 'b' (file 02-b.yaml) waits for 'a', which is declared but not on disk",
    ),
    Case(
        "waiting for a deferred release is a drift when strict",
        B_OF_A,
        EXPECT_AB,
        1,
        "ERROR: HR 'b' (file 02-b.yaml) waits for 'a', which is declared but not on disk",
        ("--strict",),
    ),
    Case(
        "a depends_on that is not declared is an error",
        {**A, "02-b.yaml": release("b", "x")},
        slots("1 a", "2 b <- x"),
        1,
        "ERROR: slot 2 'b': depends_on 'x', not declared in expected.yaml",
    ),
    Case(
        "a release of another namespace is another release",
        {"01-a.yaml": release("a", namespace="mgmt"), **B_OF_A},
        EXPECT_AB,
        1,
        "ERROR: HR 'b' (file 02-b.yaml): dependsOn drift\n"
        "    missing edges (declared, not on disk): mgmt/a\n    extra edges (on disk, not declared): a\n"
        "    'a': no release of that name is on disk or declared in namespace flux-system (one is in mgmt)",
    ),
    Case(
        "a release of another namespace is found with it",
        {"01-a.yaml": release("a", namespace="mgmt"), "02-b.yaml": release("b", "mgmt/a")},
        EXPECT_AB,
        0,
        "OK: no drift",
    ),
    Case(
        "a target in a namespace where nothing is declared is a drift",
        {**A, "02-b.yaml": release("b", "void/a")},
        EXPECT_AB,
        1,
        "ERROR: HR 'b' (file 02-b.yaml): dependsOn drift\n"
        "    missing edges (declared, not on disk): a\n"
        "    extra edges (on disk, not declared): void/a\n"
        "    'void/a': no release of that name is on disk or declared in namespace void "
        "(one is in flux-system)",
    ),
    Case(
        "a deferred release lives where the kit does",
        {"02-b.yaml": release("b", "a", namespace="mgmt")},
        EXPECT_AB,
        0,
        "waits for 'a', which is declared but not on disk",
    ),
    Case(
        "the kit lives where most of its releases do",
        {
            "02-b.yaml": release("b", "a", namespace="zeta"),
            "03-c.yaml": release("c", "b", namespace="zeta"),
            "04-d.yaml": release("d", namespace="alpha"),
        },
        slots("1 a", "2 b <- a", "3 c <- b", "4 d"),
        0,
        "waits for 'a', which is declared but not on disk",
    ),
    Case(
        "the kustomization's namespace is every release's",
        {
            "01-a.yaml": release("a", namespace="mgmt"),
            **B_OF_A,
            "kustomization.yaml": "namespace: all\nresources: [01-a.yaml, 02-b.yaml]\n",
        },
        EXPECT_AB,
        0,
        "OK: no drift",
    ),
    Case(
        "waiting for a suspended release is pointed at",
        {"01-a.yaml": release("a", suspend="${HUAWEI_HR_SUSPEND:=true}"), **B_OF_A},
        EXPECT_AB,
        0,
        "WARN: HR 'b' (file 02-b.yaml) waits for 'a', whose spec.suspend is ${HUAWEI_HR_SUSPEND:=true}",
    ),
    Case(
        "releases that are suspended together may wait for each other",
        {
            "01-a.yaml": release("a", suspend="${X:=true}"),
            "02-b.yaml": release("b", "a", suspend="${X:=true}"),
        },
        EXPECT_AB,
        0,
        "OK: no drift",
        silent_about="suspend",
    ),
    Case(
        "waiting for a Flux Kustomization is pointed at",
        {"00-a.yaml": KUSTOMIZATION, **B_OF_A},
        EXPECT_AB,
        0,
        "WARN: HR 'b' (file 02-b.yaml) waits for 'a', a Flux Kustomization here",
    ),
    Case(
        "implied edges are counted",
        {**AB, "03-c.yaml": release("c", "a", "b")},
        slots("1 a", "2 b <- a", "3 c <- a b"),
        0,
        "WARN: 1 of 3 edges are implied by others (--verbose lists them)",
    ),
    Case(
        "implied edges of deferred releases do not count",
        AB,
        slots("1 a", "2 b <- a", "3 c <- a b"),
        0,
        "OK: no drift",
        silent_about="implied",
    ),
    Case(
        "implied edges are listed when asked for",
        {**AB, "03-c.yaml": release("c", "a", "b")},
        slots("1 a", "2 b <- a", "3 c <- a b"),
        0,
        "WARN: HR 'c': the edge to 'a' is implied",
        ("--verbose",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_kit_is_held_to_the_expected_graph(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)
