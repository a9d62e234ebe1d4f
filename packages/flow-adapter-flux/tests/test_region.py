"""The adapter between a Kubernetes API and a flow server, over real sockets, in virtual time."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flow_contract import UpsertNodes
from flow_simulator.kubernetes import HELM_CHARTS, SimulatedCluster
from flow_simulator.kubernetes.faults import (
    AnswerWith,
    CreateDefinition,
    CutLine,
    DropConnections,
    EndWatches,
    ExpireHistory,
    Forbid,
    Freeze,
    MuteWatches,
    RefuseConnections,
    Restart,
)

from .objects import FAILED, READY, condition, helm_chart
from .recording_server import Fault
from .region import World, region, virtually

SOURCE = {"kind": "HelmRepository", "name": "catalog"}
INSTALLED = {"conditions": [READY], "observedGeneration": 1}


def fill(cluster: SimulatedCluster, count: int = 5) -> None:
    for number in range(count):
        depends_on = [f"bp-{number - 1:04}"] if number else []
        cluster.apply(body(f"bp-{number:04}", depends_on))


def body(name: str, depends_on: list[str] | None = None, namespace: str = "flux-system") -> dict[str, Any]:
    entries = [{"name": wanted} for wanted in depends_on or []]
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "interval": "15m",
            "chart": {
                "spec": {
                    "chart": name,
                    "version": "1.2.3",
                    "sourceRef": {"kind": "HelmRepository", "name": "c"},
                }
            },
            "dependsOn": entries,
        },
    }


def status_of(world: World, node_id: str) -> str:
    assert world.server.picture is not None
    return world.server.picture.nodes[node_id].status


def test_a_cluster_is_mirrored_and_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            fill(world.cluster)
            await world.settled()
            world.cluster.patch_status("bp-0000", INSTALLED)
            await world.settled(within_s=2)
            assert status_of(world, "fsn1/bp-0000") == "succeeded"
            world.cluster.patch_status("bp-0001", {"conditions": [FAILED]})
            await world.settled(within_s=2)
            assert status_of(world, "fsn1") == "failed"
            world.cluster.delete("bp-0001", at_once=True)
            await world.settled(within_s=2)

    virtually(scenario())


def test_quiet_is_one_list_one_watch_a_kind_and_a_comparison_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            fill(world.cluster)
            await world.settled()
            posts = len(world.server.posts)
            await asyncio.sleep(3600)
            counts = world.cluster.request_counts
            for plural in ("helmreleases", "helmcharts"):
                assert counts["list", plural, 200] == 1
                assert counts["watch", plural, 200] <= 16  # one each 240 to 300 s
            assert len(world.server.posts) == posts
            assert 55 <= len(world.server.gets) <= 62
            assert world.count("resyncs_total", outcome="unchanged") >= 55

    virtually(scenario())


def test_news_within_the_interval_go_out_together_counted_from_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch, emit_interval_s=1.0) as world:
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

    virtually(scenario())


def test_a_restart_sends_nothing_when_the_server_has_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as first:
            fill(first.cluster)
            await first.settled()
            held = first.server.picture
        cluster = SimulatedCluster()
        fill(cluster)
        async with region(tmp_path, monkeypatch, simulated=cluster) as second:
            second.server.picture = held
            assert held is not None
            own = held.nodes["fsn1"]
            held.nodes["fsn1"] = second.expected().nodes["fsn1"]  # each simulated cluster has another id
            assert own.meta != held.nodes["fsn1"].meta
            await asyncio.sleep(120)
            assert second.server.posts == []
            assert second.difference() == []

    virtually(scenario())


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
def test_after_any_answer_to_a_post_the_batch_comes_again_unchanged(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
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

    virtually(scenario())


def test_news_wait_behind_a_batch_without_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
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
            assert status_of(world, "fsn1/bp-0003") == "succeeded"

    virtually(scenario())


def test_a_refused_message_is_dropped_alone_and_comes_again_when_its_release_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
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

    virtually(scenario())


def test_a_server_with_a_small_limit_gets_smaller_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            world.server.body_limit = 1500
            fill(world.cluster, 30)
            await world.settled()
            assert world.count("posts_total", outcome="too large") > 0
            assert world.count("messages_dropped_total") == 0

    virtually(scenario())


@pytest.mark.parametrize("hours", [0, 24])
def test_however_long_the_server_is_away_the_outbox_is_bounded_and_all_heals(
    hours: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
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

    virtually(scenario())


def test_a_deleted_flow_and_a_server_that_lost_its_state_heal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            fill(world.cluster)
            await world.settled()
            world.server.wipe()
            assert await world.settled(within_s=61) > 1
            world.server.wipe(epoch="e2")
            world.cluster.patch_status("bp-0000", INSTALLED)
            assert await world.settled(within_s=61) < 5  # the answer to the news told of the new epoch

    virtually(scenario())


def test_an_epoch_that_is_always_new_makes_no_busy_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            fill(world.cluster)
            await world.settled()
            before = len(world.server.requests)
            for turn in range(60):
                world.server.wipe(epoch=f"life {turn}")
                await asyncio.sleep(1)
            assert len(world.server.requests) - before <= 150

    virtually(scenario())


def test_the_token_file_is_read_for_every_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        token = tmp_path / "token"
        async with region(tmp_path, monkeypatch, token_file=token) as world:
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

    virtually(scenario())


def test_every_request_says_who_it_is_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch, region_key="nürnberg 1", flow_id="a/b: ü%2F") as world:
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

    virtually(scenario())


def test_before_the_definitions_exist_it_waits_quietly_and_sees_them_within_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch, simulated=SimulatedCluster(definitions=())) as world:
            await asyncio.sleep(300)
            assert world.silence_s() < 120
            assert sum(world.cluster.request_counts.values()) < 2 * 300 / 5 + 5
            assert [node.id for node in (world.server.picture or world.expected()).nodes.values()] == ["fsn1"]
            await world.cluster.inject(CreateDefinition(resource="helmreleases"))
            fill(world.cluster)
            await world.settled(within_s=12)

    virtually(scenario())


def test_a_chart_that_cannot_be_pulled_shows_on_its_release_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            fill(world.cluster, 2)
            await world.settled()
            chart = helm_chart(
                "flux-system-bp-0000",
                namespace="apps",
                owner=("flux-system", "bp-0000"),
                conditions=[
                    condition("FetchFailed", "True", "ChartPullError", "no such chart"),
                    condition("Ready", "False", "ChartPullError", "no such chart"),
                ],
            )
            del chart["metadata"]["resourceVersion"]
            chart["spec"] = {
                "chart": "x",
                "sourceRef": {"kind": "HelmRepository", "name": "c"},
                "interval": "5m",
            }
            world.cluster.apply(chart)
            await world.settled(within_s=2)
            assert world.server.picture is not None
            meta = world.server.picture.nodes["fsn1/bp-0000"].meta or {}
            assert (meta["reason"], meta["message"]) == ("ChartPullError", "no such chart")
            assert meta["chartProblem"]["since"] > 0
            world.cluster.delete("flux-system-bp-0000", namespace="apps", resource=HELM_CHARTS, at_once=True)
            await world.settled(within_s=2)

    virtually(scenario())


def test_without_rights_on_charts_releases_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            await world.cluster.inject(AnswerWith(resource="helmcharts", status=403, reason="Forbidden"))
            fill(world.cluster)
            await world.settled()
            await asyncio.sleep(600)
            world.cluster.patch_status("bp-0000", INSTALLED)
            await world.settled(within_s=2)
            charts = sum(
                count for key, count in world.cluster.request_counts.items() if key[1] == "helmcharts"
            )
            assert charts < 60

    virtually(scenario())


def test_all_namespaces_are_one_region_with_ids_that_do_not_collide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch, namespace_filter="") as world:
            world.cluster.apply(body("db", ["ghost"]))
            apps = body("db", namespace="apps")
            apps["spec"] = {**body("db")["spec"], "dependsOn": [{"name": "db", "namespace": "flux-system"}]}
            world.cluster.apply(apps)
            await world.settled()
            assert world.server.picture is not None
            assert set(world.server.picture.nodes) == {"fsn1", "fsn1/db", "fsn1/apps/db"}
            assert ("fsn1/db", "fsn1/apps/db", "finish-to-start") in world.server.picture.relationships
            assert ("fsn1/ghost", "fsn1/db", "finish-to-start") in world.server.picture.relationships

    virtually(scenario())


def test_two_clusters_with_one_region_key_delete_nothing_of_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            fill(world.cluster, 2)
            await world.settled()
            assert world.server.picture is not None
            own = world.server.picture.nodes["fsn1"]
            other = msgspec.structs.replace(own, meta={**(own.meta or {}), "cluster": "another"})
            theirs = msgspec.structs.replace(own, id="fsn1/theirs", meta={"source": "flux"})
            for _ in range(3):
                world.server.picture.nodes.update({other.id: other, theirs.id: theirs})
                world.server.sequence += 2
                await asyncio.sleep(150)
                assert "fsn1/theirs" in world.server.picture.nodes
                assert world.count("region_shared") == 1
            await asyncio.sleep(15 * 60)
            assert world.count("region_shared") == 0
            assert world.difference() == []

    virtually(scenario())


def test_the_watch_goes_on_where_it_ended_and_lists_only_when_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            fill(world.cluster)
            await world.settled()
            lists = world.cluster.request_counts["list", "helmreleases", 200]
            for fault in (EndWatches(), CutLine(clean=True)):
                world.cluster.patch_status("bp-0000", {"conditions": [FAILED]})
                await asyncio.sleep(2)
                await world.cluster.inject(fault)
                await asyncio.sleep(2)
                world.cluster.patch_status("bp-0000", INSTALLED)
                await world.settled(within_s=5)
            assert world.cluster.request_counts["list", "helmreleases", 200] == lists
            for fault in (CutLine(clean=False), ExpireHistory(), ExpireHistory(as_status=True), Restart()):
                await world.cluster.inject(fault)
                world.cluster.delete("bp-0004", at_once=True)
                await world.settled()
                world.cluster.apply(body("bp-0004"))
                await world.settled()
            assert world.cluster.request_counts["list", "helmreleases", 200] >= lists + 3

    virtually(scenario())


def test_a_mute_watch_is_answered_by_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            fill(world.cluster)
            await world.settled()
            await world.cluster.inject(MuteWatches())
            world.cluster.delete("bp-0004", at_once=True)
            assert await world.settled(within_s=95) > 10
            assert world.silence_s() < 120

    virtually(scenario())


def test_an_api_that_says_nothing_for_two_minutes_is_told_by_ready_and_forgotten_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with region(tmp_path, monkeypatch) as world:
            fill(world.cluster)
            await world.settled()
            for fault in (Freeze(for_s=300), RefuseConnections(for_s=300), Forbid(for_s=300)):
                await world.cluster.inject(fault, DropConnections())
                await asyncio.sleep(200)
                assert world.silence_s() > 120
                await world.cluster.faults_over()
                await world.settled()
                assert world.silence_s() < 95

    virtually(scenario())
