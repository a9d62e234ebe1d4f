"""Writes the expected file from the kit; waves, deferred slots and comments stay as they are."""

import dataclasses
import json
import os
import re
from collections.abc import Collection
from pathlib import Path

from .declared import declared_ids, resolve, written_as
from .expected import Expected, Slot
from .graph import ReleaseId
from .input_error import InputError
from .kit import Kit, Release
from .slots import slot_key, slot_of_file

_HEAD = "# The expected graph of the bootstrap kit: a slot for each release, and what it waits for.\nslots:\n"
_NEW_WAVE = "present"
_PLAIN = re.compile(r"(?!(?:true|false|yes|no|on|off|null|y|n)$)[A-Za-z][A-Za-z0-9._/-]*", re.IGNORECASE)


def updated_text(before: str, expected: Expected, kit: Kit) -> str:
    """`before` with each entry that the kit contradicts written anew, new releases at their slot's place, and
    every other byte as it was. `expected` is what was read from `before`; without slots a file is begun.

    Errors: `InputError` when `slots` is not written as one `- ` entry after the other.
    """
    declared = declared_ids(expected, kit)
    known = {*declared, *kit.releases}
    text = before if declared else _HEAD
    edits: list[tuple[int, int, str]] = []
    new: list[Slot] = []
    next_free = max((slot_key(slot.slot)[0] for slot in expected.slots), default=0) + 1
    for release in kit.releases.values():
        slot = declared.get(release.key)
        if slot is None:
            new.append(_new_slot(release, next_free, known))
        elif (wanted := _as_on_disk(slot, release, known)) != slot:
            edits.append((*slot.span, _entry(wanted)))
    if new and not text.endswith("\n"):
        text += "\n"
    for slot in sorted(new, key=lambda slot: (slot_key(slot.slot), slot.name)):
        at, prefix = _insertion(text, slot, declared.values())
        edits.append((at, at, f"{prefix}{_entry(slot)}\n"))
    # From the end, so that the places before an edit stay true.
    for start, end, entry in sorted(edits, key=lambda edit: edit[0])[::-1]:
        text = text[:start] + entry + text[end:]
    return text


def write_expected(path: Path, text: str) -> None:
    """Replaces the file in one step: whoever reads meanwhile sees the old or the new one.

    Errors: `InputError` when the place cannot be written to.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _as_on_disk(slot: Slot, release: Release, known: Collection[ReleaseId]) -> Slot:
    own = release.key.namespace
    written = {text: resolve(text, seen_from=own, known=known) for text in slot.depends_on}
    kept = [text for text, target in written.items() if target in release.needs]
    added = [written_as(need, seen_from=own, known=known) for need in release.needs - set(written.values())]
    namespace = own if _is_shared(release.key, known) else slot.namespace
    return dataclasses.replace(slot, depends_on=(*kept, *sorted(added)), namespace=namespace)


def _new_slot(release: Release, next_free: int, known: Collection[ReleaseId]) -> Slot:
    own = release.key
    return Slot(
        slot=slot_of_file(release.file) or str(next_free),
        name=own.name,
        depends_on=tuple(
            sorted(written_as(need, seen_from=own.namespace, known=known) for need in release.needs)
        ),
        wave=_NEW_WAVE,
        namespace=own.namespace if _is_shared(own, known) else None,
        line=0,
        span=(0, 0),
    )


def _is_shared(key: ReleaseId, known: Collection[ReleaseId]) -> bool:
    return any(other.name == key.name and other != key for other in known)


def _entry(slot: Slot) -> str:
    fields = [
        ("slot", slot.slot if re.fullmatch("0|[1-9][0-9]*", slot.slot) else json.dumps(slot.slot)),
        ("name", _yaml(slot.name)),
        *([("namespace", _yaml(slot.namespace))] if slot.namespace else []),
        ("wave", _yaml(slot.wave)),
        ("depends_on", f"[{', '.join(map(_yaml, slot.depends_on))}]"),
    ]
    return "{" + ", ".join(f"{name}: {value}" for name, value in fields) + "}"


def _yaml(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value)


def _insertion(text: str, new: Slot, slots: Collection[Slot]) -> tuple[int, str]:
    """Where a new slot's line goes and what it begins with: behind the last slot that is not above it."""
    if not slots:
        return len(text), "  - "
    below = [slot for slot in slots if slot_key(slot.slot) <= slot_key(new.slot)]
    beside = max(below, key=lambda slot: slot.span) if below else min(slots, key=lambda slot: slot.span)
    line_start = text.rfind("\n", 0, beside.span[0]) + 1
    prefix = text[line_start : beside.span[0]]
    if prefix.strip() != "-":
        raise InputError(
            "--update needs each slot to begin a line of its own with '- '", where=f"line {beside.line}"
        )
    if not below:
        return line_start, prefix
    line_end = text.find("\n", beside.span[1])
    return (len(text) if line_end < 0 else line_end + 1), prefix
