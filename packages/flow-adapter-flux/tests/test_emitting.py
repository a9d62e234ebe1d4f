"""What the flow server is sent, and what happens when it does not answer as it should; in virtual time."""

import asyncio
from pathlib import Path

import pytest

from flow_contract import UpsertNodes
from flow_simulator.kubernetes import SimulatedCluster

from .objects import FAILED, READY
from .recording_server import Fault
from .region import INSTALLED, Start, body, fill, in_virtual_time


@in_virtual_time
async def test_news_within_the_interval_go_out_together_counted_from_the_first(start: Start) -> None:
    async with start(emit_interval_s=1.0) as world:
        fill(world.cluster, 8)
        await world.settled()
        before = len(world.server.posts)
        began = asyncio.get_running_loop().time()
        for number in range(8):
            world.cluster.patch_status(f"bp-{number:04}", INSTALLED)
            await asyncio.sleep(0.2)
        await world.settled(within_s=5)
        posts = world.server.posts[before:]
        assert len(posts) == 2
        assert 0.95 <= posts[0].at - began <= 1.1


@in_virtual_time
async def test_a_restart_sends_nothing_when_the_server_has_it_all(start: Start) -> None:
    async with start() as first:
        fill(first.cluster)
        await first.settled()
        held = first.server.picture
    cluster = SimulatedCluster()
    fill(cluster)
    async with start(simulated=cluster) as second:
        second.server.picture = held
        assert held is not None
        own = held.nodes["fsn1"]
        held.nodes["fsn1"] = second.expected().nodes["fsn1"]  # each simulated cluster has another id
        assert own.meta != held.nodes["fsn1"].meta
        await asyncio.sleep(120)
        assert second.server.posts == []
        assert second.difference() == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(drop=True),
        Fault(drop=True, stores=True),
        Fault(half=True),
        Fault(half=True, stores=True),
        Fault(never=True),
        Fault(status=500),
        Fault(status=503, stores=True),
        Fault(status=200, body=b"<html>", headers={"Content-Type": "text/html"}),
        Fault(status=200, body=b'{"count":1,"epoch":"e1"}'),
        Fault(status=200, body=b'{"seq":1,"count":1}'),
        Fault(status=204),
        Fault(status=301, headers={"Location": "/elsewhere"}),
        Fault(status=400, body=b"Bad Request", headers={"Content-Type": "text/plain"}),
        Fault(status=401),
        Fault(status=403),
        Fault(status=404, body=b"default backend", headers={"Content-Type": "text/plain"}),
        Fault(status=409),
        Fault(status=415),
        Fault(status=422),
        Fault(status=429, headers={"Retry-After": "3"}),
        Fault(status=429, headers={"Retry-After": "soon"}),
        Fault(status=503, headers={"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        Fault(status=0, late_s=5),
        Fault(status=0, drip_s=0.01),
        Fault(status=200, body=b"x" * 100_000),
        Fault(status=200, body=b"[" * 5000),
        Fault(status=200, body=b"\xff\xfe"),
        Fault(status=0, late_s=60),
        Fault(status=500, body=b"\xff" * 1000),
        Fault(status=200, body=b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=str,
)
@in_virtual_time
async def test_after_any_answer_to_a_post_the_batch_comes_again_unchanged(fault: Fault, start: Start) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        before = len(world.server.posts)
        world.cluster.patch_status("bp-0003", {"conditions": [FAILED]})
        world.server.faults.extend([fault, fault])
        await asyncio.sleep(50)
        assert world.difference() == []
        tries = world.server.posts[before:]
        same = [post for post in tries if post.body == tries[0].body]
        assert len({post.headers["idempotency-key"] for post in same}) == 1
        if fault.status != 0 or fault.late_s > 10:
            assert len(same) == 3


@in_virtual_time
async def test_news_wait_behind_a_batch_without_an_answer(start: Start) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        before = len(world.server.posts)
        world.server.away = Fault(drop=True, stores=True)
        world.cluster.patch_status("bp-0003", {"conditions": [FAILED]})
        await asyncio.sleep(10)
        world.cluster.patch_status("bp-0003", INSTALLED)
        await asyncio.sleep(30)
        assert len({post.body for post in world.server.posts[before:]}) == 1
        world.server.away = None
        await world.settled()
        assert world.status("fsn1/bp-0003") == "succeeded"


@in_virtual_time
async def test_a_refused_message_is_dropped_alone_and_comes_again_when_its_release_changes(
    start: Start,
) -> None:
    async with start() as world:
        world.server.refuses = lambda message: (
            ".nodes[0].status"
            if isinstance(message, UpsertNodes)
            and message.nodes[0].id == "fsn1/bp-0002"
            and message.nodes[0].status == "pending"
            else None
        )
        fill(world.cluster)
        await asyncio.sleep(200)
        assert world.difference() == ["fsn1/bp-0002"]
        assert world.count("messages_dropped_total") == 1
        assert world.count("posts_total", outcome="rejected") == 1
        world.cluster.patch_status("bp-0002", INSTALLED)
        await world.settled(within_s=2)


@in_virtual_time
async def test_a_server_with_a_small_limit_gets_smaller_batches(start: Start) -> None:
    async with start() as world:
        world.server.body_limit = 1500
        fill(world.cluster, 30)
        await world.settled()
        assert world.count("posts_total", outcome="too large") > 0
        assert world.count("messages_dropped_total") == 0


@pytest.mark.parametrize("hours", [0, 24])
@in_virtual_time
async def test_however_long_the_server_is_away_the_outbox_is_bounded_and_all_heals(
    hours: int, start: Start
) -> None:
    async with start() as world:
        fill(world.cluster, 20)
        await world.settled()
        world.server.away = Fault(drop=True)
        requests = len(world.server.requests)
        for turn in range(50):
            name = f"bp-{turn % 20:04}"
            state = [FAILED] if turn % 3 else [READY]
            if turn % 7 == 6:
                world.cluster.delete(name, at_once=True)
            else:
                world.cluster.apply(body(name, [f"bp-{(turn + 3) % 20:04}"]))
                world.cluster.patch_status(name, {"conditions": state, "observedGeneration": 1})
            await asyncio.sleep(hours * 3600 / 50)
            expected = world.expected()
            bound = 2 * (len(expected.nodes) + len(expected.relationships))
            assert world.count("outbox_messages") <= bound
        assert len(world.server.requests) - requests <= hours * 3600 / 10 + 20
        world.server.away = None
        await world.settled(within_s=60)
        assert world.silence_s() < 120


@in_virtual_time
async def test_a_deleted_flow_and_a_server_that_lost_its_state_heal(start: Start) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        world.server.wipe()
        assert await world.settled(within_s=61) > 1
        world.server.wipe(epoch="e2")
        world.cluster.patch_status("bp-0000", INSTALLED)
        assert await world.settled(within_s=61) < 5  # the answer to the news told of the new epoch


@in_virtual_time
async def test_an_epoch_that_is_always_new_makes_no_busy_loop(start: Start) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        before = len(world.server.requests)
        for turn in range(60):
            world.server.wipe(epoch=f"life {turn}")
            await asyncio.sleep(1)
        assert len(world.server.requests) - before <= 150


@in_virtual_time
async def test_the_token_file_is_read_for_every_request(start: Start, tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with start(token_file=token) as world:
        world.server.token = "first"
        fill(world.cluster)
        await asyncio.sleep(5)
        assert world.server.requests == []
        token.write_text("first\n")
        await world.settled()
        world.server.token = "second"
        world.cluster.patch_status("bp-0000", {"conditions": [FAILED]})
        await asyncio.sleep(5)
        token.write_text("second\n")
        await world.settled(within_s=60)


@pytest.mark.parametrize(
    ("flow_id", "segment"),
    [(".", "%2E"), ("..", "%2E%2E"), ("...", "..."), ("%2F", "%252F"), ("a b", "a%20b")],
)
@in_virtual_time
async def test_any_flow_id_is_one_segment_of_the_path(start: Start, flow_id: str, segment: str) -> None:
    async with start(flow_id=flow_id) as world:
        await asyncio.sleep(5)
        assert {request.path for request in world.server.requests} == {
            f"/v1/flows/{segment}/snapshot",
            f"/v1/flows/{segment}/events",
        }


@in_virtual_time
async def test_without_a_voice_nothing_is_asked_of_the_server_and_all_is_made_up_for_later(
    start: Start,
) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        asked = len(world.server.requests)
        world.voice_s = 0.0
        world.cluster.patch_status("bp-0000", INSTALLED)
        await asyncio.sleep(300)
        assert len(world.server.requests) == asked
        world.voice_s = 10.0
        await world.settled()


@in_virtual_time
async def test_a_request_takes_no_longer_than_the_voice_lasts(start: Start) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        world.voice_s = 2.0
        world.server.faults.append(Fault(never=True))
        asked = len(world.server.posts)
        world.cluster.patch_status("bp-0000", INSTALLED)
        await world.settled(within_s=5)
        first, second, *_ = world.server.posts[asked:]
        assert 2.0 <= second.at - first.at <= 3.0


@in_virtual_time
async def test_every_request_says_who_it_is_from(start: Start) -> None:
    async with start(region_key="nürnberg 1", flow_id="a/b: ü%2F") as world:
        fill(world.cluster, 2)
        await asyncio.sleep(5)
        names = {request.headers["flow-emitter"] for request in world.server.requests}
        assert names == {"n%C3%BCrnberg%201"}
        paths = {request.path for request in world.server.requests}
        assert paths == {
            "/v1/flows/a%2Fb%3A%20%C3%BC%252F/snapshot",
            "/v1/flows/a%2Fb%3A%20%C3%BC%252F/events",
        }
        assert {post.headers["content-type"] for post in world.server.posts} == {"application/x-ndjson"}
