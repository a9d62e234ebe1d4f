"""The report for people, and for pipelines that grep it: errors on one stream, the rest on the other."""

from collections.abc import Iterable
from typing import TextIO

from .audit import Audit, Drift, slot_order
from .expected import Expected, Slot
from .graph import ReleaseId, Ring
from .kit import Kit
from .slots import padded

_RED, _YELLOW, _GREEN, _BOLD = "31", "33", "32", "1"
_NAME_WIDTH = 26


class TextReport:
    """Writes the phases one by one. `colour` applies to a stream only when it is a terminal."""

    def __init__(self, out: TextIO, err: TextIO, *, colour: bool, verbose: bool) -> None:
        """`verbose` lists each edge that others imply."""
        self._out = out
        self._err = err
        self._colour_out = colour and out.isatty()
        self._colour_err = colour and err.isatty()
        self._verbose = verbose

    def expected_read(self, expected: Expected) -> None:
        """Phase 1."""
        self._heading(f"Phase 1: parse expected DAG ({expected.file})")
        self._line(f"  Loaded {len(expected.slots)} expected HRs from {expected.file}")
        self._warn(expected.warnings)

    def kit_read(self, kit: Kit) -> None:
        """Phase 2."""
        self._heading(f"Phase 2: parse actual HRs in {kit.directory}")
        self._line(f"  Parsed {len(kit.releases)} HelmRelease(s) across {len(kit.files)} file(s)")
        self._warn(kit.warnings)

    def audited(self, audit: Audit) -> None:
        """Phases 3 to 5 and the summary, as far as the findings let it come."""
        self._drift(audit)
        if audit.drifts:
            return
        self._cycles(audit)
        if audit.unknown_targets or audit.rings:
            return
        self._graph(audit)
        self._summary(audit)

    def error(self, text: str, *details: str) -> None:
        """One `ERROR:` line and its details, after everything that was written so far."""
        self._out.flush()
        self._err.write(f"{_coloured('ERROR:', _RED, self._colour_err)} {text}\n")
        self._err.writelines(f"    {detail}\n" for detail in details)
        self._err.flush()

    def _drift(self, audit: Audit) -> None:
        self._heading("Phase 3: drift detection")
        for key in audit.deferred:
            slot = audit.declared[key]
            note = "declared expected but not yet on disk (deferred)"
            self._warn([f"HR '{slot.name}' (slot {slot.slot}, wave {slot.wave}) {note}"])
        self._warn(audit.warnings)
        self._implied(audit)
        for drift in audit.drifts:
            self._one_drift(drift)
        if not audit.drifts:
            self._ok(f"no drift between actual HRs and expected DAG ({len(audit.deferred)} deferred)")
            return
        for ring in audit.rings_on_disk:
            self.error(f"cycle on disk: {ring_text(ring)}")
        self.error(
            f"{len(audit.drifts)} drift(s) detected. Change the kit, or {audit.expected.file} with it "
            "(--update writes it from the kit)."
        )

    def _one_drift(self, drift: Drift) -> None:
        subject = f"HR '{drift.release}' (file {drift.file})"
        if drift.release is None:
            self.error(drift.problem)
        elif drift.problem:
            self.error(f"{subject} {drift.problem}", *drift.hints)
        else:
            missing = f"missing edges (declared, not on disk): {' '.join(drift.missing)}"
            extra = f"extra edges (on disk, not declared): {' '.join(drift.extra)}"
            edges = [text for text, names in ((missing, drift.missing), (extra, drift.extra)) if names]
            self.error(f"{subject}: dependsOn drift", *edges, *drift.hints)

    def _implied(self, audit: Audit) -> None:
        if audit.implied and not self._verbose:
            edges = sum(len(release.needs) for release in audit.kit.releases.values())
            self._warn(
                [f"{len(audit.implied)} of {edges} edges are implied by others (--verbose lists them)"]
            )
        elif audit.implied:
            self._warn(
                f"HR '{release.name}': the edge to '{target.seen_from(release.namespace)}' is implied"
                for release, target in audit.implied
            )

    def _cycles(self, audit: Audit) -> None:
        self._heading("Phase 4: cycle detection")
        for target in audit.unknown_targets:
            self.error(target)
        if audit.unknown_targets:
            return
        if not audit.rings:
            self._ok(f"no cycles ({len(audit.declared)} HRs topologically ordered)")
            return
        self.error("cycle detected in expected DAG", *(f"- {key.name}" for key in audit.stalled))
        for ring in audit.rings:
            self.error(f"ring: {ring_text(ring)}")

    def _graph(self, audit: Audit) -> None:
        self._heading("Phase 5: rendered DAG")
        waves: dict[str, list[tuple[ReleaseId, Slot]]] = {}
        for key, slot in sorted(audit.declared.items(), key=lambda item: slot_order(item[1])):
            waves.setdefault(slot.wave, []).append((key, slot))
        for wave, members in waves.items():
            self._line(f"  -- wave {wave} ({len(members)}) --")
            for key, slot in members:
                mark = "." if key in audit.deferred else "P"
                needs = " ".join(sorted(need.seen_from(key.namespace) for need in audit.graph[key]))
                edges = f"<-- {needs}" if needs else "(root, no deps)"
                self._line(f"  [{mark}] slot {padded(slot.slot):<3} {slot.name:<{_NAME_WIDTH}} {edges}")

    def _summary(self, audit: Audit) -> None:
        self._heading("Summary")
        for title, count in {
            "Present on disk:": len(audit.kit.releases),
            "Declared expected:": len(audit.declared),
            "Deferred (declared, not on disk):": len(audit.deferred),
            "Levels (longest chain):": len(audit.levels),
            "Drift:": len(audit.drifts),
            "Cycles:": len(audit.rings),
        }.items():
            self._line(f"  {title:<34} {count}")
        self._ok("bootstrap-kit dependency graph audit PASSED")

    def _heading(self, title: str) -> None:
        self._line("")
        self._line(_coloured(f"== {title} ==", _BOLD, self._colour_out))

    def _ok(self, text: str) -> None:
        self._line(f"{_coloured('OK:', _GREEN, self._colour_out)} {text}")

    def _warn(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._line(f"{_coloured('WARN:', _YELLOW, self._colour_out)} {text}")

    def _line(self, text: str) -> None:
        self._out.write(f"{text}\n")


def ring_text(ring: Ring) -> str:
    """`a <- b <- a`: a waits for b, and b for a."""
    return " <- ".join(key.seen_from(ring[0].namespace) for key in (*ring, ring[0]))


def _coloured(text: str, code: str, wanted: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if wanted else text
