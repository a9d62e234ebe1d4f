"""Rows of the file as our structs, and back; every value read is checked against its checksum."""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from zlib import crc32

import msgspec

from flow_server.core.envelope import Envelope
from flow_server.core.fold import StateImage
from flow_server.store import Checkpoint, Restored, StoreError

_encode = msgspec.msgpack.encode
_decode_checkpoint = msgspec.msgpack.Decoder(Checkpoint).decode

_NOTHING = StateImage()


def epoch(connection: sqlite3.Connection, path: Path) -> str:
    """The file's epoch, with a look at the rest of `meta`. Raises `DamagedRow`."""
    meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    if not isinstance(meta.get("epoch"), str) or not isinstance(meta.get("spent"), int):
        raise DamagedRow(f"{path}: the file is damaged: it has no epoch")
    return meta["epoch"]


def spent(connection: sqlite3.Connection) -> int:
    """The highest sequence that a deletion has used up."""
    return connection.execute("SELECT value FROM meta WHERE name = 'spent'").fetchone()[0]


def event_sum(*, flow: int, sequence: int, before: int, at_ms: int, data: bytes) -> int:
    """Checksum of an event; `before` is the sequence of the flow's message before it."""
    return crc32(data, crc32(b"%d %d %d %d" % (flow, sequence, before, at_ms)))


def flow_sum(*, flow: int, flow_id: str, first_at_ms: int, last: int) -> int:
    """Checksum of a flow's row."""
    return crc32(b"%d %d %d %b" % (flow, first_at_ms, last, flow_id.encode()))


def born(*, floor: int, at_ms: int) -> Checkpoint:
    """The checkpoint of a flow before its first message."""
    return Checkpoint(
        sequence=floor,
        first_at_ms=at_ms,
        at_ms=at_ms,
        state=_NOTHING,
        base_sequence=floor,
        base_at_ms=at_ms,
        base=_NOTHING,
    )


def insert_flow(connection: sqlite3.Connection, flow_id: str, checkpoint: Checkpoint) -> int:
    """Write a new flow as its checkpoint shows it, without messages above that; its primary key."""
    first_at_ms, last = checkpoint.first_at_ms, checkpoint.sequence
    flow = connection.execute(
        "INSERT INTO flow (id, first_at_ms, last, sum) VALUES (?, ?, ?, 0)", (flow_id, first_at_ms, last)
    ).lastrowid
    assert flow is not None  # noqa: S101
    checksum = flow_sum(flow=flow, flow_id=flow_id, first_at_ms=first_at_ms, last=last)
    connection.execute("UPDATE flow SET sum = ? WHERE pk = ?", (checksum, flow))
    keep_checkpoint(connection, flow, checkpoint)
    return flow


def update_flow(
    connection: sqlite3.Connection, flow: int, flow_id: str, *, first_at_ms: int, last: int
) -> None:
    """Write how far a flow goes now."""
    checksum = flow_sum(flow=flow, flow_id=flow_id, first_at_ms=first_at_ms, last=last)
    connection.execute("UPDATE flow SET last = ?, sum = ? WHERE pk = ?", (last, checksum, flow))


def event_values(flow: int, envelopes: Sequence[Envelope], *, before: int) -> list[int | bytes]:
    """Messages as the values of their rows, one row after the other, for `insert_events`.

    `before` is the sequence of the flow's message before the first.
    """
    values: list[int | bytes] = []
    for envelope in envelopes:
        sequence, at_ms, data = envelope.sequence, envelope.at_ms, envelope.encoded
        checksum = event_sum(flow=flow, sequence=sequence, before=before, at_ms=at_ms, data=data)
        values += (flow, sequence, at_ms, data, checksum)
        before = sequence
    return values


_EVENT_COLUMNS = 5

_MOST_AT_ONCE = 64
"""Rows that one statement inserts: few enough that a statement for each count stays prepared."""


def insert_events(connection: sqlite3.Connection, values: Sequence[int | bytes]) -> None:
    """Write rows of `event_values`, many with one statement.

    Each statement lets go of the interpreter's lock and has to get it back, from an event loop that is busy
    just when there is much to write: `executemany` would do so for every row.
    """
    step = _MOST_AT_ONCE * _EVENT_COLUMNS
    for start in range(0, len(values), step):
        part = values[start : start + step]
        connection.execute(_insert(len(part) // _EVENT_COLUMNS), part)


@cache
def _insert(count: int) -> str:
    return "INSERT INTO event VALUES (?, ?, ?, ?, ?)" + ", (?, ?, ?, ?, ?)" * (count - 1)


def keep_checkpoint(connection: sqlite3.Connection, flow: int, checkpoint: Checkpoint) -> None:
    """Write a flow's checkpoint in place of the one before it."""
    data = _encode(checkpoint)
    row = (flow, data, _checkpoint_sum(flow, data))
    connection.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)", row)


def _checkpoint_sum(flow: int, data: bytes) -> int:
    return crc32(data, crc32(b"%d" % flow))


class DamagedRow(StoreError):
    """A row is not what was written."""


def flows(connection: sqlite3.Connection, path: Path) -> Iterator[tuple[int, Restored]]:
    """Every flow of the file with its primary key. Raises `DamagedRow` that names file, flow and damage."""
    rows = connection.execute("SELECT pk, id, first_at_ms, last, sum FROM flow ORDER BY pk").fetchall()
    for flow, flow_id, first_at_ms, last, stored in rows:
        try:
            computed = flow_sum(flow=flow, flow_id=flow_id, first_at_ms=first_at_ms, last=last)
        except (TypeError, AttributeError):
            computed = None
        if computed != stored:
            raise DamagedRow(f"{path}: the row of flow {flow_id!r} is damaged")
        checkpoint = _checkpoint(connection, path, flow, flow_id)
        envelopes = tuple(_events(connection, path, flow, flow_id, after=checkpoint.base_sequence))
        newest = envelopes[-1].sequence if envelopes else checkpoint.base_sequence
        if newest != last or checkpoint.sequence > last:
            raise DamagedRow(
                f"{path}: messages of flow {flow_id!r} are missing: {last} was written, {newest} is there"
            )
        yield flow, Restored(flow_id=flow_id, checkpoint=checkpoint, envelopes=envelopes)


def _checkpoint(connection: sqlite3.Connection, path: Path, flow: int, flow_id: str) -> Checkpoint:
    found = connection.execute("SELECT data, sum FROM checkpoint WHERE flow = ?", (flow,)).fetchone()
    try:
        if found is not None and _checkpoint_sum(flow, found[0]) == found[1]:
            return _decode_checkpoint(found[0])
    except (TypeError, msgspec.MsgspecError):
        pass
    raise DamagedRow(f"{path}: the checkpoint of flow {flow_id!r} is damaged")


def _events(
    connection: sqlite3.Connection, path: Path, pk: int, flow_id: str, *, after: int
) -> Iterator[Envelope]:
    before = after
    rows = connection.execute(
        "SELECT sequence, at_ms, data, sum FROM event WHERE flow = ? AND sequence > ? ORDER BY sequence",
        (pk, after),
    )
    for sequence, at_ms, data, stored in rows:
        try:
            computed = event_sum(flow=pk, sequence=sequence, before=before, at_ms=at_ms, data=data)
        except TypeError:
            computed = None
        if computed != stored:
            raise DamagedRow(
                f"{path}: message {sequence} of flow {flow_id!r} is damaged, or one before it is missing"
            )
        before = sequence
        yield Envelope(sequence=sequence, at_ms=at_ms, encoded=data)
