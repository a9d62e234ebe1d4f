"""A Flux at work on a cluster: what it writes arrives, at the speed that was asked for."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from flow_simulator.flux.driver import FluxDriver
from flow_simulator.flux.plan import FAILS_FOR_GOOD, bootstrap_plan
from flow_simulator.flux.roles import Role
from flow_simulator.kubernetes import HELM_CHARTS, HELM_RELEASES, SimulatedCluster
from flow_simulator.virtual_time import run_in_virtual_time

BEGAN = 1_800_000_000.0


def told(story: Callable[[SimulatedCluster, FluxDriver], Awaitable[None]], *, speed: float = 10.0) -> None:
    async def tell() -> None:
        async with SimulatedCluster(now=now) as cluster:
            plan = bootstrap_plan(seed=3, role=Role.SECONDARY, fails_for_good=FAILS_FOR_GOOD)
            driver = FluxDriver(cluster, plan, speed=speed, now=now)
            async with playing(driver):
                await story(cluster, driver)

    run_in_virtual_time(tell())


def now() -> float:
    return BEGAN + asyncio.get_running_loop().time()


@asynccontextmanager
async def playing(driver: FluxDriver) -> AsyncGenerator[None, None]:
    task = asyncio.get_running_loop().create_task(driver.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def ready(cluster: SimulatedCluster) -> set[str]:
    found: set[str] = set()
    for release in cluster.objects():
        conditions = release.get("status", {}).get("conditions", [])
        if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
            found.add(release["metadata"]["name"])
    return found


def test_a_bootstrap_of_twenty_minutes_takes_two_at_ten_times_the_speed() -> None:
    async def story(cluster: SimulatedCluster, driver: FluxDriver) -> None:
        await asyncio.sleep(130)
        assert len(cluster.objects()) == 67
        assert len(ready(cluster)) == 67 - 3 - 3
        assert len(cluster.objects(HELM_CHARTS)) == 63
        release = cluster.get("bp-cilium")
        assert release is not None
        assert release["metadata"]["finalizers"] == ["finalizers.fluxcd.io"]
        managers = {entry["manager"] for entry in release["metadata"]["managedFields"]}
        assert managers == {"kustomize-controller", "helm-controller"}

    told(story)


def test_times_are_those_of_the_clock_on_the_wall() -> None:
    async def story(cluster: SimulatedCluster, driver: FluxDriver) -> None:
        await asyncio.sleep(130)
        release = cluster.get("bp-loki")
        assert release is not None
        # 130 s after 2027-01-15T08:00:00Z, whatever the speed.
        for condition in release["status"]["conditions"]:
            assert "2027-01-15T08:00:00Z" <= condition["lastTransitionTime"] < "2027-01-15T08:02:10Z"

    told(story)


def test_a_flux_stands_still_at_speed_0_and_goes_on_later() -> None:
    async def story(cluster: SimulatedCluster, driver: FluxDriver) -> None:
        await asyncio.sleep(60)
        assert len(cluster.objects()) == 65
        assert ready(cluster) == set()
        driver.set_speed(100)
        await asyncio.sleep(13)
        assert len(ready(cluster)) > 50
        driver.set_speed(0)
        version = cluster.store.version
        await asyncio.sleep(1000)
        assert cluster.store.version == version

    told(story, speed=0)


def test_noise_follows_and_changes_no_release_but_its_version() -> None:
    async def story(cluster: SimulatedCluster, driver: FluxDriver) -> None:
        await asyncio.sleep(150)
        before, version = ready(cluster), cluster.store.version
        await asyncio.sleep(1000)
        changes = cluster.store.changes_after(HELM_RELEASES, version, limit=10_000)
        assert len(changes) > 2 * 60 * 9
        assert ready(cluster) == before

    told(story)


def test_a_deleted_release_is_uninstalled_and_then_gone() -> None:
    async def story(cluster: SimulatedCluster, driver: FluxDriver) -> None:
        await asyncio.sleep(130)
        cluster.delete("bp-loki")
        await asyncio.sleep(0.5)
        release = cluster.get("bp-loki")
        assert release is not None
        assert "deletionTimestamp" in release["metadata"]
        await asyncio.sleep(2)
        assert cluster.get("bp-loki") is None
        assert cluster.get("flux-system-bp-loki", resource=HELM_CHARTS) is None
        await asyncio.sleep(1000)
        assert cluster.get("bp-loki") is None

    told(story)


def test_a_flux_whose_definitions_are_gone_goes_on() -> None:
    async def story(cluster: SimulatedCluster, driver: FluxDriver) -> None:
        await asyncio.sleep(10)
        for name in [release["metadata"]["name"] for release in cluster.objects()]:
            cluster.delete(name, at_once=True)
        await asyncio.sleep(200)
        assert {release["metadata"]["name"] for release in cluster.objects()} == {
            "bp-coraza",
            "bp-syft-grype",
        }

    told(story)
