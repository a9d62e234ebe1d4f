"""Kit against expected graph: every drift, doubt and ring, and the exit status they make. Pure."""

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field
from enum import IntEnum

from .declared import declared_ids, resolve
from .expected import Expected, Slot
from .graph import Graph, ReleaseId, Ring, levels, redundant_edges, rings, stalled
from .kit import Kit, Release
from .slots import slot_key, slot_of_file


class ExitStatus(IntEnum):
    """What the caller's shell sees; pipelines rely on these numbers."""

    MATCH = 0
    DRIFT = 1
    CYCLE = 2
    INPUT = 3


@dataclass(frozen=True)
class Drift:
    """One disagreement. `missing` and `extra` are a release's edges as one would write them in it, sorted;
    `problem` is the sentence for the other kinds; `hints` say more about single edges."""

    release: str | None = None
    file: str | None = None
    problem: str = ""
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """All that was found. `declared` maps ids to slots; `graph` is the kit's edges plus, for releases that
    are not on disk, the declared ones; `implied` are its redundant edges that stand on disk."""

    kit: Kit
    expected: Expected
    declared: Mapping[ReleaseId, Slot]
    graph: Graph
    deferred: tuple[ReleaseId, ...] = ()
    drifts: tuple[Drift, ...] = ()
    unknown_targets: tuple[str, ...] = ()
    rings: tuple[Ring, ...] = ()
    stalled: tuple[ReleaseId, ...] = ()
    rings_on_disk: tuple[Ring, ...] = ()
    implied: tuple[tuple[ReleaseId, ReleaseId], ...] = ()
    warnings: tuple[str, ...] = ()
    levels: tuple[tuple[ReleaseId, ...], ...] = field(default=())

    @property
    def exit_status(self) -> ExitStatus:
        """Drift before cycle: a kit that differs from its plan is not judged by the plan's rings."""
        if self.drifts or self.unknown_targets:
            return ExitStatus.DRIFT
        return ExitStatus.CYCLE if self.rings else ExitStatus.MATCH


def audit(kit: Kit, expected: Expected, *, strict: bool) -> Audit:
    """Compares the two; with `strict`, waiting for what is not on disk is a drift, else a warning."""
    declared = declared_ids(expected, kit)
    planned = {
        key: frozenset(
            resolve(written, seen_from=key.namespace, known=declared) for written in slot.depends_on
        )
        for key, slot in declared.items()
    }
    on_disk = {key: release.needs for key, release in kit.releases.items()}
    graph = {**planned, **on_disk}
    deferred = sorted(declared.keys() - on_disk.keys(), key=lambda key: slot_order(declared[key]))
    drifts = [*_kustomization_drifts(kit), *_edge_drifts(kit, planned, expected.file)]
    warnings = [*_number_differences(kit, declared), *_doubtful_waits(kit)]
    for release, wait in _waits_for(kit, deferred):
        if strict:
            drifts.append(Drift(release=release.key.name, file=release.file, problem=wait))
        else:
            warnings.append(f"HR '{release.key.name}' (file {release.file}) {wait}")
    return Audit(
        kit=kit,
        expected=expected,
        declared=declared,
        graph=graph,
        deferred=tuple(deferred),
        drifts=tuple(drifts),
        unknown_targets=tuple(_unknown_targets(planned, declared, expected.file)),
        rings=tuple(rings(planned)),
        stalled=tuple(stalled(planned)),
        rings_on_disk=tuple(rings(on_disk)),
        implied=tuple(edge for edge in redundant_edges(graph) if edge[0] in on_disk),
        warnings=tuple(warnings),
        levels=tuple(tuple(level) for level in levels(graph)),
    )


def slot_order(slot: Slot) -> tuple[tuple[int, str], str]:
    """The order of slots everywhere: number, letters, name."""
    return slot_key(slot.slot), slot.name


def _in_order(kit: Kit) -> list[Release]:
    return sorted(kit.releases.values(), key=lambda release: (release.file, release.key))


def _kustomization_drifts(kit: Kit) -> Iterator[Drift]:
    for name in kit.listed_but_missing:
        yield Drift(
            file=name, problem=f"kustomization.yaml lists '{name}', which is not there: nothing is installed"
        )


def _edge_drifts(kit: Kit, planned: Graph, expected_file: str) -> Iterator[Drift]:
    known = {*kit.releases, *planned}
    for release in _in_order(kit):
        key, namespace = release.key, release.key.namespace
        hints = tuple(_nowhere(target, namespace, known) for target in sorted(release.needs - known))
        if key not in planned:
            problem = (
                f"is present on disk but NOT declared in {expected_file}. Add a slot for it, or run --update."
            )
            yield Drift(release=key.name, file=release.file, problem=problem, hints=hints)
        elif release.needs != planned[key]:
            yield Drift(
                release=key.name,
                file=release.file,
                missing=tuple(sorted(need.seen_from(namespace) for need in planned[key] - release.needs)),
                extra=tuple(sorted(need.seen_from(namespace) for need in release.needs - planned[key])),
                hints=hints,
            )


def _nowhere(target: ReleaseId, namespace: str, known: Set[ReleaseId]) -> str:
    others = sorted(key.namespace for key in known if key.name == target.name)
    found = f"one is in {' and '.join(others)}" if others else "nor anywhere else"
    return (
        f"'{target.seen_from(namespace)}': no release of that name is on disk or declared in namespace "
        f"{target.namespace} ({found}); Flux would wait for ever"
    )


def _number_differences(kit: Kit, declared: Mapping[ReleaseId, Slot]) -> Iterator[str]:
    for release in _in_order(kit):
        number, slot = slot_of_file(release.file), declared.get(release.key)
        if number and slot and slot_key(number) != slot_key(slot.slot):
            yield f"file {release.file} holds '{release.key.name}', which is declared as slot {slot.slot}"


def _waits_for(kit: Kit, deferred: Collection[ReleaseId]) -> Iterator[tuple[Release, str]]:
    for release in _in_order(kit):
        for target in sorted(release.needs.intersection(deferred)):
            shown = target.seen_from(release.key.namespace)
            yield release, f"waits for '{shown}', which is declared but not on disk"


def _doubtful_waits(kit: Kit) -> Iterator[str]:
    for release in _in_order(kit):
        for target in sorted(release.needs):
            on_disk = kit.releases.get(target)
            shown = target.seen_from(release.key.namespace)
            waits = f"HR '{release.key.name}' (file {release.file}) waits for '{shown}'"
            # Both switched by the same expression stop together, so neither waits for the other.
            if on_disk and on_disk.suspend and on_disk.suspend != release.suspend:
                yield f"{waits}, whose spec.suspend is {on_disk.suspend}: it never becomes Ready then"
            if not on_disk and target.name in kit.kustomizations:
                yield f"{waits}, a Flux Kustomization here: a HelmRelease never finds one"


def _unknown_targets(planned: Graph, declared: Mapping[ReleaseId, Slot], file: str) -> Iterator[str]:
    for key in sorted(planned, key=lambda key: slot_order(declared[key])):
        for target in sorted(planned[key] - declared.keys()):
            shown = target.seen_from(key.namespace)
            yield f"slot {declared[key].slot} '{key.name}': depends_on '{shown}', not declared in {file}"
