"""The file's layout, and opening it. Source: SQLite's documentation of WAL, `synchronous` and `locking_mode`.

`meta` has the epoch and the highest sequence that a deleted flow had; `flow` a row per flow; `checkpoint` its
state and base, apart, since a row is rewritten as a whole; `event` the messages above each base; `key` the
recent idempotency keys. Rows carry a checksum: SQLite notices a broken tree, not a broken value. An event's
also covers the sequence before it, so that none can be missing in between.
"""

import secrets
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import structlog

from flow_server.store import StoreError

SCHEMA_VERSION = 1
"""Written into the file; a file with a higher one was written by a newer server and is refused."""

APPLICATION_ID = 0x464C4F57  # "FLOW", so that another program's file is not taken for ours

_STATEMENTS = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    """CREATE TABLE flow (
  pk INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  first_at_ms INTEGER NOT NULL,
  last INTEGER NOT NULL,
  sum INTEGER NOT NULL
)""",
    "CREATE TABLE checkpoint (flow INTEGER PRIMARY KEY, data BLOB NOT NULL, sum INTEGER NOT NULL)",
    """CREATE TABLE event (
  flow INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  data BLOB NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (flow, sequence)
) WITHOUT ROWID""",
    """CREATE TABLE key (
  flow TEXT NOT NULL,
  key TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  last INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (flow, key)
) WITHOUT ROWID""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

Connect = Callable[[Path], sqlite3.Connection]
"""Makes the connection; tests bring one whose file layer counts, delays or breaks what is written."""

log = structlog.get_logger(__name__)


def connected(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode that any thread may use, one at a time."""
    return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)


def opened(path: Path, *, connect: Connect = connected) -> sqlite3.Connection:
    """A connection that holds the file for itself, all tables there. Raises `StoreError`."""
    if not path.parent.is_dir():
        raise StoreError(f"{path}: its folder does not exist")
    try:
        return _opened(path, connect)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {meaning_of(error)}") from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """All statements within are durable at its end, or none has happened. Raises `sqlite3.Error`."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def meaning_of(error: sqlite3.Error | OSError) -> str:
    """What an error means to an operator."""
    name = name_of(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another process holds this file; two servers cannot share one"
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return f"the file is damaged or not a flow-server's ({error}); restore a backup, or move it away"
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY", "SQLITE_AUTH")):
        return f"the file cannot be opened for writing ({error})"
    if name.startswith("SQLITE_FULL"):
        return "the disk is full"
    return f"{error} ({name})"


def name_of(error: Exception) -> str:
    """SQLite's name of the error, like `SQLITE_FULL`; empty for errors of Python's module itself."""
    return getattr(error, "sqlite_errorname", None) or ""


def _opened(path: Path, connect: Connect) -> sqlite3.Connection:
    fresh = not path.exists() or path.stat().st_size == 0
    if fresh and path.exists():
        log.warning("the file is empty: a new log begins", file=str(path))
    connection = connect(path)
    try:
        # EXCLUSIVE before WAL: then there is no shared memory file, and a second process fails at once.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{path}: expected a file system that can hold a WAL, found mode {mode!r}")
        connection.execute("PRAGMA synchronous = FULL").fetchone()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if not fresh or version:
            _check(connection, path, version=version, application=application)
        if version == 0:
            with transaction(connection):
                for statement in _STATEMENTS:
                    connection.execute(statement)
                meta = [("epoch", secrets.token_hex(8)), ("spent", 0)]
                connection.executemany("INSERT INTO meta VALUES (?, ?)", meta)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path, *, version: int, application: int) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (tables or version):
        raise StoreError(f"{path}: this is a database, but not a flow-server's")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path}: written by a newer flow-server (schema {version}, this one knows {SCHEMA_VERSION})"
        )
    problems = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    if problems != ["ok"]:
        raise StoreError(
            f"{path}: the file is damaged: {'; '.join(problems)}; restore a backup, or move it away"
        )
