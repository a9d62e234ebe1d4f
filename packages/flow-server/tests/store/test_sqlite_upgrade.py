"""Files of earlier releases: one of each schema is kept in `data/`, and this release must open it.

A new schema adds a file, which `write_the_file_of_this_release` makes; those that are there stay as they are.
"""

import gzip
import time
from pathlib import Path

import pytest

from flow_contract import DeleteNodes, FlowInstance, Relationship, UpsertFlow, UpsertRels
from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store.sqlite import SqliteStore
from flow_server.store.sqlite.schema import SCHEMA_VERSION

from .sites import last_of, node, nodes_of, sequences_of

DATA = Path(__file__).with_name("data")
RING = RingBounds(entries=20)
WRITTEN_US = 1_795_500_000_000_000
LAST = WRITTEN_US + 42


async def write_the_file_of_this_release(path: Path) -> None:
    """What each kept file holds: a flow with base and ring, one that was deleted, one with a header."""
    async with Hub(SqliteStore(path, now_us=lambda: WRITTEN_US), bounds=RING).running() as hub:
        await hub.ingest("bootstrap", [node(f"n{number % 7}", f"s{number}") for number in range(40)])
        await hub.ingest("bootstrap", [DeleteNodes(ids=("n3",))], key="a key")
        edge = Relationship(from_id="n1", to_id="n2", type="finish-to-start")
        await hub.ingest("bootstrap", [UpsertRels(relationships=(edge,)), node("last")])
        await hub.ingest("gone", [node("x")])
        await hub.delete("gone")
        await hub.ingest("ü/1", [UpsertFlow(flow=FlowInstance(id="ü/1", status="running", started_at=5))])


@pytest.mark.parametrize("schema", range(1, SCHEMA_VERSION + 1))
async def test_a_file_of_an_earlier_release_opens_with_all_it_holds_and_is_written_on(
    tmp_path: Path, schema: int
) -> None:
    path = tmp_path / "flows.db"
    path.write_bytes(gzip.decompress((DATA / f"sqlite-schema-{schema}.db.gz").read_bytes()))
    for expected in (LAST, LAST + 1):
        async with Hub(
            SqliteStore(path, now_us=lambda: time.time_ns() // 1000), bounds=RING
        ).running() as hub:
            assert [flow.id for flow in hub.flows()] == ["bootstrap", "ü/1"]
            ids = [name for name, _ in nodes_of(hub, "bootstrap")]
            assert ids == ["n0", "n1", "n2", "n4", "n5", "n6", "last"]
            assert last_of(hub, "bootstrap") == expected
            assert sequences_of(hub, "bootstrap") == list(range(expected - 19, expected + 1))
            flow, declared = hub.flow("bootstrap"), hub.flow("ü/1")
            assert flow is not None
            assert declared is not None
            assert list(flow.state.relationships) == [("n1", "n2", "finish-to-start")]
            assert declared.header().started_at == 5
            if expected == LAST:
                await hub.ingest("bootstrap", [node("last", "succeeded")])
