"""--update: the kit's edges go into the expected file, and nothing else of it changes."""

from pathlib import Path

from .kits import Case, call, check, lay_out, release, slots

KIT = {"01-a.yaml": release("a"), "02-b.yaml": release("b", "a"), "02a-c.yaml": release("c", "b", "a")}
EXPECTED = """\
# What waits for what.
slots:
  # roots
  - {slot: 1, name: a, wave: W1, depends_on: []}
  - slot: "02"   # second
    name: b
    wave: W2
    depends_on: [z, a]

  # not here yet
  - {slot: 9, name: z, wave: W9, depends_on: [b]}
"""
UPDATED = """\
# What waits for what.
slots:
  # roots
  - {slot: 1, name: a, wave: W1, depends_on: []}
  - {slot: "02", name: b, wave: W2, depends_on: [a]}
  - {slot: "02a", name: c, wave: present, depends_on: [a, b]}

  # not here yet
  - {slot: 9, name: z, wave: W9, depends_on: [b]}
"""


def _updated(case: Case, folder: Path) -> str:
    check(case, folder)
    return folder.joinpath("expected.yaml").read_text()


def test_edges_and_new_releases_change_and_waves_deferred_slots_and_comments_stay(tmp_path: Path) -> None:
    case = Case(
        "", KIT, EXPECTED, 0, "OK: no drift between actual HRs and expected DAG (1 deferred)", ("--update",)
    )
    assert _updated(case, tmp_path) == UPDATED


def test_a_file_that_agrees_stays_as_it_is_to_the_byte(tmp_path: Path) -> None:
    odd = UPDATED.replace("  - {slot: 1,", "  -  {slot:   1,").rstrip("\n")
    assert _updated(Case("", KIT, odd, 0, "OK: no drift", ("--update",)), tmp_path) == odd


def test_without_a_file_one_is_begun(tmp_path: Path) -> None:
    text = _updated(Case("", KIT, None, 0, "OK: no drift", ("--update",)), tmp_path)
    assert text.splitlines()[1:] == [
        "slots:",
        '  - {slot: "01", name: a, wave: present, depends_on: []}',
        '  - {slot: "02", name: b, wave: present, depends_on: [a]}',
        '  - {slot: "02a", name: c, wave: present, depends_on: [a, b]}',
    ]


def test_releases_of_one_name_are_told_apart_by_their_namespaces(tmp_path: Path) -> None:
    files = {
        "01-a.yaml": release("a"),
        "02-a.yaml": release("a", namespace="mgmt"),
        "03-b.yaml": release("b", "mgmt/a"),
        "04-true.yaml": release('"true"'),
    }
    assert _updated(Case("", files, slots("1 a"), 0, "OK: no drift", ("--update",)), tmp_path) == (
        "slots:\n"
        "  - {slot: 1, name: a, namespace: flux-system, wave: present, depends_on: []}\n"
        '  - {slot: "02", name: a, namespace: mgmt, wave: present, depends_on: []}\n'
        '  - {slot: "03", name: b, wave: present, depends_on: [mgmt/a]}\n'
        '  - {slot: "04", name: "true", wave: present, depends_on: []}\n'
    )


def test_a_file_without_a_number_gets_the_next_slot(tmp_path: Path) -> None:
    files = {"a.yaml": release("a"), "b.yaml": release("b")}
    text = _updated(Case("", files, slots("7 a"), 0, "OK: no drift", ("--update",)), tmp_path)
    assert text.splitlines()[-1] == "  - {slot: 8, name: b, wave: present, depends_on: []}"


def test_a_ring_in_the_kit_is_written_and_then_found(tmp_path: Path) -> None:
    files = {"01-a.yaml": release("a", "b"), "02-b.yaml": release("b", "a")}
    check(Case("", files, slots("1 a", "2 b"), 2, "ERROR: ring: a <- b <- a", ("--update",)), tmp_path)


def test_slots_in_one_line_are_refused_rather_than_broken(tmp_path: Path) -> None:
    case = Case(
        "", KIT, "slots: [{slot: 1, name: a}]\n", 3, "ERROR: line 1: --update needs each slot", ("--update",)
    )
    assert _updated(case, tmp_path) == case.expected


def test_a_kit_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    case = Case("", {"01-a.yaml": "{"}, EXPECTED, 3, "ERROR: 01-a.yaml:2:1: is not valid YAML", ("--update",))
    assert _updated(case, tmp_path) == EXPECTED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expected.yaml", "kit"]


def test_a_place_that_cannot_be_written_to_is_an_input_error(tmp_path: Path) -> None:
    arguments = lay_out(
        Case("", KIT, None, 3, "", ("--update", "--expected", "void/expected.yaml")), tmp_path
    )
    outcome = call(*arguments, cwd=tmp_path)
    says = "ERROR: void/expected.yaml: cannot be written: No such file or directory\n"
    assert (outcome.exit_status, outcome.err) == (3, says)
