"""How Flux puts variables into manifests (a Kustomization's `postBuild.substitute`): as text, without quotes.

Written after kustomize-controller's documentation: each object of a build is written as YAML, its variables
are replaced, and the text is parsed again. Only what this project may use is here: `${v}`, `${v:=d}`,
`${v:-d}`, `${v=d}`, `${v-d}` (all four take the default for an empty variable too), defaults with variables
in them, and `$$`.
"""

import re
from collections.abc import Mapping

from .manifests import Manifest, parsed

_NAME = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
_OPERATOR = re.compile(r":=|:-|=|-")
DISABLED = "kustomize.toolkit.fluxcd.io/substitute"


class Unsupported(Exception):
    """An expression that Flux would refuse, or read otherwise than a shell does."""


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """The text with its variables replaced. Raises `Unsupported`."""
    result, end = _upto(text, 0, variables, closing=False)
    assert end == len(text)
    return result


def applied(build: str, variables: Mapping[str, str]) -> list[Manifest]:
    """The objects of a kustomize build, each with its variables replaced. Raises `Unsupported`, YAMLError."""
    flat = {name: value.replace("\n", "") for name, value in variables.items()}
    objects: list[Manifest] = []
    for text in build.split("\n---\n"):
        (metadata,) = (manifest["metadata"] for manifest in parsed(text))
        marks = {**metadata.get("labels", {}), **metadata.get("annotations", {})}
        objects += parsed(text if marks.get(DISABLED) == "disabled" else substituted(text, flat))
    return objects


def _upto(text: str, at: int, variables: Mapping[str, str], *, closing: bool) -> tuple[str, int]:
    """What stands from `at` to the end, or to the brace that closes this default; and where that is."""
    parts: list[str] = []
    while at < len(text):
        if text.startswith("$${", at):
            parts.append("${")
            at += 3
        elif text.startswith("${", at):
            part, at = _expression(text, at + 2, variables)
            parts.append(part)
        elif closing and text[at] == "}":
            return "".join(parts), at
        else:
            parts.append(text[at])
            at += 1
    if closing:
        raise Unsupported("a brace that nobody closes")
    return "".join(parts), at


def _expression(text: str, at: int, variables: Mapping[str, str]) -> tuple[str, int]:
    name = _NAME.match(text, at)
    if name is None:
        raise Unsupported(f"expected a variable's name at {text[at : at + 20]!r}")
    value = variables.get(name[0], "")
    at = name.end()
    if text.startswith("}", at):
        return value, at + 1
    operator = _OPERATOR.match(text, at)
    if operator is None:
        raise Unsupported(f"an operator that we do not use at {text[at : at + 20]!r}")
    default, at = _upto(text, operator.end(), variables, closing=True)
    return value or default, at + 1
