"""Append-only files of log entries, one JSON line each."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import msgspec

from flow_simulator.checker.entries import Entry

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


class Log:
    """Entries in memory and, with a path, in a file that keeps them when its process is killed."""

    def __init__(self, path: Path | None = None) -> None:
        """Append to the file at `path`, which may be there already."""
        self.entries: list[Entry] = []
        self._file = None if path is None else path.open("ab", buffering=0)

    def write(self, entry: Entry) -> None:
        """Add an entry; it is with the operating system when this returns."""
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(_encoder.encode(entry) + b"\n")

    def close(self) -> None:
        """Close the file; the entries stay."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> "Log":
        """The log itself, closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def read_logs(paths: Iterable[Path]) -> list[Entry]:
    """All entries of some files, by time. Half a line at a file's end, of a killed process, is left out."""
    entries: list[Entry] = []
    for path in paths:
        *whole, _half = path.read_bytes().split(b"\n")
        entries += [_decoder.decode(line) for line in whole]
    return sorted(entries, key=lambda entry: entry.at_ns)
