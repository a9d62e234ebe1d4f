"""How the Kubernetes API is followed when it falls silent, ends or restarts; in virtual time."""

import asyncio
from pathlib import Path

from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes.faults import (
    AnswerWith,
    CreateDefinition,
    CutLine,
    DropConnections,
    DropWatches,
    EndWatches,
    ExpireHistory,
    Forbid,
    Freeze,
    MuteWatches,
    RefuseConnections,
    Restart,
    RotateToken,
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


@in_virtual_time
async def test_a_rotated_token_is_taken_up_without_a_pause(start: Start, tmp_path: Path) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        for turn in range(3):
            old, world.cluster.token = world.cluster.token, f"token-{turn}"
            world.cluster.kubeconfig(tmp_path / "kubeconfig")
            await world.cluster.inject(RotateToken(old=old, new=world.cluster.token), DropWatches())
            world.cluster.patch_status("bp-0000", INSTALLED if turn % 2 else {"conditions": [FAILED]})
            await world.settled(within_s=5)


@in_virtual_time
async def test_a_configuration_that_is_gone_or_half_written_for_a_while_is_no_end(
    start: Start, tmp_path: Path
) -> None:
    async with start() as world:
        fill(world.cluster)
        await world.settled()
        kubeconfig = tmp_path / "kubeconfig"
        whole = kubeconfig.read_text()
        for broken in ("", "{", "[]", "clusters: 5", whole[: len(whole) // 2], None):
            kubeconfig.unlink()
            if broken is not None:
                kubeconfig.write_text(broken)
            await world.cluster.inject(AnswerWith(status=401, times=4), DropWatches())
            await asyncio.sleep(60)
            kubeconfig.write_text(whole)
            world.cluster.patch_status(
                "bp-0000", {"conditions": [FAILED], "failures": len(broken or "gone!")}
            )
            await world.settled()
