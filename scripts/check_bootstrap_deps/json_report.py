"""The report for programs: one JSON object, whatever was found."""

import json

from .audit import Audit, Drift, slot_order
from .graph import ReleaseId, Ring
from .input_error import InputError

_RESULTS = ("match", "drift", "cycle", "input-error")


def audit_as_json(audit: Audit) -> str:
    """Releases (declared ones by slot, then undeclared), edges, levels (0 waits for nothing), drifts, rings
    (`[a, b, a]`: a waits for b, b for a) and warnings; names as seen from their release's namespace."""
    level_of = {key: level for level, ids in enumerate(audit.levels) for key in ids}
    undeclared = sorted(audit.kit.releases.keys() - audit.declared.keys())
    ids = [*sorted(audit.declared, key=lambda key: slot_order(audit.declared[key])), *undeclared]
    implied = set(audit.implied)
    return _dump(
        {
            "exit": int(audit.exit_status),
            "result": _RESULTS[audit.exit_status],
            "kit": audit.kit.directory,
            "expected": audit.expected.file,
            "releases": [_release(audit, key, level_of.get(key)) for key in ids],
            "edges": [
                {
                    "release": key.name,
                    "dependsOn": need.seen_from(key.namespace),
                    "onDisk": key in audit.kit.releases,
                    "implied": (key, need) in implied,
                }
                for key in ids
                for need in sorted(audit.graph[key])
            ],
            "levels": [[key.name for key in level] for level in audit.levels],
            "drifts": [_drift(drift) for drift in audit.drifts],
            "unknownTargets": list(audit.unknown_targets),
            "cycles": {
                "expected": [_ring(r) for r in audit.rings],
                "kit": [_ring(r) for r in audit.rings_on_disk],
            },
            "warnings": [*audit.expected.warnings, *audit.kit.warnings, *audit.warnings],
        }
    )


def error_as_json(error: InputError) -> str:
    """The same object's head when nothing could be compared."""
    return _dump({"exit": 3, "result": "input-error", "problem": error.problem, "where": error.where})


def _release(audit: Audit, key: ReleaseId, level: int | None) -> dict[str, object]:
    slot, on_disk = audit.declared.get(key), audit.kit.releases.get(key)
    return {
        "name": key.name,
        "namespace": key.namespace,
        "slot": slot.slot if slot else None,
        "wave": slot.wave if slot else None,
        "file": on_disk.file if on_disk else None,
        "suspend": on_disk.suspend if on_disk else None,
        "level": level,
        "dependsOn": sorted(need.seen_from(key.namespace) for need in audit.graph[key]),
    }


def _drift(drift: Drift) -> dict[str, object]:
    return {
        "release": drift.release,
        "file": drift.file,
        "problem": drift.problem or "dependsOn drift",
        "missing": list(drift.missing),
        "extra": list(drift.extra),
        "hints": list(drift.hints),
    }


def _ring(ring: Ring) -> list[str]:
    return [key.seen_from(ring[0].namespace) for key in (*ring, ring[0])]


def _dump(value: dict[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
