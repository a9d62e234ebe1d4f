"""How the Kubernetes API is followed when it falls silent, ends or restarts; in virtual time."""

import asyncio

from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes.faults import (
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

from .objects import FAILED
from .region import INSTALLED, Start, body, fill, in_virtual_time


@in_virtual_time
async def test_before_the_definitions_exist_it_waits_quietly_and_sees_them_within_ten_seconds(
    start: Start,
) -> None:
    async with start(simulated=SimulatedCluster(definitions=())) as world:
        await asyncio.sleep(300)
        assert world.silence_s() < 120
        assert sum(world.cluster.request_counts.values()) < 2 * 300 / 5 + 5
        assert [node.id for node in (world.server.picture or world.expected()).nodes.values()] == ["fsn1"]
        await world.cluster.inject(CreateDefinition(resource="helmreleases"))
        fill(world.cluster)
        await world.settled(within_s=12)


@in_virtual_time
async def test_the_watch_goes_on_where_it_ended_and_lists_only_when_it_must(start: Start) -> None:
    async with start() as world:
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


@in_virtual_time
async def test_a_mute_watch_is_answered_by_a_list(start: Start) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        await world.cluster.inject(MuteWatches())
        world.cluster.delete("bp-0004", at_once=True)
        assert await world.settled(within_s=95) > 10
        assert world.silence_s() < 120


@in_virtual_time
async def test_an_api_that_says_nothing_for_two_minutes_is_told_by_ready_and_forgotten_when_it_is_back(
    start: Start,
) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        for fault in (Freeze(for_s=300), RefuseConnections(for_s=300), Forbid(for_s=300)):
            await world.cluster.inject(fault, DropConnections())
            await asyncio.sleep(200)
            assert world.silence_s() > 120
            await world.cluster.faults_over()
            await world.until(lambda: world.silence_s() < 30, within_s=35)
