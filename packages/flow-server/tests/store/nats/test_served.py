"""What clients see of a replica whose servers are away, and of one that comes later."""

import json
import random
import string
from pathlib import Path

from flow_server.store.nats import NatsStore
from flow_server.store.settings import NatsSettings
from flow_simulator.nats_servers import NatsServer, nats_server

from ...real_server import Serve, nodes, until


async def test_while_the_servers_are_away_writes_are_503_and_reads_and_streams_go_on(
    serve: Serve, nats: NatsServer, settings: NatsSettings
) -> None:
    server = await serve(store=NatsStore(settings), heartbeat_s=0.3)
    last = await server.fed("f", nodes("a"))
    async with server.reading("f") as open_stream:
        assert (await open_stream.take(1))[0].type == "snapshot"
        nats.pause()
        try:
            refused = await server.post("f", nodes("b"), idempotency_key="k")
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
            assert (await server.client.get("/readyz")).status_code == 503
            assert (await server.client.get("/healthz")).status_code == 200
            assert [node["id"] for node in (await server.snapshot("f"))["nodes"]] == ["a"]
            async with server.reading("f") as fresh, server.reading("f", last_event_id=last) as resumed:
                assert (await fresh.take(1))[0].id == last
                assert (await resumed.take(1))[0].type == "heartbeat"
            ahead = await server.client.get(
                server.path("f", "/stream"), headers={"Last-Event-ID": str(last + 2**20)}
            )
            assert ahead.status_code == 503, "a snapshot from before the cursor would go back in time"
            assert int(ahead.headers["retry-after"]) >= 1
            next_page = await server.client.get(server.path("f", "/events"), params={"after": last + 2**20})
            assert next_page.status_code == 503, "history from before the cursor would begin again"
            page = await server.client.get(server.path("f", "/events"), params={"after": last - 1})
            assert [json.loads(line)["seq"] for line in page.text.splitlines()] == [last]
        finally:
            nats.resume()
        await until(server.hub.store.writable)
        again = await server.post("f", nodes("b"), idempotency_key="k")
        assert again.status_code == 200
        event = await open_stream.next()
        while event is not None and event.type == "heartbeat":
            event = await open_stream.next()
        assert event is not None
        assert event.id == again.json()["seq"]


async def test_a_cursor_that_nobody_handed_out_gets_a_snapshot_at_once(
    serve: Serve, settings: NatsSettings
) -> None:
    server = await serve(store=NatsStore(settings))
    last = await server.fed("f", nodes("a"))
    async with server.reading("f", last_event_id=2**53 - 1) as reader:
        event = await reader.next(within_s=2.0)
        assert event is not None
        assert (event.type, event.id) == ("snapshot", last)


async def test_a_batch_that_the_servers_cannot_take_is_413_with_their_limit(
    serve: Serve, tmp_path: Path
) -> None:
    with nats_server(tmp_path, more="max_payload: 65536") as small:
        server = await serve(store=NatsStore(NatsSettings(urls=(small.url,), replicas=1)))
        noise = "".join(random.Random(3).choices(string.ascii_letters + string.digits, k=200_000))
        refused = await server.post("f", nodes("a", meta={"noise": noise}))
        assert refused.status_code == 413
        assert "the NATS server's max_payload is 65536" in refused.json()["error"]
        await server.fed("f", nodes("a", meta={"noise": noise[:20_000]}))
        assert len((await server.snapshot("f"))["nodes"]) == 1
