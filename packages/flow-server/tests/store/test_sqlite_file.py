"""The sqlite store's file: what cannot be opened, what fills up, what fails, and how large it grows."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store import StoreError, StoreFull, StoreUnavailable
from flow_server.store.sqlite import SqliteStore, writer
from flow_server.store.sqlite.schema import SCHEMA_VERSION, Connect, connected

from ..campaigns.sqlite_disk import Disk, connect_to
from ..real_server import until
from .sites import node, nodes_of


def _hub(
    path: Path, *, connect: Connect = connected, ring: RingBounds | None = None, grouped: bool = True
) -> Hub:
    store = SqliteStore(path, now_us=lambda: time.time_ns() // 1000, connect=connect, grouped=grouped)
    return Hub(store, bounds=ring)


async def _refused(path: Path) -> str:
    with pytest.raises(StoreError) as caught:
        async with _hub(path).running():
            pass
    assert str(path) in str(caught.value)
    return str(caught.value)


async def test_a_second_server_on_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    async with _hub(path).running() as hub:
        await hub.ingest("f", [node("a")])
        program = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM flow')"
        other = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", program, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "database is locked" in other.stderr
        assert "another process holds this file" in await _refused(path)


async def test_a_file_of_a_newer_server_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    async with _hub(path).running():
        pass
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    assert f"schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}" in await _refused(path)


async def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    path.write_bytes(b"no database " * 1000)
    assert "damaged or not a flow-server's" in await _refused(path)
    assert path.read_bytes() == b"no database " * 1000
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    assert "not a flow-server's" in await _refused(other)


async def test_a_missing_folder_and_a_folder_in_its_place_are_named(tmp_path: Path) -> None:
    assert "folder does not exist" in await _refused(tmp_path / "missing" / "flows.db")
    (tmp_path / "flows.db").mkdir()
    assert "cannot be opened" in await _refused(tmp_path / "flows.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_file_without_rights_is_named(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    async with _hub(path).running():
        pass
    path.chmod(0o400)
    assert "cannot be opened for writing" in await _refused(path)


async def test_an_emptied_file_is_a_new_log_with_a_new_epoch(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    async with _hub(path).running() as hub:
        epoch = hub.store.epoch
        await hub.ingest("f", [node("a")])
    path.write_bytes(b"")
    async with _hub(path).running() as hub:
        assert hub.store.epoch != epoch
        assert hub.flow("f") is None


async def test_a_full_disk_refuses_writes_and_takes_them_again_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PROBE_S", 0.05)
    disk = Disk()
    path = tmp_path / "flows.db"
    async with _hub(path, connect=connect_to(disk)).running() as hub:
        await hub.ingest("f", [node("a")])
        disk.free_bytes = 0
        with pytest.raises(StoreFull, match="disk is full"):
            await hub.ingest("f", [node("b")])
        assert not hub.store.writable()
        assert nodes_of(hub, "f") == [("a", "running")], "nothing of it was applied"
        disk.free_bytes = None
        await until(hub.store.writable)
        await hub.ingest("f", [node("c")])
    async with _hub(path).running() as hub:
        assert nodes_of(hub, "f") == [("a", "running"), ("c", "running")]


async def test_after_a_failed_sync_nothing_is_written_until_a_restart(tmp_path: Path) -> None:
    disk = Disk()
    path = tmp_path / "flows.db"
    async with _hub(path, connect=connect_to(disk)).running() as hub:
        await hub.ingest("f", [node("a")])
        disk.sync_fails = True
        with pytest.raises(StoreUnavailable, match="restart the server"):
            await hub.ingest("f", [node("b")])
        disk.sync_fails = False
        assert not hub.store.writable()
        with pytest.raises(StoreUnavailable):
            await hub.ingest("f", [node("c")])
        assert nodes_of(hub, "f") == [("a", "running")]
    async with _hub(path).running() as hub:
        ids = [name for name, _ in nodes_of(hub, "f")]
        assert ids in (["a"], ["a", "b"]), "what was not acknowledged may be there, whole"
        await hub.ingest("f", [node("d")])


async def test_one_write_that_fails_does_not_fail_its_neighbours(tmp_path: Path) -> None:
    async with _hub(tmp_path / "flows.db").running() as hub:
        poison = "\ud800"  # no text that SQLite can keep
        outcomes = await asyncio.gather(
            hub.ingest("f", [node("a")]),
            hub.ingest("f", [node("b")], key=poison),
            hub.ingest("g", [node("c")]),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], Exception)
        assert not [outcome for outcome in (outcomes[0], outcomes[2]) if isinstance(outcome, BaseException)]
        await hub.ingest("f", [node("d")])


async def test_waiting_batches_share_a_commit(tmp_path: Path) -> None:
    async def syncs(*, grouped: bool) -> int:
        disk = Disk()
        path = tmp_path / f"{grouped}.db"
        async with _hub(path, connect=connect_to(disk), grouped=grouped).running() as hub:
            before = disk.syncs
            await asyncio.gather(*[hub.ingest(f"f{number}", [node("a")]) for number in range(100)])
            return disk.syncs - before

    assert await syncs(grouped=True) * 4 < await syncs(grouped=False)


async def test_the_file_stays_small_however_much_is_written(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    sizes: list[int] = []
    async with _hub(path, ring=RingBounds(entries=256)).running() as hub:
        for round_ in range(6):
            for start in range(0, 4000, 200):
                await hub.ingest("f", [node(f"n{number % 50}") for number in range(start, start + 200)])
            sizes.append(path.stat().st_size + path.with_name("flows.db-wal").stat().st_size)
            assert round_ >= 0
    assert sizes[-1] <= sizes[2] * 1.05, sizes


async def test_deleting_flows_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "flows.db"
    async with _hub(path).running() as hub:
        for number in range(300):
            await hub.ingest(f"f{number}", [node("a")])
            await hub.delete(f"f{number}")
    connection = sqlite3.connect(path)
    for table in ("flow", "event", "checkpoint"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    connection.close()


def _command(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flow_server", "store", *words],
        input=given,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


async def test_what_is_exported_can_be_imported_with_its_state_and_history(tmp_path: Path) -> None:
    path, copy = tmp_path / "flows.db", tmp_path / "copy.db"
    ring = RingBounds(entries=100)
    async with _hub(path, ring=ring).running() as hub:
        for number in range(700):
            await hub.ingest("f", [node(f"n{number % 9}", f"s{number}")])
        await hub.ingest("g/1", [node("x")])
        epoch, flow = hub.store.epoch, hub.flow("f")
        assert flow is not None
        last, snapshot = flow.last, flow.snapshot()
        history = [(line.at, bytes(line.message)) for line in flow.history(None, limit=10_000)]
    checked = await asyncio.to_thread(_command, "check", str(path))
    assert (checked.returncode, "2 flows" in checked.stdout) == (0, True)
    exported = await asyncio.to_thread(_command, "export", str(path))
    assert all(json.loads(line) for line in exported.stdout.splitlines())
    imported = await asyncio.to_thread(_command, "import", str(copy), given=exported.stdout)
    assert imported.returncode == 0, imported.stderr
    async with _hub(copy, ring=ring).running() as hub:
        flow = hub.flow("f")
        assert flow is not None
        assert flow.snapshot() == snapshot
        assert [(line.at, bytes(line.message)) for line in flow.history(None, limit=10_000)] == history
        assert hub.store.epoch != epoch, "emitters must compare: it may be older than what they have seen"
        assert flow.floor > last, "no old cursor fits"
        assert nodes_of(hub, "g/1") == [("x", "running")]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "line 1 is not the heading"),
        ("junk\n", "line 1 is not of an export"),
        ('{"kind":"flow-server export","version":99}\n', "newer flow-server"),
        ('{"kind":"flow-server export","version":1}\n{"kind":"message","at":1,"message":{}}\n', "line 2"),
    ],
)
def test_an_import_that_is_none_names_the_line_and_leaves_no_file(
    tmp_path: Path, given: str, told: str
) -> None:
    done = _command("import", str(tmp_path / "new.db"), given=given)
    assert done.returncode == 1
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_checking_a_damaged_file_names_the_damage(tmp_path: Path) -> None:
    async def write() -> None:
        async with _hub(tmp_path / "flows.db").running() as hub:
            await hub.ingest("f", [node("a", "a status to be damaged")])

    asyncio.run(write())
    content = (tmp_path / "flows.db").read_bytes().replace(b"a status to be", b"a status to bf")
    (tmp_path / "flows.db").write_bytes(content)
    done = _command("check", str(tmp_path / "flows.db"))
    assert done.returncode == 1
    assert "of flow 'f' is damaged" in done.stderr
