"""What is read of the expected file, and what of it is no input."""

from pathlib import Path

import pytest

from .kits import Case, check, release, slots

A = {"01-a.yaml": release("a")}

CASES = [
    Case("no file is an error", A, None, 3, "ERROR: expected file not found: expected.yaml"),
    Case("no slots is an error", A, "slots: []\n", 3, "ERROR: no slots in expected.yaml"),
    Case("an empty file has no slots", A, "", 3, "ERROR: no slots in expected.yaml"),
    Case(
        "a list at the top has no slots", A, "- {slot: 1, name: a}\n", 3, "ERROR: no slots in expected.yaml"
    ),
    Case(
        "a broken file is an error with its place",
        A,
        "slots:\n  - {slot: 1\n  - x\n",
        3,
        "ERROR: expected.yaml:4:1: is not valid YAML",
    ),
    Case(
        "a name twice shows both slots",
        A,
        slots("1 a", "2 b", "7c a"),
        3,
        "ERROR: expected.yaml: 'a' is declared twice: slot 1 (line 2) and slot 7c (line 4)",
    ),
    Case(
        "a slot needs a name", A, "slots:\n  - {slot: 1}\n", 3, "ERROR: expected.yaml:2: a slot without name"
    ),
    Case(
        "a slot needs its number",
        A,
        "slots:\n  - {name: a}\n",
        3,
        "ERROR: expected.yaml:2: a slot without slot",
    ),
    Case(
        "a slot is a number and letters",
        A,
        "slots:\n  - {slot: a2, name: a}\n",
        3,
        "ERROR: expected.yaml:2: slot 'a2' is not a number",
    ),
    Case(
        "depends_on is a list of names",
        A,
        "slots:\n  - {slot: 1, name: a, depends_on: b}\n",
        3,
        "ERROR: expected.yaml:2: depends_on is not a list of names",
    ),
    Case(
        "a slot that YAML takes for octal stays what it says",
        {"010-a.yaml": release("a")},
        "slots:\n  - {slot: 010, name: a}\n",
        0,
        "  [P] slot 10  a ",
        silent_about="declared as slot",
    ),
    Case(
        "depends_on and wave may be absent",
        A,
        "slots:\n- slot: 08\n  name: a\n  depends_on:\n",
        0,
        "  -- wave unassigned (1) --\n  [P] slot 08  a ",
    ),
    Case(
        "an unknown field is pointed at",
        A,
        "slots:\n- {slot: 1, name: a, dependsOn: [b]}\n",
        0,
        "WARN: expected.yaml:2: unknown field 'dependsOn' is ignored",
    ),
    Case(
        "a name twice is an error unless both say their namespace",
        A,
        "slots:\n- {slot: 1, name: a, namespace: flux-system}\n- {slot: 2, name: a}\n",
        3,
        "ERROR: expected.yaml: 'a' is declared twice: slot 1 (line 2) and slot 2 (line 3)",
    ),
    Case(
        "a name without namespace means the release's own first",
        {
            **A,
            "02-x.yaml": release("a", namespace="mgmt"),
            "03-b.yaml": release("b", "a", namespace="mgmt"),
        },
        "slots:\n- {slot: 1, name: a, namespace: flux-system}\n- {slot: 2, name: a, namespace: mgmt}\n"
        "- {slot: 3, name: b, depends_on: [a]}\n",
        0,
        "OK: no drift",
    ),
    Case(
        "one name may be declared in two namespaces",
        {**A, "02-x.yaml": release("a", namespace="mgmt"), "03-b.yaml": release("b", "a", "mgmt/a")},
        "slots:\n- {slot: 1, name: a, namespace: flux-system}\n- {slot: 2, name: a, namespace: mgmt}\n"
        "- {slot: 3, name: b, depends_on: [a, mgmt/a]}\n",
        0,
        "  [P] slot 03  b                          <-- a mgmt/a\n",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_expected_file_is_read_strictly(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)
