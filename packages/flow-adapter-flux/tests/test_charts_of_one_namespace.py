"""With rights in one namespace only, its charts are seen, and the others once they may be."""

import asyncio

from flow_simulator.kubernetes import HELM_CHARTS, SimulatedCluster
from flow_simulator.kubernetes.access import User, adapter_rules

from .objects import condition, helm_chart
from .region import Start, World, in_virtual_time


def _reason(world: World, release: str) -> object:
    """What the server's picture says of why the release is not ready."""
    node = world.server.picture.nodes.get(f"fsn1/{release}") if world.server.picture else None
    return (node.meta or {}).get("reason") if node else None


async def _told(world: World, release: str, *, within_s: float) -> None:
    """Wait until the server's picture says that the release's chart cannot be had."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    while _reason(world, release) != "ChartPullError":
        assert loop.time() < until
        await asyncio.sleep(0.5)


def _put_broken_chart(cluster: SimulatedCluster, release: str, *, namespace: str) -> None:
    broken = [
        condition("FetchFailed", "True", "ChartPullError", "no such chart"),
        condition("Ready", "False", "ChartPullError", "no such chart"),
    ]
    chart = helm_chart(
        f"flux-system-{release}", namespace=namespace, owner=("flux-system", release), conditions=broken
    )
    del chart["metadata"]["resourceVersion"]
    chart["spec"] = {
        "chart": "x",
        "sourceRef": {"kind": "HelmRepository", "name": "c"},
        "interval": "5m",
    }
    cluster.apply(chart)


@in_virtual_time
async def test_charts_of_the_watched_namespace_are_seen_without_rights_on_the_others(start: Start) -> None:
    simulated = SimulatedCluster()
    simulated.tokens[simulated.token] = simulated.tokens[simulated.namespace_token]
    async with start(simulated=simulated) as world:
        for name in ("here", "elsewhere"):
            world.cluster.apply({"metadata": {"name": name}, "spec": {"interval": "15m"}})
        _put_broken_chart(world.cluster, "here", namespace="flux-system")
        _put_broken_chart(world.cluster, "elsewhere", namespace="apps")
        await _told(world, "here", within_s=60)
        assert _reason(world, "elsewhere") != "ChartPullError"
        assert world.cluster.request_counts["watch", "helmcharts", 200] == 1
        # Somebody gives the rights: seen when the watch ends, five minutes later at most.
        world.cluster.tokens[world.cluster.token] = User(name="later", rules=adapter_rules())
        await _told(world, "elsewhere", within_s=320)
        world.cluster.delete("flux-system-here", resource=HELM_CHARTS, at_once=True)
        await world.settled()
