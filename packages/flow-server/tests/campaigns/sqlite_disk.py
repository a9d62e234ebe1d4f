"""A disk under the sqlite store that records what is written, delays its syncs, fills up, or fails.

SQLite in the standard library has no file layer that Python can write, so the store is given a connection of
apsw in the clothes of the standard library's; the statements, and the library that runs them, are the same.
"""

import itertools
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import apsw

_names = itertools.count()
_RAISED_HERE: dict[type[apsw.Error], str] = {
    apsw.FullError: "SQLITE_FULL",
    apsw.IOError: "SQLITE_IOERR_FSYNC",
}


@dataclass
class Disk:
    """What happened to files, in order, and what is to happen next."""

    operations: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    """`("write", file, offset, bytes)`, `("truncate", file, size)`, `("sync", file)`, `("delete", file)`."""
    recording: bool = False
    sync_delay_s: float = 0.0
    syncs: int = 0
    free_bytes: int | None = None
    """How much may still be written; `None` is no bound."""
    sync_fails: bool = False

    def note(self, *operation: Any) -> None:
        if self.recording:
            self.operations.append(operation)


class _Files(apsw.VFS):
    """SQLite's own file layer with a `Disk` in between."""

    def __init__(self, name: str, disk: Disk) -> None:
        super().__init__(name, "")
        self._disk = disk
        self.name = name

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "_File":
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self._disk.note("delete", Path(filename).name)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._file = Path(text).name if text else "temporary"

    def xWrite(self, data: Any, offset: int) -> None:
        disk = self._disk
        if disk.free_bytes is not None:
            if len(data) > disk.free_bytes:
                raise apsw.FullError("the disk is full")
            disk.free_bytes -= len(data)
        cast("Any", super()).xWrite(data, offset)
        disk.note("write", self._file, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._disk.note("truncate", self._file, newsize)

    def xSync(self, flags: int) -> None:
        disk = self._disk
        if disk.sync_fails:
            raise apsw.IOError("the disk failed to sync")
        if disk.sync_delay_s:
            time.sleep(disk.sync_delay_s)
        super().xSync(flags)
        disk.syncs += 1
        disk.note("sync", self._file)


@contextmanager
def _errors() -> Generator[None]:
    """apsw's errors as those of the standard library."""
    try:
        yield
    except apsw.Error as error:
        # An error that our file layer raised comes back as it is, without SQLite's number.
        code: int = getattr(error, "extendedresult", 0) or getattr(error, "result", 0)
        names = apsw.mapping_extended_result_codes | apsw.mapping_result_codes
        name = names.get(code) if code else _RAISED_HERE.get(type(error))
        translated = sqlite3.OperationalError(str(error))
        translated.sqlite_errorname = str(name or "SQLITE_ERROR")
        raise translated from error


class _Cursor:
    def __init__(self, cursor: Any, lastrowid: int) -> None:
        self._cursor = cursor
        self.lastrowid = lastrowid

    def fetchone(self) -> Any:
        with _errors():
            return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        with _errors():
            return list(self._cursor.fetchall())

    def __iter__(self) -> Iterator[Any]:
        with _errors():
            yield from self._cursor


class _Connection:
    """As much of the standard library's connection as the store uses."""

    def __init__(self, path: Path, vfs: _Files) -> None:
        self._vfs = vfs  # SQLite knows it by name only
        with _errors():
            self._apsw = apsw.Connection(str(path), vfs=vfs.name)

    @property
    def in_transaction(self) -> bool:
        return self._apsw.in_transaction

    def execute(self, statement: str, values: Sequence[Any] = ()) -> _Cursor:
        with _errors():
            cursor: Any = self._apsw.cursor()
            cursor.execute(statement, tuple(values))
            return _Cursor(cursor, self._apsw.last_insert_rowid())

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        with _errors():
            cursor: Any = self._apsw.cursor()
            cursor.executemany(statement, list(rows))

    def close(self) -> None:
        with _errors():
            self._apsw.close(True)


def connect_to(disk: Disk) -> Callable[[Path], sqlite3.Connection]:
    """What the store is given as `connect`, so that its file is on this disk."""

    def connect(path: Path) -> sqlite3.Connection:
        vfs = _Files(f"disk{next(_names)}", disk)
        return cast("sqlite3.Connection", _Connection(path, vfs))

    return connect


def files_after(operations: Sequence[tuple[Any, ...]]) -> dict[str, bytearray]:
    """The files as these operations leave them, from nothing."""
    files: dict[str, bytearray] = {}
    for operation in operations:
        apply(files, operation)
    return files


def apply(files: dict[str, bytearray], operation: tuple[Any, ...]) -> None:
    """Let one operation happen to the files."""
    match operation:
        case ("write", name, offset, data):
            file = files.setdefault(name, bytearray())
            if len(file) < offset:
                file.extend(bytes(offset - len(file)))
            file[offset : offset + len(data)] = data
        case ("truncate", name, size):
            del files.setdefault(name, bytearray())[size:]
        case ("delete", name):
            files.pop(name, None)
        case _:
            pass
