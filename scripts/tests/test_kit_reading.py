"""What is read of a kit, and what about it is doubtful or no input at all."""

from pathlib import Path

import pytest

from .kits import Case, call, check, lay_out, release, slots

A = {"01-a.yaml": release("a")}
AB = {**A, "02-b.yaml": release("b", "a")}
EXPECT_A = slots("1 a")
EXPECT_AB = slots("1 a", "2 b <- a")
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"

CASES = [
    Case("a kit that agrees passes", AB, EXPECT_AB, 0, "OK: bootstrap-kit dependency graph audit PASSED"),
    Case("releases and files are counted", AB, EXPECT_AB, 0, "  Parsed 2 HelmRelease(s) across 2 file(s)"),
    Case("slots are counted", AB, EXPECT_AB, 0, "  Loaded 2 expected HRs from expected.yaml"),
    Case(
        "every document of a file is read",
        {"01-a.yaml": f"---\n{NAMESPACE}---\n---\n{release('a')}---\n{release('b', 'a')}"},
        EXPECT_AB,
        0,
        "  Parsed 2 HelmRelease(s) across 1 file(s)",
        silent_about="Namespace",
    ),
    Case(
        "the items of a List are read",
        {
            "01-a.yaml": "kind: List\napiVersion: v1\nitems: [{apiVersion: helm.toolkit.fluxcd.io/v2, "
            "kind: HelmRelease, metadata: {name: a}}]\n"
        },
        EXPECT_A,
        0,
        "  Parsed 1 HelmRelease(s) across 1 file(s)",
    ),
    Case(
        "a broken file is an error with its place",
        {**A, "02-b.yaml": "kind: HelmRelease\nmetadata: {name: b\nspec:\n"},
        EXPECT_AB,
        3,
        "ERROR: 02-b.yaml:3:5: is not valid YAML",
    ),
    Case(
        "a tab for indentation is an error with its place",
        {**A, "02-b.yaml": "spec:\n\tx: 1\n"},
        EXPECT_AB,
        3,
        "ERROR: 02-b.yaml:2:1: is not valid YAML",
    ),
    Case(
        "a key that stands there twice is an error with its place",
        {"01-a.yaml": release("a") + "spec: {}\n"},
        EXPECT_A,
        3,
        "ERROR: 01-a.yaml:5:1: is not valid YAML: the key 'spec' stands here twice",
    ),
    Case(
        "other bytes than UTF-8 are an error",
        {"01-a.yaml": b"a: 1\nb: \xff\n"},
        EXPECT_A,
        3,
        "ERROR: 01-a.yaml:2: is not UTF-8",
    ),
    Case(
        "a text is no resource",
        {"01-a.yaml": "just words\n"},
        EXPECT_A,
        3,
        "ERROR: 01-a.yaml:1: the document is not a mapping but 'just words'",
    ),
    Case(
        "a release without a name is an error",
        {"01-a.yaml": release('""')},
        EXPECT_A,
        3,
        "ERROR: 01-a.yaml:1: metadata.name is not a name but ''",
    ),
    Case(
        "dependsOn as bare names is an error",
        {"01-a.yaml": "kind: HelmRelease\nmetadata: {name: a}\nspec: {dependsOn: [b]}\n"},
        EXPECT_A,
        3,
        "ERROR: 01-a.yaml:1: an entry of spec.dependsOn is not a mapping but 'b'",
    ),
    Case(
        "a name twice in the kit is an error",
        {**A, "03-x.yaml": release("a")},
        EXPECT_A,
        3,
        "ERROR: duplicate HelmRelease name 'a' (in 01-a.yaml and 03-x.yaml)",
    ),
    Case("an empty folder is an error", {}, EXPECT_A, 3, "ERROR: no YAML file in kit"),
    Case(
        "a kustomization alone is no kit",
        {"kustomization.yaml": "resources: []\n"},
        EXPECT_A,
        3,
        "ERROR: no YAML file in kit",
    ),
    Case(
        "a kit without a HelmRelease is an error",
        {"01-a.yaml": NAMESPACE},
        EXPECT_A,
        3,
        "ERROR: no HelmRelease in kit",
    ),
    Case(
        "a .yml file is pointed at",
        {**A, "02-b.yml": release("b")},
        EXPECT_A,
        0,
        "WARN: file 02-b.yml ends in .yml: it is not read here",
    ),
    Case(
        "a misspelt kind of Flux's is pointed at",
        {**A, "02-b.yaml": release("b").replace("HelmRelease", "HelmRelaese")},
        EXPECT_A,
        0,
        "WARN: 02-b.yaml:1: kind HelmRelaese is no Flux kind",
    ),
    Case(
        "a misspelt kind in a misspelt group is pointed at",
        {**A, "02-b.yaml": release("b").replace("HelmRelease", "HelmRelaese").replace("helm.", "helms.")},
        EXPECT_A,
        0,
        "WARN: 02-b.yaml:1: kind HelmRelaese is no Flux kind (HelmRelease is)",
    ),
    Case(
        "a release in the wrong API group is pointed at",
        {"01-a.yaml": release("a").replace("helm.toolkit", "helm.tolkit")},
        EXPECT_A,
        0,
        "WARN: 01-a.yaml:1: apiVersion helm.tolkit.fluxcd.io/v2 is not helm.toolkit.fluxcd.io",
    ),
    Case(
        "a number other than the slot's is pointed at",
        {"07-a.yaml": release("a")},
        EXPECT_A,
        0,
        "WARN: file 07-a.yaml holds 'a', which is declared as slot 1",
    ),
    Case(
        "leading zeros of a number do not count",
        {"02A-a.yaml": release("a")},
        slots("2a a"),
        0,
        "OK: no drift",
        silent_about="declared as slot",
    ),
    Case(
        "a file that the kustomization leaves out is pointed at",
        {**AB, "kustomization.yaml": "resources: [./01-a.yaml]\n"},
        EXPECT_AB,
        0,
        "WARN: file 02-b.yaml is not listed in kustomization.yaml: it is not installed",
    ),
    Case(
        "a file that the kustomization lists must be there",
        {**A, "kustomization.yaml": "resources: [01-a.yaml, 02-b.yaml, 'https://x.example/y']\n"},
        EXPECT_A,
        1,
        "ERROR: kustomization.yaml lists '02-b.yaml', which is not there",
        silent_about="x.example",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_kit_is_read_as_flux_would_read_it(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    arguments = lay_out(Case("", A, EXPECT_A, 3, ""), tmp_path)
    tmp_path.joinpath("kit/02-b.yaml").symlink_to("nowhere")
    outcome = call(*arguments, cwd=tmp_path)
    says = "ERROR: 02-b.yaml: cannot be read: No such file or directory\n"
    assert (outcome.exit_status, outcome.err) == (3, says)
