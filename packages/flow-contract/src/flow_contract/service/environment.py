"""Settings from the environment: each value checked, each error names its variable and what was expected."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from flow_contract.error import shown
from flow_contract.service.listening import ListenAddress, listen_address

T = TypeVar("T")
D = TypeVar("D")

_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_DURATION = re.compile(rf"(?:{_DURATION_PART.pattern})+|0", re.ASCII)
_SIZE = re.compile(r"(\d{1,16})(|Ki|Mi|Gi)", re.ASCII)
_UNIT_BYTES = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_INJECTED_BY_KUBERNETES = re.compile(r"_SERVICE_|_PORT(_|$)")

LONGEST_S = 10 * 365 * 86400.0
"""Longest duration that a setting may have, in seconds: ten years, far from where timers overflow."""


class SettingError(ValueError):
    """A setting is missing or bad: `variable`, what was `expected`, what was `found` (`None`: not set)."""

    def __init__(self, *, variable: str, expected: str, found: str | None = None) -> None:
        """Keep the parts as attributes; the text is made of them."""
        seen = "it is not set" if found is None else f"found {shown(found)}"
        super().__init__(f"{variable}: expected {expected}, {seen}")
        self.variable = variable
        self.expected = expected
        self.found = found


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[T]):
    """A kind of value: how it is read (raises ValueError or KeyError) and what to say was expected."""

    read: Callable[[str], T]
    expected: str
    blank: bool = False
    """Whether an empty or blank value is one; else it is an error, never the default."""


class Environment:
    """Reads variables and remembers which it was asked for. Raises `SettingError`."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Read from `variables`, in production `os.environ`."""
        self._variables = variables
        self._known: set[str] = set()

    def required(self, name: str, kind: Kind[T]) -> T:
        """The value of a variable that must be set."""
        self._known.add(name)
        if (found := self._variables.get(name)) is None:
            raise SettingError(variable=name, expected=kind.expected)
        if not found.strip() and not kind.blank:
            raise SettingError(variable=name, expected=kind.expected, found=found)
        try:
            return kind.read(found)
        except (ValueError, KeyError) as error:
            raise SettingError(variable=name, expected=kind.expected, found=found) from error

    def optional(self, name: str, kind: Kind[T], default: D) -> T | D:
        """The value of a variable, or `default` when it is not set."""
        self._known.add(name)
        return self.required(name, kind) if self.is_set(name) else default

    def is_set(self, name: str) -> bool:
        """Whether the variable is there, whatever its value."""
        return name in self._variables

    def unknown(self, prefix: str) -> Iterator[str]:
        """Variables with our prefix that nobody asked for, sorted; what Kubernetes injects is left out."""
        for name in sorted(self._variables):
            if (
                name.startswith(prefix)
                and name not in self._known
                and not _INJECTED_BY_KUBERNETES.search(name)
            ):
                yield name


TEXT = Kind(read=str, expected="a non-empty text")
"""A text, taken as it is."""

PATH = Kind(read=Path, expected="a path")
"""A file's or folder's path."""

BOOLEAN = Kind(read={"true": True, "false": False}.__getitem__, expected="true or false")
"""`true` or `false`, nothing else."""

LISTEN_ADDRESS: Kind[ListenAddress] = Kind(
    read=listen_address, expected="an address like :8080, 127.0.0.1:8080 or [::1]:8080"
)
"""Where to listen; without a host on IPv4 and IPv6."""


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if not all(words):
        raise ValueError(text)
    return words


WORDS = Kind(read=_words, expected="a comma-separated list")
"""Words between commas, the blanks around each dropped."""


def choice(*words: str) -> Kind[str]:
    """One of `words`, exactly."""
    return Kind(read={word: word for word in words}.__getitem__, expected=" or ".join(words))


def whole_number(*, least: int = 0, most: int = 2**53 - 1) -> Kind[int]:
    """A whole number in decimal digits, both bounds included."""

    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,16}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return Kind(read=read, expected=f"a whole number from {least} to {most}")


def duration(*, least_s: float = 0.0, most_s: float = LONGEST_S) -> Kind[float]:
    """A duration as Go writes it (`200ms`, `1m30s`, `0`), read as seconds, both bounds included."""

    def read(text: str) -> float:
        if not _DURATION.fullmatch(text):
            raise ValueError(text)
        seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
        if not least_s <= seconds <= most_s:
            raise ValueError(text)
        return seconds

    bounds = f", at least {least_s:g}s" if least_s else ""
    bounds += f", at most {most_s:g}s" if most_s < LONGEST_S else ""
    return Kind(read=read, expected=f"a duration like 200ms or 1m30s{bounds}")


def size(*, least: int = 0, most: int = 2**53 - 1) -> Kind[int]:
    """A size as Kubernetes writes it (`65536`, `512Ki`, `8Mi`), read as bytes, both bounds included."""

    def read(text: str) -> int:
        parts = _SIZE.fullmatch(text)
        if parts is None or not least <= int(parts[1]) * _UNIT_BYTES[parts[2]] <= most:
            raise ValueError(text)
        return int(parts[1]) * _UNIT_BYTES[parts[2]]

    return Kind(read=read, expected=f"a size like 65536, 512Ki or 8Mi, from {least} to {most} bytes")
