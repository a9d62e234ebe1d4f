"""What a server may be made to hold, looked at where clients come in numbers or the store is slow."""

import asyncio
import json
import time
import zlib
from collections.abc import Sequence

from flow_server.flow import JOINED_BYTES
from flow_server.http.ingest import IngestBounds
from flow_server.limits import Limits
from flow_server.store import Accepted
from flow_server.store.memory import MemoryStore

from ..real_server import Serve, nodes, until


class HeldUpStore(MemoryStore):
    """A store whose disk, or whose servers, take their time."""

    def __init__(self) -> None:
        super().__init__(now_us=lambda: time.time_ns() // 1000)
        self.goes_on = asyncio.Event()

    async def append(self, flow_id: str, items: Sequence[object], *, key: str | None = None) -> Accepted:
        await self.goes_on.wait()
        return await super().append(flow_id, items, key=key)  # type: ignore[arg-type]


async def test_bodies_that_wait_for_the_store_count_as_under_way_unpacked(serve: Serve) -> None:
    store = HeldUpStore()
    server = await serve(store=store, bounds=IngestBounds(in_flight_bytes=300_000))
    large = json.dumps(nodes("a", meta={"x": "x" * 100_000})).encode()
    packed = zlib.compress(large, wbits=31)
    assert len(packed) < 1000
    rejected = server.hub.stats.rejected
    for body, headers in ((large, {}), (packed, {"content_encoding": "gzip"})):
        before = rejected["MAX_BYTES_IN_FLIGHT"]
        store.goes_on.clear()
        posts = [asyncio.create_task(server.post("f", body, **headers)) for _ in range(6)]
        await until(lambda before=before: rejected["MAX_BYTES_IN_FLIGHT"] == before + 4)
        assert (await server.client.get("/healthz")).status_code == 200
        store.goes_on.set()
        answers = await asyncio.gather(*posts)
        assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503, 503]
        assert {answer.headers.get("retry-after") for answer in answers} == {None, "1"}
    assert (await server.post("f", large)).status_code == 200, "all of it was given back"


async def test_readers_with_every_cursor_there_is_do_not_make_a_quiet_flow_grow(serve: Serve) -> None:
    server = await serve()
    body = [nodes(f"n{number}", meta={"x": "x" * 20_000}) for number in range(40)]
    for _ in range(8):
        await server.fed("f", body)
    flow = server.hub.flow("f")
    assert flow is not None
    for cursor in range(flow.floor, flow.last, 4):
        async with server.reading("f", last_event_id=cursor) as reader:
            first = await reader.next()
            assert first is not None
            assert first.id == cursor + 1
    held = {id(chunk): len(chunk.wire) for chunk in flow._joins.values()}  # pyright: ignore[reportPrivateUsage]
    assert sum(held.values()) <= JOINED_BYTES


async def test_requests_that_wait_for_a_sequence_are_as_many_as_readers_at_most(serve: Serve) -> None:
    server = await serve(limits=Limits(readers=3))
    flows = ["u0", "u1", "u2"]
    waiting = [
        asyncio.create_task(server.client.get(f"/v1/flows/{flow}/snapshot?minSeq=1")) for flow in flows
    ]
    await until(lambda: server.hub._waiting == 3)  # pyright: ignore[reportPrivateUsage]
    answer = await server.client.get("/v1/flows/u3/snapshot?minSeq=1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "MAX_READERS" in answer.json()["error"]
    for flow in flows:
        await server.fed(flow, nodes("a", flow_id=flow))
    assert [(await one).status_code for one in waiting] == [200, 200, 200]
    assert (await server.client.get("/v1/flows/u0/snapshot?minSeq=1")).status_code == 200
