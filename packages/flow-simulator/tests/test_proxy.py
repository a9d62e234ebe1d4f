"""The proxy between real sockets."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from flow_simulator.checker import Disconnected, Log, Reader, Writer, check, take_snapshot
from flow_simulator.checker.server_process import ServerProcess
from flow_simulator.proxy import Faults, Proxy

DEADLINE_S = 20.0


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says hello, then repeats what it hears, until the other end is done."""
    try:
        writer.write(b"hello ")
        while heard := await reader.read(65_536):
            writer.write(heard)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncGenerator[Proxy]:
    target = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with target, Proxy(target.sockets[0].getsockname()[:2]) as proxy:
        yield proxy


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def of(cls, proxy: Proxy) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def hears(self, text: bytes) -> None:
        async with asyncio.timeout(DEADLINE_S):
            assert await self.reader.readexactly(len(text)) == text

    async def hears_the_end(self) -> bytes:
        """What comes before the end; a reset is an end."""
        heard = b""
        async with asyncio.timeout(DEADLINE_S):
            try:
                while piece := await self.reader.read(65_536):
                    heard += piece
            except ConnectionResetError:
                pass
        return heard

    async def hears_nothing(self, *, for_s: float = 0.2) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(for_s):
                await self.reader.read(1)


async def closed(proxy: Proxy, *clients: Client) -> None:
    """Let the clients go, so that nobody complains of them."""
    for client in clients:
        client.writer.close()
    async with asyncio.timeout(DEADLINE_S):
        await proxy.emptied()


async def test_without_faults_everything_goes_through_both_ways(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    text = bytes(range(256)) * 4096
    client.writer.write(text)
    await client.hears(b"hello " + text)
    assert (proxy.accepted, proxy.open_connections) == (1, 1)
    await closed(proxy, client)


async def test_the_end_of_one_direction_is_handed_on_and_the_other_goes_on(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    client.writer.write(b"bye")
    client.writer.write_eof()
    assert await client.hears_the_end() == b"hello bye"
    await closed(proxy, client)


async def test_a_cut_ends_all_connections_and_new_ones_go_through(proxy: Proxy) -> None:
    first, second = await Client.of(proxy), await Client.of(proxy)
    for client in (first, second):
        await client.hears(b"hello ")
    proxy.cut()
    assert [await client.hears_the_end() for client in (first, second)] == [b"", b""]
    third = await Client.of(proxy)
    await third.hears(b"hello ")
    await closed(proxy, first, second, third)


async def test_refused_connections_end_at_once_and_open_ones_go_on(proxy: Proxy) -> None:
    first = await Client.of(proxy)
    await first.hears(b"hello ")
    proxy.faults = Faults(refuse=True)
    second = await Client.of(proxy)
    assert await second.hears_the_end() == b""
    first.writer.write(b"still here")
    await first.hears(b"still here")
    proxy.faults = Faults()
    third = await Client.of(proxy)
    await third.hears(b"hello ")
    await closed(proxy, first, second, third)


async def test_a_stall_holds_everything_back_and_loses_nothing(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    await client.hears(b"hello ")
    proxy.faults = Faults(stall=True)
    client.writer.write(b"one two")
    await client.hears_nothing()
    late = await Client.of(proxy)
    await late.hears_nothing()
    proxy.faults = Faults()
    await client.hears(b"one two")
    await late.hears(b"hello ")
    await closed(proxy, client, late)


async def test_a_silenced_connection_stays_silent_and_new_ones_go_through(proxy: Proxy) -> None:
    silent = await Client.of(proxy)
    await silent.hears(b"hello ")
    proxy.silence()
    silent.writer.write(b"anybody there?")
    await silent.hears_nothing()
    second = await Client.of(proxy)
    await second.hears(b"hello ")
    proxy.cut()
    assert await silent.hears_the_end() == b""
    await closed(proxy, silent, second)


async def test_a_cut_during_a_stall_ends_the_connection(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    await client.hears(b"hello ")
    proxy.faults = Faults(stall=True)
    proxy.cut()
    assert await client.hears_the_end() == b""
    proxy.faults = Faults()
    await closed(proxy, client)


async def test_pieces_of_one_byte_arrive_one_by_one(proxy: Proxy) -> None:
    proxy.faults = Faults(piece_bytes=1, delay_s=0.01)
    client = await Client.of(proxy)
    pieces: list[bytes] = []
    async with asyncio.timeout(DEADLINE_S):
        while b"".join(pieces) != b"hello ":
            pieces.append(await client.reader.read(100))
    assert len(pieces) > 1
    await closed(proxy, client)


async def test_a_delay_holds_each_piece_back(proxy: Proxy) -> None:
    proxy.faults = Faults(delay_s=0.3)
    began_s = time.monotonic()
    client = await Client.of(proxy)
    await client.hears(b"hello ")
    assert time.monotonic() - began_s >= 0.3
    await closed(proxy, client)


async def test_a_bandwidth_limit_spreads_what_is_sent_over_time(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    await client.hears(b"hello ")
    proxy.faults = Faults(bytes_per_s=200_000, piece_bytes=4096)
    began_s = time.monotonic()
    client.writer.write(bytes(100_000))
    await client.hears(bytes(100_000))
    assert time.monotonic() - began_s >= 0.45
    await closed(proxy, client)


async def test_an_answer_breaks_after_so_many_bytes(proxy: Proxy) -> None:
    proxy.break_answer_after(4)
    client = await Client.of(proxy)
    assert await client.hears_the_end() == b"hell"
    second = await Client.of(proxy)
    await second.hears(b"hello ")
    await closed(proxy, client, second)


async def test_an_answer_in_several_pieces_breaks_where_it_should(proxy: Proxy) -> None:
    client = await Client.of(proxy)
    await client.hears(b"hello ")
    proxy.faults = Faults(piece_bytes=3)
    proxy.break_answer_after(10)
    client.writer.write(b"0123456789abcdef")
    assert await client.hears_the_end() == b"0123456789"
    await closed(proxy, client)


async def test_a_target_that_is_away_is_a_reset() -> None:
    listener = await asyncio.start_server(echo, "127.0.0.1", 0)
    gone = listener.sockets[0].getsockname()[:2]
    listener.close()
    await listener.wait_closed()
    async with Proxy(gone) as proxy:
        client = await Client.of(proxy)
        assert await client.hears_the_end() == b""
        client.writer.close()


async def test_a_reader_behind_a_bad_network_misses_nothing(tmp_path: Path) -> None:
    log = Log()
    async with (
        ServerProcess(tmp_path, {"FLOW_SERVER_HEARTBEAT": "200ms"}) as server,
        Proxy(("127.0.0.1", server.port)) as proxy,
        httpx.AsyncClient(timeout=10.0) as client,
        Reader(proxy.url, flow="f", name="far", log=log, idle_s=1.0) as far,
        Reader(server.url, flow="f", name="near", log=log) as near,
    ):
        writer = Writer(client, server.url, flow="f", name="w", log=log)
        number = 0

        async def post(count: int) -> int:
            nonlocal number
            answer = None
            for _ in range(count):
                number += 1
                node = {"id": f"n{number % 7}", "flowId": "f", "label": f"{number}", "status": "running"}
                answer = await writer.post_until_answered({"type": "upsert-nodes", "nodes": [node]})
            return answer.seq or 0 if answer else 0

        await far.reached(await post(5))
        for faults in (Faults(piece_bytes=1), Faults(delay_s=0.05), Faults(bytes_per_s=20_000)):
            proxy.faults = faults
            await far.reached(await post(5))
        proxy.faults = Faults()
        for answered_bytes in (1, 40, 300):
            connections = far.connections
            proxy.break_answer_after(answered_bytes)
            last = await post(5)
            await far.until(lambda seen=connections: far.connections > seen)
            await far.reached(last)
        proxy.cut()
        await far.reached(await post(5))
        # A partition: nothing comes, not even a heartbeat, until the reader gives up and comes back.
        connections = far.connections
        proxy.faults = Faults(stall=True)
        last = await post(5)
        await far.until(lambda: far.connections > connections)
        proxy.faults = Faults()
        await far.reached(last)
        await near.reached(last)
        await take_snapshot(client, server.url, flow="f", log=log)
    assert [str(finding) for finding in check(log.entries)] == []
    reasons = [entry.reason for entry in log.entries if isinstance(entry, Disconnected)]
    assert any(reason.startswith("ReadTimeout") for reason in reasons)
    assert any(reason.startswith("RemoteProtocolError") for reason in reasons)
