"""Files of earlier releases: those of each schema are kept in `data/`, and this release must open them.

Of each schema there are two: one whose server was stopped, and one whose server was killed, with all that was
acknowledged still in the WAL. A new schema adds both, which `write_the_file_of_this_release` makes, for the
second in a process that kills itself before the hub closes; those that are there stay as they are.
"""

import gzip
import sqlite3
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from flow_contract import DeleteNodes, FlowInstance, Relationship, UpsertFlow, UpsertRels
from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store.sqlite import SqliteStore
from flow_server.store.sqlite.schema import SCHEMA_VERSION
from flow_simulator.checker.server_process import ServerProcess

from ..real_server import EventReader, nodes
from .sites import last_of, node, nodes_of, sequences_of

DATA = Path(__file__).with_name("data")
RING = RingBounds(entries=20)
WRITTEN_US = 1_795_500_000_000_000
STOPPED_LAST = WRITTEN_US + 42
KILLED_LAST = WRITTEN_US + 602
"""Its flow was fed 600 messages instead of 40, for a checkpoint with a base."""
NODES = ["n0", "n1", "n2", "n4", "n5", "n6", "last"]


async def write_the_file_of_this_release(path: Path, *, messages: int = 40) -> None:
    """What each kept file holds: a flow with base and ring, one that was deleted, one with a header."""
    async with Hub(SqliteStore(path, now_us=lambda: WRITTEN_US), bounds=RING).running() as hub:
        await hub.ingest("bootstrap", [node(f"n{number % 7}", f"s{number}") for number in range(messages)])
        await hub.ingest("bootstrap", [DeleteNodes(ids=("n3",))], key="a key")
        edge = Relationship(from_id="n1", to_id="n2", type="finish-to-start")
        await hub.ingest("bootstrap", [UpsertRels(relationships=(edge,)), node("last")])
        await hub.ingest("gone", [node("x")])
        await hub.delete("gone")
        await hub.ingest("ü/1", [UpsertFlow(flow=FlowInstance(id="ü/1", status="running", started_at=5))])


def _stopped(folder: Path, schema: int) -> Path:
    path = folder / "flows.db"
    path.write_bytes(gzip.decompress((DATA / f"sqlite-schema-{schema}.db.gz").read_bytes()))
    return path


def _killed(folder: Path, schema: int) -> Path:
    with tarfile.open(DATA / f"sqlite-schema-{schema}-killed.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    assert (folder / "flows.db-wal").stat().st_size > 100_000, "it was not killed"
    return folder / "flows.db"


def _layout(path: Path) -> list[tuple[object, ...]]:
    """All that a release looks at before it trusts a file, and its tables."""
    connection = sqlite3.connect(path)
    try:
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("user_version", "application_id")
        ]
        return pragmas + connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("schema", range(1, SCHEMA_VERSION + 1))
@pytest.mark.parametrize(("left", "last"), [(_stopped, STOPPED_LAST), (_killed, KILLED_LAST)])
async def test_a_file_of_an_earlier_release_opens_with_all_it_holds_and_is_written_on(
    tmp_path: Path, schema: int, left: Callable[[Path, int], Path], last: int
) -> None:
    path = left(tmp_path, schema)
    for expected in (last, last + 1):
        async with Hub(
            SqliteStore(path, now_us=lambda: time.time_ns() // 1000), bounds=RING
        ).running() as hub:
            assert [flow.id for flow in hub.flows()] == ["bootstrap", "ü/1"]
            assert [name for name, _ in nodes_of(hub, "bootstrap")] == NODES
            assert last_of(hub, "bootstrap") == expected
            assert sequences_of(hub, "bootstrap") == list(range(expected - 19, expected + 1))
            flow, declared = hub.flow("bootstrap"), hub.flow("ü/1")
            assert flow is not None
            assert declared is not None
            assert list(flow.state.relationships) == [("n1", "n2", "finish-to-start")]
            assert declared.header().started_at == 5
            if expected == last:
                await hub.ingest("bootstrap", [node("last", "succeeded")])


async def test_a_file_that_this_release_wrote_on_has_the_layout_that_the_release_before_opens(
    tmp_path: Path,
) -> None:
    path = _stopped(tmp_path, SCHEMA_VERSION)
    before = _layout(path)
    async with Hub(SqliteStore(path, now_us=lambda: time.time_ns() // 1000), bounds=RING).running() as hub:
        await hub.ingest("bootstrap", [node(f"n{number % 7}") for number in range(600)])
    assert _layout(path) == before


async def test_an_upgrade_waits_for_the_old_server_and_then_a_reader_resumes(tmp_path: Path) -> None:
    """The old server here is one of this release, on the file of an earlier one that was killed."""
    path = _killed(tmp_path, 1)
    settings = {"FLOW_SERVER_STORE": "sqlite", "FLOW_SERVER_SQLITE_PATH": str(path)}
    folders = [tmp_path / "old", tmp_path / "new"]
    for folder in folders:
        folder.mkdir()
    old, new = (ServerProcess(folder, settings) for folder in folders)
    async with httpx.AsyncClient(timeout=30) as client:
        async with old:
            with pytest.raises(RuntimeError, match="another process holds this file"):
                await new.start()
            flow = f"{old.url}/v1/flows/bootstrap"
            answer = await client.post(f"{flow}/events", json=nodes("fed by the old"))
            assert (answer.status_code, answer.json()["seq"]) == (200, KILLED_LAST + 1)
            await old.stop()
        async with new:
            flow = f"{new.url}/v1/flows/bootstrap"
            again = await client.post(f"{flow}/events", json=nodes("fed by the new"))
            assert again.json() == answer.json() | {"seq": KILLED_LAST + 2}
            headers = {"Last-Event-ID": str(KILLED_LAST - 100)}
            async with client.stream("GET", f"{flow}/stream", headers=headers) as response:
                frames = await EventReader(response).take(102)
    assert [frame.id for frame in frames] == list(range(KILLED_LAST - 99, KILLED_LAST + 3))
    assert [frame.data["nodes"][0]["id"] for frame in frames[-2:]] == ["fed by the old", "fed by the new"]
