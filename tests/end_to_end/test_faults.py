"""Whatever fails in a bootstrap of three regions, the server is soon right again and no reader ever wrong."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from flow_simulator.kubernetes.faults import (
    DropConnections,
    EndWatches,
    ExpireHistory,
    RefuseConnections,
    Restart,
)
from flow_simulator.proxy import Faults

from .installation import BOOTSTRAP_S, Installation, installed

SPEED = 40.0
"""Flux's seconds in a real one, while something is broken."""
BROKEN_S = 60.0
"""How many of Flux's seconds pass meanwhile: a real second and a half."""
NOTICES_SILENCE_WITHIN_S = 120.0
"""An adapter gives up a watch that says nothing for 75 to 90 s; its story runs beside the others."""

MUTE = "nbg1"
"""The region whose adapter's connections to its API go silent at the beginning, and nobody tells it."""
OTHERS = ("fsn1", "hel1")


async def goes_on(installation: Installation) -> None:
    """Flux works on while something is broken."""
    installation.set_speed(SPEED)
    await installation.played_until(max(one.elapsed_s() for one in installation.drivers.values()) + BROKEN_S)


async def api_server_dies(installation: Installation) -> None:
    await installation.clusters["fsn1"].inject(Restart(kill=True))
    await goes_on(installation)
    await installation.clusters["fsn1"].faults_over()


async def api_server_is_not_to_be_reached(installation: Installation) -> None:
    for region in OTHERS:
        await installation.clusters[region].inject(RefuseConnections(for_s=2.0), DropConnections())
    await goes_on(installation)
    for region in OTHERS:
        await installation.clusters[region].faults_over()


async def history_expires(installation: Installation) -> None:
    await installation.clusters["fsn1"].inject(ExpireHistory())
    await installation.clusters["hel1"].inject(ExpireHistory(as_status=True), EndWatches())
    await goes_on(installation)


async def server_is_killed(installation: Installation) -> None:
    await installation.server.kill()
    await goes_on(installation)
    await installation.server.start()


async def server_is_replaced(installation: Installation) -> None:
    assert await installation.server.stop() == 0
    await installation.server.start()
    await goes_on(installation)


async def server_stands_still(installation: Installation) -> None:
    installation.server.pause()
    await goes_on(installation)
    installation.server.go_on()


async def flow_is_deleted(installation: Installation) -> None:
    assert (await installation.operator.delete()).status == 204
    await goes_on(installation)


async def network_is_cut(installation: Installation) -> None:
    installation.network.faults = Faults(refuse=True)
    installation.network.cut()
    await goes_on(installation)
    installation.network.faults = Faults()


async def network_is_parted(installation: Installation) -> None:
    installation.network.faults = Faults(stall=True)
    await goes_on(installation)
    await goes_on(installation)
    installation.network.faults = Faults()


async def answers_break(installation: Installation) -> None:
    installation.network.break_answer_after(20)
    await goes_on(installation)
    installation.network.break_answer_after(150)
    await goes_on(installation)


async def readers_lose_their_network(installation: Installation) -> None:
    installation.far_network.cut()
    await goes_on(installation)
    installation.far_network.break_answer_after(700)
    await goes_on(installation)
    installation.far_network.faults = Faults(stall=True)
    await goes_on(installation)
    installation.far_network.faults = Faults()


async def adapter_is_killed(installation: Installation) -> None:
    await installation.adapters["hel1"].kill()
    await goes_on(installation)
    await installation.adapters["hel1"].start()


STORY: list[Callable[[Installation], Awaitable[None]]] = [
    api_server_dies,
    api_server_is_not_to_be_reached,
    history_expires,
    network_is_cut,
    network_is_parted,
    answers_break,
    readers_lose_their_network,
    server_stands_still,
    flow_is_deleted,
    server_is_killed,
    adapter_is_killed,
    server_is_replaced,
]


@pytest.mark.timeout(400)
async def test_faults_in_a_bootstrap_heal_and_no_reader_is_ever_wrong(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with installed(tmp_path, speed=SPEED) as installation:
        await installation.played_until(BROKEN_S)
        installation.set_speed(0)
        took_s = {"the start": await installation.equal()}
        installation.cluster_networks[MUTE].silence()
        for fault in STORY:
            await fault(installation)
            installation.set_speed(0)
            took_s[fault.__name__] = await installation.equal(OTHERS)
            await installation.new_reader(f"after {fault.__name__}")
        installation.set_speed(SPEED)
        await installation.played_until(BOOTSTRAP_S)
        installation.set_speed(0)
        took_s["the end"] = await installation.equal(OTHERS)
        assert await installation.wrong([MUTE]), "the silence was none"
        took_s["silence"] = await installation.equal(within_s=NOTICES_SILENCE_WITHIN_S)
        assert [str(finding) for finding in await installation.findings()] == []
    for name, seconds in took_s.items():
        record_property(f"seconds after {name}", round(seconds, 1))
