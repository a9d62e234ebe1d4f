"""The platform's whole graph: its known numbers, and a kit that holds all of it that is there."""

import json
from pathlib import Path

from check_bootstrap_deps.audit import audit
from check_bootstrap_deps.expected import read_expected
from check_bootstrap_deps.graph import levels
from check_bootstrap_deps.kit import read_kit

from .kits import SCRIPT, release, run

EXPECTED = SCRIPT.with_name("expected-bootstrap-deps.yaml")
DEFERRED = {"36", "37", "38", *map(str, range(40, 49)), "53"}


def _whole_kit(folder: Path) -> Path:
    """A kit of all releases that the platform has on disk, with the edges that it has there."""
    for slot in read_expected(EXPECTED, shown="").slots:
        if slot.slot not in DEFERRED:
            suspend = "${HUAWEI_HR_SUSPEND:=true}" if slot.name == "bp-huawei-evs-csi" else None
            text = release(slot.name, *slot.depends_on, namespace="flux-system", suspend=suspend)
            folder.joinpath(f"{slot.slot}-{slot.name}.yaml").write_text(text)
    return folder


def test_the_expected_graph_has_80_slots_and_144_edges_on_11_levels(tmp_path: Path) -> None:
    found = audit(read_kit(_whole_kit(tmp_path), shown=""), read_expected(EXPECTED, shown=""), strict=True)
    assert len(found.declared) == 80
    assert sum(len(needs) for needs in found.graph.values()) == 144
    assert len(found.levels) == 11
    assert (found.drifts, found.unknown_targets, found.rings) == ((), (), ())


def test_the_flow_server_waits_for_no_database(tmp_path: Path) -> None:
    slots = {slot.name: slot for slot in read_expected(EXPECTED, shown="").slots}
    assert slots["bp-openova-flow-server"].slot == "56"
    assert set(slots["bp-openova-flow-server"].depends_on) == {"bp-cilium", "bp-cert-manager"}
    assert slots["bp-openova-flow-emitter"].slot == "57"
    assert set(slots["bp-openova-flow-emitter"].depends_on) == {"bp-flux"}
    kit = read_kit(_whole_kit(tmp_path), shown="")
    level_of = {
        key.name: number
        for number, level in enumerate(levels({key: found.needs for key, found in kit.releases.items()}))
        for key in level
    }
    assert (level_of["bp-openova-flow-server"], level_of["bp-openova-flow-emitter"]) == (3, 4)


def test_a_kit_that_holds_all_that_is_there_passes_with_13_deferred(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    kit.mkdir()
    outcome = run("--kit-dir", str(_whole_kit(kit)), "--format", "json", cwd=tmp_path)
    report = json.loads(outcome.out)
    on_disk = [found for found in report["releases"] if found["file"]]
    edges = [edge for edge in report["edges"] if edge["onDisk"]]
    assert (outcome.exit_status, len(on_disk), len(edges)) == (0, 67, 115)
    assert sum(edge["implied"] for edge in edges) == 39
    assert {found["slot"] for found in report["releases"] if not found["file"]} == DEFERRED
    (suspended,) = [warning for warning in report["warnings"] if "suspend" in warning]
    assert suspended.startswith("HR 'bp-cnpg' (file 16-bp-cnpg.yaml) waits for 'bp-huawei-evs-csi'")
