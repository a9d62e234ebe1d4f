"""A file's content as lines of JSON, and back: for backups, for moving, for looking inside.

The first line is a `Heading`; then, for each flow, a `FlowLine` with its base and a `MessageLine` for each
message above it. What is read back gets a new epoch and new sequences, all above any that were ever handed
out: what readers and emitters have seen since the export is not in it, and their old cursors must not fit.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Struct

from flow_contract import ContractError, decode_message, encode_message, shown
from flow_server.core.envelope import Envelope
from flow_server.core.fold import StateImage
from flow_server.store import Checkpoint, Restored, StoreError
from flow_server.store.sqlite import rows
from flow_server.store.sqlite.schema import meaning_of, opened, transaction

FORMAT_VERSION = 1
"""Version of the lines; a higher one was written by a newer server and is refused."""


class Heading(Struct, frozen=True, kw_only=True, tag_field="kind", tag="flow-server export"):
    """What the lines are."""

    version: int


class FlowLine(Struct, frozen=True, kw_only=True, tag_field="kind", tag="flow", omit_defaults=True):
    """A flow and its state before the messages that follow. Times in Unix milliseconds."""

    flow: str
    first_at: int
    base_at: int
    base: StateImage


class MessageLine(Struct, frozen=True, kw_only=True, tag_field="kind", tag="message"):
    """A message of the flow of the last `FlowLine`, with its time of receipt."""

    at: int
    message: msgspec.Raw


class Report(Struct, frozen=True, kw_only=True):
    """What a file holds, or what was read into one."""

    flows: int = 0
    messages: int = 0
    nodes: int = 0
    relationships: int = 0


_decode_line = msgspec.json.Decoder(Heading | FlowLine | MessageLine).decode


def checked(path: Path) -> Report:
    """What the file holds, after every row was checked. Raises `StoreError` that names file and damage."""
    flows = messages = nodes = relationships = 0
    for change in _changes(path):
        flows += 1
        messages += len(change.envelopes)
        nodes += len(change.checkpoint.state.nodes)
        relationships += len(change.checkpoint.state.relationships)
    return Report(flows=flows, messages=messages, nodes=nodes, relationships=relationships)


def exported(path: Path) -> Iterator[bytes]:
    """The file's content, a line at a time, without line ends. Raises `StoreError`."""
    yield msgspec.json.encode(Heading(version=FORMAT_VERSION))
    for change in _changes(path):
        checkpoint = change.checkpoint
        yield msgspec.json.encode(
            FlowLine(
                flow=change.flow_id,
                first_at=checkpoint.first_at_ms,
                base_at=checkpoint.base_at_ms,
                base=checkpoint.base,
            )
        )
        for envelope in change.envelopes:
            yield msgspec.json.encode(MessageLine(at=envelope.at_ms, message=msgspec.Raw(envelope.encoded)))


def imported(path: Path, lines: Iterable[bytes], *, now_us: Callable[[], int]) -> Report:
    """Write a new file from lines, whole or not at all. Raises `StoreError` that names the offending line."""
    if path.exists() and path.stat().st_size:
        raise StoreError(f"{path}: there is a file already; an import begins with a new one")
    connection = opened(path)
    try:
        with transaction(connection):
            report = _write(connection, _numbered(lines), now_us=now_us())
    except BaseException as error:
        connection.close()
        for left in (path, path.with_name(path.name + "-wal")):
            left.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"{path}: {meaning_of(error)}") from error
        raise
    connection.close()
    return report


def _changes(path: Path) -> Iterator[Restored]:
    if not path.exists():
        raise StoreError(f"{path}: there is no such file")
    connection = opened(path)
    try:
        for _, change in rows.flows(connection, path):
            yield change
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {meaning_of(error)}") from error
    finally:
        connection.close()


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, Heading | FlowLine | MessageLine]]:
    """Each line decoded, with its number from 1; blank lines are passed over."""
    number = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            decoded = _decode_line(line)
            if isinstance(decoded, MessageLine):
                decode_message(bytes(decoded.message))
        except (msgspec.MsgspecError, ContractError, UnicodeDecodeError, RecursionError) as error:
            raise StoreError(f"line {number} is not of an export: {error}") from error
        yield number, decoded


def _write(
    connection: sqlite3.Connection,
    lines: Iterator[tuple[int, Heading | FlowLine | MessageLine]],
    *,
    now_us: int,
) -> Report:
    _, heading = next(lines, (0, None))
    if not isinstance(heading, Heading):
        raise StoreError("line 1 is not the heading of an export")
    if heading.version > FORMAT_VERSION:
        raise StoreError(f"line 1: written by a newer flow-server (version {heading.version})")
    flows = messages = nodes = relationships = 0
    flow: FlowLine | None = None
    waiting: list[MessageLine] = []
    seen: set[str] = set()
    for number, line in chain(lines, [(0, None)]):
        if isinstance(line, MessageLine):
            if flow is None:
                raise StoreError(f"line {number}: a message before any flow")
            waiting.append(line)
            continue
        if flow is not None:
            _write_flow(connection, flow, waiting, now_us=now_us)
            messages += len(waiting)
            waiting = []
        if isinstance(line, FlowLine):
            if line.flow in seen:
                raise StoreError(f"line {number}: flow {shown(line.flow)} is there twice")
            seen.add(line.flow)
            flows += 1
            nodes += len(line.base.nodes)
            relationships += len(line.base.relationships)
            flow = line
        elif line is not None:
            raise StoreError(f"line {number}: a second heading")
    return Report(flows=flows, messages=messages, nodes=nodes, relationships=relationships)


def _write_flow(
    connection: sqlite3.Connection, flow: FlowLine, lines: list[MessageLine], *, now_us: int
) -> None:
    """Write a flow; its messages have the last sequences up to now, above any that were handed out before."""
    floor = now_us - len(lines)
    envelopes = tuple(
        Envelope(
            sequence=floor + index,
            at_ms=line.at,
            encoded=encode_message(decode_message(bytes(line.message))),
        )
        for index, line in enumerate(lines, 1)
    )
    checkpoint = Checkpoint(
        sequence=floor,
        first_at_ms=flow.first_at,
        at_ms=flow.base_at,
        state=flow.base,
        base_sequence=floor,
        base_at_ms=flow.base_at,
        base=flow.base,
    )
    pk = rows.insert_flow(connection, flow.flow, checkpoint)
    if envelopes:
        rows.update_flow(connection, pk, flow.flow, first_at_ms=flow.first_at, last=envelopes[-1].sequence)
        rows.insert_events(connection, rows.event_values(pk, envelopes, before=floor))
