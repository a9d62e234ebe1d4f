"""The checker, its writers and its readers against a real server over real sockets."""

import asyncio
import random
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from flow_simulator.checker import Connecting, Disconnected, Framed, Log, Reader, Writer, check, take_snapshot
from flow_simulator.checker.server_process import ServerProcess

from .model import FLOW, delete_nodes, header, node, relationship, snapshot


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[ServerProcess]:
    async with ServerProcess(tmp_path) as server:
        yield server


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10.0) as client:
        yield client


async def write(writer: Writer, *, seed: int, batches: int) -> None:
    """Batches over few ids, so that writers overwrite each other."""
    draw = random.Random(seed)
    for number in range(batches):
        mark = seed * 10_000 + number * 10
        choices = [
            node(draw.choice("abcdef"), mark, status=draw.choice(["running", "succeeded", "failed"])),
            relationship(draw.choice("abc"), draw.choice("def"), mark + 1),
            node(f"{writer.name}/{number}", mark + 2),
            *([delete_nodes(draw.choice("abcdef"))] if number % 5 == 0 else []),
            *([header(mark)] if number % 17 == 3 else []),
            *([snapshot(mark, "a", "b")] if number % 29 == 7 else []),
        ]
        batch = draw.sample(choices, draw.randint(1, 3))
        await writer.post_until_answered(*batch)
        await asyncio.sleep(0)


async def finished(server: ServerProcess, client: httpx.AsyncClient, log: Log, readers: list[Reader]) -> None:
    """The last acknowledgement, every reader there, the final snapshot."""
    last = Writer(client, server.url, flow=FLOW, name="last", log=log)
    answer = await last.post_until_answered(node("last", 1))
    for reader in readers:
        await reader.reached(answer.seq or 0)
    await take_snapshot(client, server.url, flow=FLOW, log=log)


async def test_a_quiet_campaign_of_several_writers_and_readers_raises_no_alarm(
    server: ServerProcess, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    with Log(tmp_path / "log") as log:
        readers = [Reader(server.url, flow=FLOW, name=f"r{n}", log=log) for n in range(3)]
        writers = [
            Writer(client, server.url, flow=FLOW, name=f"w{n}", log=log, keys=n % 2 == 0) for n in range(3)
        ]
        async with readers[0], readers[1], readers[2]:
            await asyncio.gather(
                *(write(writer, seed=seed, batches=40) for seed, writer in enumerate(writers, 1))
            )
            await finished(server, client, log, readers)
    assert [str(finding) for finding in check(log.entries)] == []
    assert sum(isinstance(entry, Framed) for entry in log.entries) > 3 * 100


async def test_deaths_and_deletions_of_the_flow_raise_no_alarm(
    server: ServerProcess, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    with Log(tmp_path / "log") as log:
        readers = [Reader(server.url, flow=FLOW, name=f"r{n}", log=log) for n in range(3)]
        writers = [
            Writer(client, server.url, flow=FLOW, name=f"w{n}", log=log, keys=n % 2 == 0) for n in range(3)
        ]
        operator = Writer(client, server.url, flow=FLOW, name="operator", log=log)

        async def trouble() -> None:
            for what in ("kill", "delete", "stop", "delete"):
                await readers[0].reached((readers[0].cursor or 0) + 10)
                if what == "kill":
                    await server.kill()
                    await server.start()
                elif what == "stop":
                    assert await server.stop() == 0
                    await server.start()
                else:
                    assert (await operator.delete()).status == 204

        async with readers[0], readers[1], readers[2], asyncio.TaskGroup() as tasks:
            troubles = tasks.create_task(trouble())
            seed = 0
            while not troubles.done():
                seed += 3
                await asyncio.gather(
                    *(write(writer, seed=seed + n, batches=5) for n, writer in enumerate(writers))
                )
            await finished(server, client, log, readers)
    assert [str(finding) for finding in check(log.entries)] == []
    assert any(isinstance(entry, Connecting) and entry.last_event_id for entry in log.entries)


async def test_a_server_that_loses_what_it_acknowledged_and_keeps_its_epoch_is_found(
    server: ServerProcess, client: httpx.AsyncClient
) -> None:
    log = Log()
    writer = Writer(client, server.url, flow=FLOW, name="w", log=log)
    await writer.post_until_answered(node("a", 1))
    async with httpx.AsyncClient() as stranger:  # what nobody logs is what a faulty server does by itself
        await stranger.delete(f"{server.url}/v1/flows/{FLOW}")
    await writer.post_until_answered(node("b", 2))
    await take_snapshot(client, server.url, flow=FLOW, log=log)
    (finding,) = check(log.entries)
    assert "node 'a' of 'bootstrap' is absent, expected" in finding.problem


async def test_a_writer_logs_what_was_refused_and_goes_on(
    server: ServerProcess, client: httpx.AsyncClient
) -> None:
    log = Log()
    writer = Writer(client, server.url, flow=FLOW, name="w", log=log)
    answer = await writer.post(node("a", 1), {"type": "upsert-nodes", "nodes": []})
    assert answer.refused
    assert "$[1].nodes" in (answer.error or "")
    await writer.post_until_answered(node("b", 2))
    await take_snapshot(client, server.url, flow=FLOW, log=log)


async def test_a_reader_logs_how_a_connection_ended(server: ServerProcess) -> None:
    log = Log()
    async with Reader(server.url, flow=FLOW, name="r", log=log) as reader:
        await reader.until(lambda: reader.frames >= 1)
        await server.stop()
        await reader.until(lambda: any(reason.startswith("ConnectError") for reason in reasons(log)))
    assert reasons(log)[0] == "ended by the server"


def reasons(log: Log) -> list[str]:
    """Why connections ended, in order."""
    return [entry.reason for entry in log.entries if isinstance(entry, Disconnected)]
