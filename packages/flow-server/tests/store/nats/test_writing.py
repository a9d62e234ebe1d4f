"""Appends to the stream: grouped, bounded, and told apart when they fail."""

import asyncio
import random
import string

import pytest
from nats.js import JetStreamContext

from flow_server.hub import Hub
from flow_server.store import BatchTooLarge, StoreUnavailable
from flow_server.store.nats import NatsStore
from flow_server.store.nats.subjects import entry_of, token_of
from flow_server.store.settings import NatsSettings
from flow_simulator.nats_servers import NatsServer

from ...real_server import until
from ..sites import node, nodes_of, sequences_of


def noise(characters: int, seed: int) -> str:
    """A text that hardly compresses."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=characters))


async def test_what_waits_goes_out_together_and_in_order(
    js: JetStreamContext, settings: NatsSettings
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        answers = await asyncio.gather(*(hub.ingest("f", [node(f"n{number}")]) for number in range(200)))
        sequences = [answer.seq for answer in answers]
        assert sequences == sorted(sequences)
        assert len({entry_of(sequence) for sequence in sequences}) <= 3, "two or three entries, not 200"
        stored = await js.stream_info(settings.stream, subjects_filter=f"{settings.stream}.{token_of('f')}")
        assert sum((stored.state.subjects or {}).values()) <= 3
        assert [name for name, _ in nodes_of(hub, "f")] == [f"n{number}" for number in range(200)]


async def test_a_group_that_is_too_large_together_is_stored_as_several(settings: NatsSettings) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        batches = [[node(f"n{number}", family=noise(400_000, number))] for number in range(6)]
        answers = await asyncio.gather(*(hub.ingest("f", batch) for batch in batches))
        assert [answer.seq for answer in answers] == sequences_of(hub, "f")
        assert len(sequences_of(hub, "f")) == 6


async def test_a_batch_beyond_the_servers_limit_is_refused_with_its_name_and_the_next_is_stored(
    settings: NatsSettings,
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        too_large = [node("a", family=noise(1_500_000, 1))]
        small = [node("b")]
        refused, stored = await asyncio.gather(
            hub.ingest("f", too_large), hub.ingest("f", small), return_exceptions=True
        )
        assert isinstance(refused, BatchTooLarge)
        assert "the NATS server's max_payload is 1048576" in str(refused)
        assert not isinstance(stored, BaseException)
        assert nodes_of(hub, "f") == [("b", "running")]


async def test_writes_of_one_flow_do_not_wait_for_another(settings: NatsSettings) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        await asyncio.gather(*(hub.ingest(f"f{number}", [node("a")]) for number in range(100)))
        assert sum(1 for _ in hub.flows()) == 100


async def test_a_caller_that_goes_away_leaves_the_others_their_answers(settings: NatsSettings) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        writes = [asyncio.create_task(hub.ingest("f", [node(f"n{number}")])) for number in range(20)]
        await asyncio.sleep(0)
        for write in writes[::2]:
            write.cancel()
        answers = await asyncio.gather(*writes[1::2])
        assert {answer.seq for answer in answers} <= set(sequences_of(hub, "f"))
        assert await hub.ingest("f", [node("after")])


async def test_readiness_goes_with_the_servers_and_comes_back_with_them_without_a_write(
    nats: NatsServer, settings: NatsSettings
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        assert hub.store.writable()
        nats.pause()
        try:
            await until(lambda: not hub.store.writable())
            with pytest.raises(
                StoreUnavailable, match=f"stream {settings.stream}: this replica may be behind: "
            ):
                await hub.delete("f")
        finally:
            nats.resume()
        await until(hub.store.writable)


async def test_the_server_may_be_killed_and_comes_back_with_all_that_was_acknowledged(
    nats: NatsServer, settings: NatsSettings
) -> None:
    async with Hub(NatsStore(settings)).running() as hub:
        answers = [await hub.ingest("f", [node(f"n{number}")]) for number in range(20)]
        nats.kill()
        nats.start()
        await nats.listening()
        await until(hub.store.writable)
        answers.append(await hub.ingest("f", [node("after")]))
        assert sequences_of(hub, "f") == [answer.seq for answer in answers]
    async with Hub(NatsStore(settings)).running() as again:
        assert nodes_of(again, "f")[-1] == ("after", "running")
        assert len(nodes_of(again, "f")) == 21
