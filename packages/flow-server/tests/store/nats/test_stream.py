"""The stream and the bucket: made once, never changed, refused when their settings would lose data."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, PersistMode, RetentionPolicy, StorageType, StreamConfig, StreamSource
from nats.js.errors import BadRequestError

from flow_server.hub import Hub
from flow_server.store import StoreError
from flow_server.store.nats import NatsStore
from flow_server.store.nats import store as nats_store
from flow_server.store.nats.calls import add_stream
from flow_server.store.nats.errors import TooNew, UnsafeStream
from flow_server.store.nats.stream import settle_bucket, settle_stream
from flow_server.store.settings import NatsSettings
from flow_simulator.nats_servers import NatsServer, cluster_config, free_port, nats_cluster

from ...real_server import until
from ..sites import node, nodes_of


async def made_by_us(js: JetStreamContext, settings: NatsSettings) -> StreamConfig:
    """What we make, taken out again, so that a test can make it otherwise."""
    await settle_stream(js, settings, create=True)
    config = (await js.stream_info(settings.stream)).config
    await js.delete_stream(settings.stream)
    return config


async def test_a_stream_is_made_as_it_must_be_and_found_again(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    made = await settle_stream(js, settings, create=True)
    config = (await js.stream_info(settings.stream)).config
    assert made.made_now
    assert config.subjects == [f"{settings.stream}.*"]
    assert config.storage == StorageType.FILE
    assert config.max_msgs_per_subject == 8192
    assert config.allow_rollup_hdrs
    assert config.deny_delete
    assert made.last_sequence >= 1_700_000_000_000, "the first sequence is a time"
    again = await settle_stream(js, settings, create=True)
    assert not again.made_now
    assert again.epoch == made.epoch


async def test_replicas_that_make_it_at_once_agree(js: JetStreamContext, settings: NatsSettings) -> None:
    found = await asyncio.gather(*(settle_stream(js, settings, create=True) for _ in range(8)))
    assert len({stream.epoch for stream in found}) == 1
    await asyncio.gather(*(settle_bucket(js, settings) for _ in range(8)))


UNSAFE: list[tuple[str, dict[str, Any]]] = [
    ("storage", {"storage": StorageType.MEMORY}),
    ("retention", {"retention": RetentionPolicy.INTEREST}),
    ("max_age", {"max_age": 3600.0}),
    ("max_msgs", {"max_msgs": 1000}),
    ("max_bytes", {"max_bytes": 2**30}),
    ("max_msgs_per_subject", {"max_msgs_per_subject": 100}),
    ("max_msg_size", {"max_msg_size": 1000}),
    ("no_ack", {"no_ack": True}),
    ("deny_purge", {"deny_purge": True, "allow_rollup_hdrs": False}),
    ("allow_rollup_hdrs", {"allow_rollup_hdrs": False}),
    ("discard_new_per_subject", {"discard_new_per_subject": True, "discard": DiscardPolicy.NEW}),
    ("sources", {"sources": [StreamSource(name="ELSEWHERE")]}),
    ("persist_mode", {"persist_mode": PersistMode.ASYNC}),
]


@pytest.mark.parametrize(("setting", "changes"), UNSAFE, ids=[name for name, _ in UNSAFE])
async def test_a_setting_that_would_lose_data_is_refused_by_name(
    js: JetStreamContext, settings: NatsSettings, setting: str, changes: dict[str, Any]
) -> None:
    config = replace(await made_by_us(js, settings), **changes)
    await add_stream(js, config)
    with pytest.raises(UnsafeStream, match=rf"stream {settings.stream} would lose data: .*\b{setting} is "):
        await settle_stream(js, settings, create=True)
    after = (await js.stream_info(settings.stream)).config
    assert all(getattr(after, name) == value for name, value in changes.items() if name != "sources")


async def test_fewer_replicas_than_wanted_are_refused(js: JetStreamContext, settings: NatsSettings) -> None:
    await settle_stream(js, settings, create=True)
    with pytest.raises(UnsafeStream, match="num_replicas is 1, expected at least 3"):
        await settle_stream(js, replace(settings, replicas=3), create=True)


async def test_replicas_that_the_servers_cannot_give_are_a_clear_error(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    with pytest.raises(StoreError, match=rf"cannot make stream {settings.stream} with 3 replicas: .*"):
        await settle_stream(js, replace(settings, replicas=3), create=True)


async def test_a_start_waits_for_servers_that_have_not_gathered_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nats_cluster(tmp_path, size=2) as cluster:
        settings = NatsSettings(urls=cluster.urls, replicas=3)
        with monkeypatch.context() as patch:
            patch.setattr(nats_store, "START_S", 1.0)
            words = "no start within 1 s: cannot make stream FLOWS with 3 replicas: no suitable peers"
            with pytest.raises(StoreError, match=words):
                await started(settings)
        starting = asyncio.ensure_future(started(settings))
        third = NatsServer(tmp_path, name="n2", more=cluster_config(port=free_port(), routes=cluster.routes))
        third.start()
        try:
            assert await starting == [("a", "running")]
        finally:
            third.kill()


async def started(settings: NatsSettings) -> list[tuple[str, str]]:
    """A start, and a first message."""
    async with Hub(NatsStore(settings)).running() as hub:
        await hub.ingest("f", [node("a")])
        return nodes_of(hub, "f")


async def test_a_stream_of_somebody_else_is_refused(js: JetStreamContext, settings: NatsSettings) -> None:
    await add_stream(js, StreamConfig(name=settings.stream, subjects=[f"{settings.stream}.*"]))
    with pytest.raises(StoreError, match="flow-server did not make it"):
        await settle_stream(js, settings, create=True)


async def test_a_bucket_that_forgets_is_refused(js: JetStreamContext, settings: NatsSettings) -> None:
    await settle_bucket(js, settings)
    config = (await js.stream_info(f"KV_{settings.bucket}")).config
    await js.delete_stream(f"KV_{settings.bucket}")
    await add_stream(js, replace(config, max_age=3600.0))
    with pytest.raises(UnsafeStream, match="max_age is 3600"):
        await settle_bucket(js, settings)


async def test_a_stream_of_a_newer_release_stops_the_start(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    config = await made_by_us(js, settings)
    assert config.metadata is not None
    await add_stream(js, replace(config, metadata=config.metadata | {"flow_format": "2"}))
    with pytest.raises(TooNew, match="a newer flow-server wrote it"):
        async with Hub(NatsStore(settings)).running():
            pass


async def test_an_entry_of_a_newer_release_stops_the_start_and_a_running_replica_says_so(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        await hub.ingest("f", [node("a")])
        headers = {"Flow-Format": "2", "Flow-Kind": "batches", "Flow-After": "0"}
        await js.publish(f"{settings.stream}.Zg", b"from the future", headers=headers)
        await until(lambda: not hub.store.writable())
        with pytest.raises(StoreError, match="a newer flow-server wrote it"):
            await hub.ingest("f", [node("b")])
        assert nodes_of(hub, "f") == [("a", "running")], "what is there is still served"
    with pytest.raises(TooNew, match=r"entry \d+ of stream .* has format 2"):
        async with Hub(NatsStore(settings)).running():
            pass


async def test_a_stream_that_is_deleted_and_made_again_is_another_epoch_with_higher_sequences(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    async with Hub(NatsStore(settings)).running() as one, Hub(NatsStore(settings)).running() as other:
        before = await one.ingest("f", [node("a")])
        await js.delete_stream(settings.stream)
        await until(lambda: one.store.epoch != before.epoch and one.store.epoch == other.store.epoch)
        assert one.flow("f") is None
        await until(lambda: one.store.writable() and other.store.writable())
        after = await other.ingest("f", [node("b")])
        assert after.epoch != before.epoch
        assert after.seq > before.seq
        assert await one.reached("f", after.seq, within_s=20)
        assert nodes_of(one, "f") == [("b", "running")]
    async with Hub(NatsStore(settings)).running() as again:
        assert nodes_of(again, "f") == [("b", "running")], "a checkpoint of the old epoch does not count"


async def test_a_stream_can_be_given_no_sequence_that_was_used(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    first = await settle_stream(js, settings, create=True)
    await js.delete_stream(settings.stream)
    second = await settle_stream(js, settings, create=True)
    assert second.last_sequence >= first.last_sequence
    with pytest.raises(BadRequestError):
        await add_stream(js, StreamConfig(name=f"{settings.stream}-2", subjects=[f"{settings.stream}.*"]))
