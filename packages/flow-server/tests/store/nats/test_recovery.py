"""Checkpoints: what a start reads, what it leaves out, and what happens when something of it is missing."""

import asyncio
import contextlib
import random
import string
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from flow_server.hub import Hub
from flow_server.store import StoreError, StoreUnavailable
from flow_server.store.nats import NatsStore, sweep, writer
from flow_server.store.nats import store as nats_store
from flow_server.store.nats.calls import headers_in
from flow_server.store.nats.checkpoints import MANIFEST
from flow_server.store.nats.connection import Connection
from flow_server.store.nats.errors import Conflict
from flow_server.store.nats.stream import settle_bucket
from flow_server.store.nats.subjects import entry_of, token_of
from flow_server.store.nats.values import Values
from flow_server.store.settings import NatsSettings
from flow_simulator.nats_servers import NatsServer, nats_server
from flow_simulator.proxy import Faults, Proxy

from ...real_server import until
from ..sites import last_of, node, nodes_of, sequences_of


async def test_a_start_reads_the_checkpoint_and_not_the_log(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        for number in range(50):
            await hub.ingest("f", [node(f"n{number}")])
        last = last_of(hub, "f")
    await js.purge_stream(settings.stream, subject=f"{settings.stream}.{token_of('f')}", keep=1)
    async with Hub(NatsStore(settings)).running() as hub:
        assert last_of(hub, "f") == last
        assert len(nodes_of(hub, "f")) == 50
        more = await hub.ingest("f", [node("more")])
        assert more.seq > last


async def test_without_any_checkpoint_the_whole_log_is_read(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        for number in range(50):
            await hub.ingest(f"f{number % 3}", [node(f"n{number}")])
        await hub.delete("f1")
        expected = {flow.id: flow.snapshot() for flow in hub.flows()}
    await js.delete_stream(f"KV_{settings.bucket}")
    async with Hub(NatsStore(settings)).running() as hub:
        assert {flow.id: flow.snapshot() for flow in hub.flows()} == expected


async def test_a_log_whose_beginning_is_gone_without_a_checkpoint_is_not_folded_silently(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        for number in range(20):
            await hub.ingest("f", [node(f"n{number}")])
    await js.delete_stream(f"KV_{settings.bucket}")
    await js.purge_stream(settings.stream, subject=f"{settings.stream}.{token_of('f')}", keep=5)
    with pytest.raises(StoreError, match=rf"stream {settings.stream} lost entries: flow 'f'"):
        async with Hub(NatsStore(settings)).running():
            pass


async def test_a_checkpoint_that_the_manifest_names_and_nobody_has_stops_the_start(
    js: JetStreamContext, settings: NatsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        await hub.ingest("f", [node("a")])
    await js.purge_stream(f"KV_{settings.bucket}", subject=f"$KV.{settings.bucket}.{token_of('f')}")
    monkeypatch.setattr(nats_store, "START_S", 1.0)
    with pytest.raises(StoreError, match="flow 'f': expected a checkpoint up to entry"):
        async with Hub(NatsStore(settings)).running():
            pass


async def test_a_stream_that_went_back_stops_the_start(
    js: JetStreamContext, settings: NatsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        await hub.ingest("f", [node("a")])
        config = (await js.stream_info(settings.stream)).config
    # The same stream, metadata and all, without its last entries: an older backup, or a power cut.
    await js.delete_stream(settings.stream)
    await js.add_stream(config)  # pyright: ignore[reportUnknownMemberType]
    monkeypatch.setattr(nats_store, "START_S", 1.0)
    with pytest.raises(StoreError, match="it lost entries, or an older backup was restored"):
        async with Hub(NatsStore(settings)).running():
            pass


async def test_a_running_replica_notices_that_the_stream_went_back(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        await hub.ingest("f", [node("a")])
        config = (await js.stream_info(settings.stream)).config
        await js.delete_stream(settings.stream)
        await js.add_stream(config)  # pyright: ignore[reportUnknownMemberType]
        await until(lambda: not hub.store.writable())
        with pytest.raises(StoreUnavailable, match=f"stream {settings.stream} went back"):
            await hub.ingest("f", [node("b")])
        assert nodes_of(hub, "f") == [("a", "running")]


async def test_a_flow_whose_entries_were_purged_by_hand_is_not_written_and_says_why(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        await hub.ingest("f", [node("a")])
        await js.purge_stream(settings.stream, subject=f"{settings.stream}.{token_of('f')}")
        with pytest.raises(StoreUnavailable, match="entries were purged by hand or lost"):
            await hub.ingest("f", [node("b")])
        assert nodes_of(hub, "f") == [("a", "running")]
        await hub.ingest("g", [node("a")])


async def test_a_very_large_flow_is_kept_in_pieces_and_comes_back(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    draw = random.Random(5)
    texts = ["".join(draw.choices(string.ascii_letters + string.digits, k=3000)) for _ in range(900)]
    async with Hub(NatsStore(settings)).running() as hub:
        for start in range(0, 900, 150):
            batch = [node(f"n{start + index}", family=texts[start + index]) for index in range(150)]
            await hub.ingest("f", batch)
        last = last_of(hub, "f")
    for round_ in range(3):  # each start reads the pieces, each stop writes new ones over them
        async with Hub(NatsStore(settings)).running() as hub:
            assert last_of(hub, "f") == last
            flow = hub.flow("f")
            assert flow is not None
            assert [held.value.family for held in flow.state.nodes.values()] == texts
            last = (await hub.ingest("f", [node("n0", status=f"s{round_}", family=texts[0])])).seq
    stored = await js.stream_info(
        f"KV_{settings.bucket}", subjects_filter=f"$KV.{settings.bucket}.{token_of('f')}.>"
    )
    names = {subject.split(".")[-2] for subject in stored.state.subjects or {}}
    assert len(names) == 1, "pieces that nobody names any more are taken out"


async def test_servers_that_take_only_small_messages_keep_checkpoints_in_small_pieces(tmp_path: Path) -> None:
    texts = ["".join(random.Random(seed).choices(string.ascii_letters, k=20_000)) for seed in range(10)]
    with nats_server(tmp_path, more="max_payload: 65536") as small:
        settings = NatsSettings(urls=(small.url,), replicas=1)
        async with Hub(NatsStore(settings)).running() as hub:
            for index, text in enumerate(texts):
                await hub.ingest("f", [node(f"n{index}", family=text)])
            expected = nodes_of(hub, "f")
        async with Hub(NatsStore(settings)).running() as hub:
            assert nodes_of(hub, "f") == expected


async def test_a_value_is_written_only_over_what_was_seen(
    settings: NatsSettings, js: JetStreamContext
) -> None:
    await settle_bucket(js, settings)
    connection = Connection(settings, on_change=lambda: None)
    await connection.ensure()
    values = Values(connection, settings.bucket)
    first = await values.write("k", b"1", headers={}, revision=0)
    with pytest.raises(Conflict):
        await values.write("k", b"2", headers={}, revision=0)
    second = await values.write("k", b"3" * 2_000_000, headers={"H": "v"}, revision=first)
    found = await values.read("k")
    assert found is not None
    assert (found.payload, found.headers["H"], found.revision) == (b"3" * 2_000_000, "v", second)
    assert await values.read("nothing") is None
    await values.remove(found, "k")
    assert await values.read("k") is None
    await connection.aclose()


async def test_checkpoints_of_deleted_flows_are_taken_out(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    for _ in range(2):
        async with Hub(NatsStore(settings)).running() as hub:
            await hub.ingest("f", [node("a")])
            await hub.ingest("g", [node("a")])
    async with Hub(NatsStore(settings)).running() as hub:
        await hub.delete("f")
    bucket = await js.stream_info(f"KV_{settings.bucket}", subjects_filter=">")
    keys = {subject.rpartition(".")[2] for subject in bucket.state.subjects or {}}
    assert keys == {MANIFEST, token_of("g")}


async def test_a_replica_that_missed_entries_goes_on_from_a_checkpoint(
    js: JetStreamContext, nats: NatsServer, settings: NatsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a pause so long that the stream has dropped what came meanwhile."""
    monkeypatch.setattr(sweep, "SWEEP_S", (0.02, 0.05))
    async with Proxy(("127.0.0.1", nats.port)) as way, Hub(NatsStore(settings)).running() as other:
        await other.ingest("f", [node("a")], key="k")
        await other.ingest("gone", [node("a")])
        through_proxy = replace(settings, urls=(f"nats://127.0.0.1:{way.port}",))
        async with Hub(NatsStore(through_proxy)).running() as late:
            way.faults = Faults(refuse=True)
            way.cut()
            answers = [
                await other.ingest("f", [node(f"n{number}")], key=f"k{number}") for number in range(30)
            ]
            await other.delete("gone")
            await checkpointed(js, settings, answers[-1].seq)
            await js.purge_stream(settings.stream, subject=f"{settings.stream}.{token_of('f')}", keep=1)
            await js.purge_stream(settings.stream, subject=f"{settings.stream}.{token_of('gone')}")
            newest = await other.ingest("f", [node("newest")])
            assert last_of(late, "f") < answers[0].seq
            assert late.flow("gone") is not None
            way.faults = Faults()
            assert await late.reached("f", newest.seq, within_s=20)
            await until(lambda: late.flow("gone") is None)
            assert nodes_of(late, "f") == nodes_of(other, "f")
            assert await late.ingest("f", [node("n7")], key="k7") == answers[7]
            again = await late.ingest("gone", [node("b")])
            assert await other.reached("gone", again.seq, within_s=20)


@pytest.mark.parametrize("sweeps_before_it_stops", [True, False])
async def test_a_replica_that_lacks_the_past_still_hands_it_on(
    js: JetStreamContext,
    settings: NatsSettings,
    monkeypatch: pytest.MonkeyPatch,
    *,
    sweeps_before_it_stops: bool,
) -> None:
    """As when the servers are too busy to send it before the replica is killed, or stops."""
    async with Hub(NatsStore(settings)).running() as hub:
        answers = [await hub.ingest("f", [node(f"n{number}")]) for number in range(30)]
    with monkeypatch.context() as patch:
        patch.setattr(nats_store, "backfill", never)
        if sweeps_before_it_stops:
            patch.setattr(sweep, "SWEEP_S", (0.02, 0.05))
        async with Hub(NatsStore(settings)).running() as hub:
            answers.append(await hub.ingest("f", [node("late")]))
            assert sequences_of(hub, "f") == [answers[-1].seq], "the past came all the same"
            if sweeps_before_it_stops:
                await checkpointed(js, settings, answers[-1].seq)
    async with Hub(NatsStore(settings)).running() as hub:
        await until(lambda: len(sequences_of(hub, "f")) == 31)
        assert sequences_of(hub, "f") == [answer.seq for answer in answers]


@contextlib.asynccontextmanager
async def a_way_to_be_late(
    nats: NatsServer, settings: NatsSettings
) -> AsyncGenerator[tuple[Proxy, Hub, Hub]]:
    """A proxy, a replica beside it, and one whose way to the servers it is."""
    async with Proxy(("127.0.0.1", nats.port)) as way, Hub(NatsStore(settings)).running() as other:
        through_proxy = replace(settings, urls=(f"nats://127.0.0.1:{way.port}",))
        async with Hub(NatsStore(through_proxy)).running() as late:
            yield way, other, late


async def never(*_: object, **__: object) -> None:
    """A past that does not come."""
    await asyncio.Event().wait()


async def test_a_replica_that_is_behind_deletes_what_was_acknowledged_elsewhere(
    nats: NatsServer, settings: NatsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one's DELETE comes in while its own is tried: that is not the one it was asked for."""
    monkeypatch.setattr(writer, "REQUEST_TIMEOUT_S", 0.2)
    texts = ["".join(random.Random(seed).choices(string.ascii_letters, k=5000)) for seed in range(4)]
    async with a_way_to_be_late(nats, settings) as (way, other, late):
        first = await other.ingest("f", [node("first")])
        assert await late.reached("f", first.seq, within_s=20)
        way.faults = Faults(bytes_per_s=10_000, piece_bytes=200)
        for text in texts[:2]:
            await other.ingest("g", [node("on its way", family=text)])
        await other.delete("f")
        for text in texts[2:]:
            await other.ingest("f", [node("second", family=text)])
        assert nodes_of(late, "f") == [("first", "running")], "it is not behind"
        await late.delete("f")
        way.faults = Faults()
        await until(lambda: other.flow("f") is None)
        assert late.flow("f") is None


async def test_a_replica_that_is_behind_knows_of_no_flow_before_it_has_caught_up(
    nats: NatsServer, settings: NatsSettings
) -> None:
    async with a_way_to_be_late(nats, settings) as (way, other, late):
        way.faults = Faults(refuse=True)
        way.cut()
        await other.ingest("f", [node("a")])
        deleting = asyncio.ensure_future(late.delete("f"))
        way.faults = Faults()
        await deleting
        await until(lambda: other.flow("f") is None)


async def test_a_replica_that_missed_what_a_deletion_took_along_shows_nobody_a_state_from_before(
    nats: NatsServer, settings: NatsSettings
) -> None:
    """What a deletion takes out of the log never comes in here; what came after it comes before that."""
    texts = ["".join(random.Random(seed).choices(string.ascii_letters, k=5000)) for seed in range(8)]
    async with a_way_to_be_late(nats, settings) as (way, other, late):
        first = await other.ingest("f", [node("first")])
        assert await late.reached("f", first.seq, within_s=20)
        way.faults = Faults(refuse=True)
        way.cut()
        second = await other.ingest("f", [node("second")])
        await other.ingest("g", [node("after it")])
        for text in texts:
            await other.ingest("g", [node("on its way", family=text)])
        await other.delete("f")
        way.faults = Faults(bytes_per_s=10_000, piece_bytes=200)
        await until(lambda: late.flow("g") is not None)
        assert nodes_of(late, "f") == [("first", "running")], "the deletion is not on its way any more"
        catching_up = asyncio.ensure_future(late.store.catch_up("f", second.seq))
        await asyncio.sleep(0)
        assert not catching_up.done()
        way.faults = Faults()
        await catching_up
        assert late.flow("f") is None


async def checkpointed(js: JetStreamContext, settings: NatsSettings, sequence: int) -> None:
    """Wait until flow f has a checkpoint up to a sequence, and a manifest was written after it."""
    bucket = f"KV_{settings.bucket}"
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(NotFoundError):
                kept = await js.get_last_msg(bucket, f"$KV.{settings.bucket}.{token_of('f')}")
                manifest = await js.get_last_msg(bucket, f"$KV.{settings.bucket}.{MANIFEST}")
                covers = int(headers_in(kept)["Flow-Last"]) >= entry_of(sequence)
                if covers and (manifest.seq or 0) > (kept.seq or 0):
                    return
            await asyncio.sleep(0.02)
