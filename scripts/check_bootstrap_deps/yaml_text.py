"""YAML as Kubernetes' tools take it: a double key or a broken line is an error with its place, never skipped.

Values come out as `object`; `mapping`, `sequence` and `text` turn one into what the caller needs or say
what stands there instead.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import yaml

from .input_error import InputError

if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader as _BaseLoader
else:  # ten times faster, with the same values and the same places
    from yaml import CSafeLoader as _BaseLoader


class Document(NamedTuple):
    """One YAML document: its node (for places and raw text), its value, and `where` = `FILE:LINE`."""

    node: yaml.Node
    value: object
    where: str


class _Loader(_BaseLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} stands here twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


def read_documents(path: Path, *, shown: str) -> list[Document]:
    """Every document of the file that is not empty; `shown` is the file's name in messages.

    Errors: `InputError` when it cannot be opened, is no UTF-8, or is no YAML (with line and column).
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=shown) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8", where=f"{shown}:{line}") from error
    try:
        return _documents(text, shown)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{shown}:{mark.line + 1}:{mark.column + 1}" if mark else shown
        raise InputError(f"is not valid YAML: {error.problem}", where=where) from error
    except yaml.YAMLError as error:
        raise InputError(f"is not valid YAML: {' '.join(str(error).split())}", where=shown) from error
    except RecursionError as error:
        raise InputError("is nested too deep", where=shown) from error


def _documents(text: str, shown: str) -> list[Document]:
    loader = _Loader(text)
    found: list[Document] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                continue
            value: object = loader.construct_document(node)  # pyright: ignore[reportUnknownMemberType]
            if value is not None:
                found.append(Document(node, value, f"{shown}:{node.start_mark.line + 1}"))
    finally:
        loader.dispose()
    return found


def mapping(value: object, what: str, *, where: str) -> Mapping[str, object]:
    """`value` as a mapping; a missing one is empty.

    Errors: `InputError` that names `what` and what stands there instead.
    """
    if value is None:
        return {}
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    raise InputError(f"{what} is not a mapping but {value!r}", where=where)


def sequence(value: object, what: str, *, where: str) -> Sequence[object]:
    """`value` as a list; a missing one is empty. Errors: as `mapping`."""
    if value is None:
        return []
    if isinstance(value, list):
        return cast("list[object]", value)
    raise InputError(f"{what} is not a list but {value!r}", where=where)


def text(value: object, what: str, *, where: str) -> str:
    """`value` as a non-empty string. Errors: as `mapping`."""
    if isinstance(value, str) and value.strip():
        return value
    raise InputError(f"{what} is not a name but {value!r}", where=where)
