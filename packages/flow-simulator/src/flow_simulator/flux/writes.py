"""What Flux and the people who feed it write to the API: the machine's only output. Pure data."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["helmreleases", "helmcharts"]


@dataclass(frozen=True, kw_only=True)
class Create:
    """A new object, `at_s` virtual seconds after the run began."""

    at_s: float
    kind: Kind
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SetStatus:
    """The whole status of an object."""

    at_s: float
    kind: Kind
    namespace: str
    name: str
    status: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A merge patch of the object itself."""

    at_s: float
    kind: Kind
    namespace: str
    name: str
    patch: dict[str, Any]


Write = Create | SetStatus | Patch
