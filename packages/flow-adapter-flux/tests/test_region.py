"""The adapter between a Kubernetes API and a flow server, over real sockets, in virtual time."""

import asyncio

import msgspec

from flow_simulator.kubernetes import HELM_CHARTS
from flow_simulator.kubernetes.faults import (
    AnswerWith,
)

from .objects import FAILED, condition, helm_chart
from .region import INSTALLED, Start, body, fill, in_virtual_time


@in_virtual_time
async def test_a_cluster_is_mirrored_and_followed(start: Start) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        world.cluster.patch_status("bp-0000", INSTALLED)
        await world.settled(within_s=2)
        assert world.status("fsn1/bp-0000") == "succeeded"
        world.cluster.patch_status("bp-0001", {"conditions": [FAILED]})
        await world.settled(within_s=2)
        assert world.status("fsn1") == "failed"
        world.cluster.delete("bp-0001", at_once=True)
        await world.settled(within_s=2)


@in_virtual_time
async def test_quiet_is_one_list_one_watch_a_kind_and_a_comparison_a_minute(start: Start) -> None:
    async with start() as world:
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


@in_virtual_time
async def test_a_chart_that_cannot_be_pulled_shows_on_its_release_first(start: Start) -> None:
    async with start() as world:
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


@in_virtual_time
async def test_without_rights_on_charts_releases_go_on(start: Start) -> None:
    async with start() as world:
        await world.cluster.inject(AnswerWith(resource="helmcharts", status=403, reason="Forbidden"))
        fill(world.cluster)
        await world.settled()
        await asyncio.sleep(600)
        world.cluster.patch_status("bp-0000", INSTALLED)
        await world.settled(within_s=2)
        charts = sum(count for key, count in world.cluster.request_counts.items() if key[1] == "helmcharts")
        assert charts < 60


@in_virtual_time
async def test_all_namespaces_are_one_region_with_ids_that_do_not_collide(start: Start) -> None:
    async with start(namespace_filter="") as world:
        world.cluster.apply(body("db", ["ghost"]))
        apps = body("db", namespace="apps")
        apps["spec"] = {**body("db")["spec"], "dependsOn": [{"name": "db", "namespace": "flux-system"}]}
        world.cluster.apply(apps)
        await world.settled()
        assert world.server.picture is not None
        assert set(world.server.picture.nodes) == {"fsn1", "fsn1/db", "fsn1/apps/db"}
        assert ("fsn1/db", "fsn1/apps/db", "finish-to-start") in world.server.picture.relationships
        assert ("fsn1/ghost", "fsn1/db", "finish-to-start") in world.server.picture.relationships


@in_virtual_time
async def test_two_clusters_with_one_region_key_delete_nothing_of_each_other(start: Start) -> None:
    async with start() as world:
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
