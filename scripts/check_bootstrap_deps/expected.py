"""The expected graph: `slots:`, a list of `{slot, name, depends_on, wave}`, and optionally `namespace`.

A name in `depends_on` may be written `namespace/name`; without a namespace it is the declared release of
that name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from .input_error import InputError
from .slots import is_slot
from .yaml_text import Document, read_documents

UNASSIGNED = "unassigned"
"""The wave of a slot that names none."""

_FIELDS = frozenset({"slot", "name", "namespace", "depends_on", "wave"})


@dataclass(frozen=True)
class Slot:
    """One declared release. `namespace` is `None` where the file gives none; `span` is the entry's place in
    the file's text, first and one past the last character, for rewriting it alone."""

    slot: str
    name: str
    depends_on: tuple[str, ...]
    wave: str
    namespace: str | None
    line: int
    span: tuple[int, int]


@dataclass(frozen=True)
class Expected:
    """The declared slots in the file's order; `file` is the file's name in messages."""

    file: str
    slots: tuple[Slot, ...]
    warnings: tuple[str, ...] = ()


def read_expected(path: Path, *, shown: str) -> Expected:
    """Reads the expected graph; `shown` is the file's name in messages.

    Errors: `InputError` for a file that is missing or no YAML, without slots, with a slot that has no name
    or no number, or with a name that is declared twice.
    """
    if not path.is_file():
        raise InputError(f"expected file not found: {shown}")
    documents = read_documents(path, shown=shown)
    entries = _entries(documents[0]) if len(documents) == 1 else []
    if not entries:
        raise InputError(f"no slots in {shown}")
    warnings: list[str] = []
    slots = [_slot(entry, shown, warnings) for entry in entries]
    _refuse_twins(slots, shown)
    return Expected(file=shown, slots=tuple(slots), warnings=tuple(warnings))


def _entries(document: Document) -> list[yaml.Node]:
    if isinstance(document.node, yaml.MappingNode):
        for key, value in document.node.value:
            if key.value == "slots" and isinstance(value, yaml.SequenceNode):
                return list(value.value)
    return []


def _slot(node: yaml.Node, shown: str, warnings: list[str]) -> Slot:
    where = f"{shown}:{node.start_mark.line + 1}"
    if not isinstance(node, yaml.MappingNode):
        raise InputError("a slot is not a mapping", where=where)
    fields: dict[str, yaml.Node] = {key.value: value for key, value in node.value if not _is_null(value)}
    warnings += [f"{where}: unknown field '{name}' is ignored" for name in sorted(fields.keys() - _FIELDS)]
    number = _scalar(fields, "slot", where)
    if not is_slot(number):
        raise InputError(f"slot {number!r} is not a number, or a number and a letter", where=where)
    return Slot(
        slot=number,
        name=_scalar(fields, "name", where),
        depends_on=_names(fields.get("depends_on"), where),
        wave=_scalar(fields, "wave", where) if "wave" in fields else UNASSIGNED,
        namespace=_scalar(fields, "namespace", where) if "namespace" in fields else None,
        line=node.start_mark.line + 1,
        span=(node.start_mark.index, _end(node)),
    )


def _is_null(node: yaml.Node) -> bool:
    return node.tag == "tag:yaml.org,2002:null"


def _scalar(fields: Mapping[str, yaml.Node], name: str, where: str) -> str:
    # The raw text, not the value: YAML would make 8 of `010` and 1200.0 of `12e2`.
    node = fields.get(name)
    if not isinstance(node, yaml.ScalarNode) or not str(node.value).strip():
        raise InputError(f"a slot without {name}", where=where)
    return str(node.value)


def _names(node: yaml.Node | None, where: str) -> tuple[str, ...]:
    if node is None:
        return ()
    if not isinstance(node, yaml.SequenceNode):
        raise InputError("depends_on is not a list of names", where=where)
    names: list[str] = []
    for entry in node.value:
        if not isinstance(entry, yaml.ScalarNode) or _is_null(entry) or not str(entry.value).strip():
            raise InputError("depends_on is not a list of names", where=where)
        names.append(str(entry.value))
    return tuple(names)


def _end(node: yaml.Node) -> int:
    # A block mapping's own end lies behind the blank lines and comments that follow it.
    if isinstance(node, yaml.MappingNode | yaml.SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
    return node.end_mark.index


def _refuse_twins(slots: list[Slot], shown: str) -> None:
    first: dict[str, list[Slot]] = {}
    for slot in slots:
        for twin in first.setdefault(slot.name, []):
            # One name in two namespaces is legal as long as both slots say which.
            if twin.namespace is None or slot.namespace is None or twin.namespace == slot.namespace:
                raise InputError(
                    f"'{slot.name}' is declared twice: slot {twin.slot} (line {twin.line}) and "
                    f"slot {slot.slot} (line {slot.line})",
                    where=shown,
                )
        first[slot.name].append(slot)
