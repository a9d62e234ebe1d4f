"""`GET …/stream` on a real server: snapshot, exact resume, heartbeats, ends."""

import asyncio
import random
import socket
from itertools import pairwise
from typing import Any

import httpx
import pytest

from flow_server.flow import RingBounds
from flow_server.http import stream
from flow_server.reading import Ending

from ..real_server import Serve, Served, nodes, until


async def test_the_first_frame_is_a_snapshot_and_then_each_message_follows(server: Served) -> None:
    seq = await server.fed("f", nodes("a"))
    async with server.reading("f") as reader:
        [snapshot] = await reader.take(1)
        assert (snapshot.type, snapshot.id) == ("snapshot", seq)
        assert snapshot.data == await server.snapshot("f")
        later = await server.fed("f", [nodes("b"), {"type": "delete-nodes", "ids": ["a"]}])
        upsert, delete = await reader.take(2)
        assert (upsert.type, upsert.id, upsert.data) == ("upsert-nodes", later - 1, nodes("b"))
        assert (delete.type, delete.id) == ("delete-nodes", later)


async def test_the_bytes_are_the_contracts(server: Served) -> None:
    seq = await server.fed("f", nodes("a"))
    async with server.reading("f", last_event_id=seq) as reader:
        later = await server.fed("f", {"type": "delete-nodes", "ids": ["a"]})
        await reader.take(1)
        expected = f'event: delete-nodes\nid: {later}\ndata: {{"type":"delete-nodes","ids":["a"]}}\n\n'
        assert reader.raw == expected.encode()
        headers = reader.response.headers
        assert headers["content-type"] == "text/event-stream"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


async def test_a_flow_nobody_has_fed_opens_with_an_empty_snapshot_without_id_and_waits(
    server: Served,
) -> None:
    async with server.reading("f") as reader:
        [greeting] = await reader.take(1)
        assert (greeting.type, greeting.id) == ("snapshot", None)
        assert greeting.data["nodes"] == []
        assert greeting.data["flow"]["status"] == "pending"
        assert greeting.data["flow"]["meta"] == {"derived": True}
        seq = await server.fed("f", [nodes("a"), nodes("b")])
        events = await reader.take(2)
        assert [(event.type, event.id) for event in events] == [
            ("upsert-nodes", seq - 1),
            ("upsert-nodes", seq),
        ]
    assert [flow.id for flow in server.hub.flows()] == ["f"], "waiting made no flow"


async def test_last_event_id_resumes_with_exactly_what_came_after(server: Served) -> None:
    seqs = [await server.fed("f", nodes(f"n{number}")) for number in range(20)]
    for position in (0, 7, 18):
        async with server.reading("f", last_event_id=seqs[position]) as reader:
            events = await reader.take(19 - position)
            assert [event.id for event in events] == seqs[position + 1 :]
            assert all(event.type == "upsert-nodes" for event in events)


async def test_a_cursor_at_the_end_gets_nothing_until_something_comes(server: Served) -> None:
    seq = await server.fed("f", nodes("a"))
    async with server.reading("f", last_event_id=seq) as reader:
        later = await server.fed("f", nodes("b"))
        [event] = await reader.take(1)
        assert event.id == later


async def test_the_header_wins_over_the_query(server: Served) -> None:
    seqs = [await server.fed("f", nodes(f"n{number}")) for number in range(3)]
    async with server.reading("f", query=f"?lastEventId={seqs[1]}") as reader:
        assert (await reader.take(1))[0].id == seqs[2]
    async with server.reading("f", last_event_id=seqs[0], query=f"?lastEventId={seqs[1]}") as reader:
        assert (await reader.take(1))[0].id == seqs[1]
    async with server.reading("f", last_event_id="junk", query=f"?lastEventId={seqs[1]}") as reader:
        assert (await reader.take(1))[0].type == "snapshot"


@pytest.mark.parametrize("cursor", ["0", "-1", "abc", "5", "9007199254740991", "9" * 30, ""])
async def test_a_cursor_outside_the_ring_gets_a_snapshot(server: Served, cursor: str) -> None:
    seq = await server.fed("f", nodes("a"))
    async with server.reading("f", last_event_id=cursor) as reader:
        [event] = await reader.take(1)
        assert (event.type, event.id) == ("snapshot", seq)


async def test_a_cursor_below_the_floor_gets_a_snapshot(serve: Serve) -> None:
    server = await serve(ring=RingBounds(entries=3))
    seqs = [await server.fed("f", nodes(f"n{number}")) for number in range(6)]
    async with server.reading("f", last_event_id=seqs[1]) as reader:
        [event] = await reader.take(1)
        assert (event.type, event.id) == ("snapshot", seqs[-1])
        assert len(event.data["nodes"]) == 6, "the state does not depend on what the ring holds"
    async with server.reading("f", last_event_id=seqs[2]) as reader:
        assert [event.id for event in await reader.take(3)] == seqs[3:]


async def test_after_a_delete_streams_end_and_every_older_cursor_gets_a_snapshot(server: Served) -> None:
    seq = await server.fed("f", nodes("a"))
    async with server.reading("f") as reader, server.reading("unfed") as waiting:
        await reader.take(1)
        await waiting.take(1)
        assert (await server.client.delete(server.path("f", ""))).status_code == 204
        assert (await server.client.delete(server.path("unfed", ""))).status_code == 204
        assert await reader.next() is None
        assert await waiting.next() is None
    async with server.reading("f", last_event_id=seq) as reader:
        [empty] = await reader.take(1)
        assert (empty.type, empty.id, empty.data["nodes"]) == ("snapshot", None, [])
    later = await server.fed("f", nodes("b"))
    assert later > seq
    async with server.reading("f", last_event_id=seq) as reader:
        [snapshot] = await reader.take(1)
        assert (snapshot.type, snapshot.id) == ("snapshot", later)
        assert [node["id"] for node in snapshot.data["nodes"]] == ["b"]


async def test_silence_is_broken_by_heartbeats_without_id(serve: Serve) -> None:
    server = await serve(heartbeat_s=0.2)
    seq = await server.fed("f", nodes("a"))
    async with server.reading("f", last_event_id=seq) as reader:
        beats = await reader.take(3)
        assert [(beat.type, beat.id, beat.data) for beat in beats] == [("heartbeat", None, {})] * 3
        later = await server.fed("f", nodes("b"))
        while (event := await reader.next()) is not None and event.type == "heartbeat":
            pass
        assert event is not None
        assert event.id == later
        assert reader.raw.count(b"event: heartbeat\ndata: {}\n\n") >= 3


async def test_a_stop_ends_streams_with_their_last_frames_and_a_delay_to_come_back(server: Served) -> None:
    seq = await server.fed("f", nodes("a"))
    async with server.reading("f", last_event_id=seq) as reader:
        later = await server.fed("f", nodes("b"))
        server.stop()
        [event] = await reader.take(1)
        assert event.id == later
        assert await reader.next() is None
        delay = int(reader.raw.rsplit(b"retry: ", 1)[1])
        assert stream.RETRY_MS[0] <= delay <= stream.RETRY_MS[1]


async def test_a_client_that_goes_is_forgotten(server: Served) -> None:
    await server.fed("f", nodes("a"))
    async with server.reading("f") as reader:
        await reader.take(1)
        assert server.hub.readers() == 1
    await until(lambda: server.hub.readers() == 0)
    assert server.hub.stats.streams_ended[Ending.CLIENT_GONE.value] == 1


def _stuck_reader(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(b"GET /v1/flows/f/stream HTTP/1.1\r\nhost: x\r\n\r\n")
    return connection


async def test_a_reader_that_stalls_gets_every_message_when_it_reads_again(serve: Serve) -> None:
    server = await serve(send_buffer_bytes=8192)
    await server.fed("f", nodes("a"))
    with await asyncio.to_thread(_stuck_reader, server.port) as connection:
        await until(lambda: server.hub.readers() == 1)
        last = 0
        for number in range(300):
            last = await server.fed("f", nodes(f"n{number}", label="x" * 2000))
        assert server.hub.stats.frames_out < 300, "it was stuck"
        received = await asyncio.to_thread(_read_until, connection, f"id: {last}\n".encode())
    assert received.count(b"event: upsert-nodes\n") == 300
    assert received.count(b"event: snapshot\n") == 1


async def test_a_reader_that_fell_out_of_the_ring_gets_a_fresh_snapshot_and_goes_on(serve: Serve) -> None:
    server = await serve(ring=RingBounds(entries=20), send_buffer_bytes=8192)
    await server.fed("f", nodes("a"))
    with await asyncio.to_thread(_stuck_reader, server.port) as connection:
        await until(lambda: server.hub.readers() == 1)
        last = 0
        for number in range(300):
            last = await server.fed("f", nodes(f"n{number}", label="x" * 2000))
        received = await asyncio.to_thread(_read_until, connection, f"id: {last}\n".encode())
    assert received.count(b"event: snapshot\n") == 2
    assert server.hub.stats.resyncs == 1


def _read_until(connection: socket.socket, mark: bytes) -> bytes:
    connection.settimeout(20)
    received = b""
    while mark not in received or not received.endswith(b"\n\r\n"):
        part = connection.recv(65536)
        assert part, "closed"
        received += part
    return received


@pytest.mark.parametrize("way", ["pushed", "pulled", "litestar"])
async def test_all_ways_to_stream_send_the_same_frames(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Pushed to the connection, pulled over ASGI, and Litestar's own path without our override."""
    if way != "pushed":
        monkeypatch.setattr(stream, "CONNECTION", "nobody offers this")
    if way == "litestar":
        monkeypatch.delattr(stream.FlowStream, "to_asgi_response")
    server = await serve(heartbeat_s=0.3)
    seqs = [await server.fed("f", nodes(f"n{number}")) for number in range(3)]
    async with server.reading("f", last_event_id=seqs[0]) as reader, server.reading("f") as fresh:
        assert [event.id for event in await reader.take(2)] == seqs[1:]
        assert (await fresh.take(1))[0].id == seqs[-1]
        later = await server.fed("f", [nodes("b"), nodes("c")])
        assert [event.id for event in await reader.take(2)] == [later - 1, later]
        assert (await reader.take(1))[0].type == "heartbeat"
        big = await server.fed("f", nodes("big", meta={"x": "x" * 600_000}))
        [event] = await reader.take(1)
        assert event.id == big
        assert len(event.data["nodes"][0]["meta"]["x"]) == 600_000
    await until(lambda: server.hub.readers() == 0)
    async with server.reading("f") as reader:
        await reader.take(1)
        server.stop()
        assert await reader.next() is None
        assert b"retry: " in reader.raw


async def test_many_reconnects_at_random_cursors_see_no_gap_and_nothing_twice(serve: Serve) -> None:
    server = await serve(ring=RingBounds(entries=64))
    chance = random.Random(5)
    seqs = [await server.fed("f", nodes("start"))]
    state: dict[str, Any] = {}
    steps: list[tuple[int, int]] = []  # cursor and the message that followed it without a snapshot

    async def write() -> None:
        for number in range(200):
            seq = await server.fed("f", nodes(f"n{number % 40}", status=f"s{number}"))
            seqs.append(seq)

    async def read() -> int:
        cursor, connections = None, 0
        while not writing.done() or cursor != seqs[-1]:
            connections += 1
            async with server.reading("f", last_event_id=cursor) as reader:
                for _ in range(chance.randrange(1, 9)):
                    if writing.done() and cursor == seqs[-1]:
                        break
                    [event] = await reader.take(1)
                    assert event.id is not None
                    assert cursor is None or event.id > cursor
                    if event.type == "snapshot":
                        state.clear()
                    elif cursor is not None:
                        steps.append((cursor, event.id))
                    state.update({node["id"]: node for node in event.data["nodes"]})
                    cursor = event.id
        return connections

    writing = asyncio.create_task(write())
    assert await read() > 20
    await writing
    following = dict(pairwise(seqs))
    assert steps
    assert all(following[cursor] == seq for cursor, seq in steps)
    assert state == {node["id"]: node for node in (await server.snapshot("f"))["nodes"]}


async def test_a_stream_of_a_bad_path_is_400(server: Served) -> None:
    answer = await server.client.get("/v1/flows/%zz/stream")
    assert answer.status_code == 400
    assert isinstance(answer, httpx.Response)
