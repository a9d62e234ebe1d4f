"""Whatever faults come, a client that follows the rules ends with the cluster's own picture.

The client is the plainest that is right: LIST, watch from its version, again from the last version seen; LIST
after an ERROR line, after a line it cannot read, after a watch without a line and after a refusal.
"""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes import faults as f
from flow_simulator.kubernetes.cluster import READER_TOKEN
from flow_simulator.kubernetes.resources import is_object
from flow_simulator.replay.comparing import decoded
from flow_simulator.replay.wire_client import WireAnswer, ask
from flow_simulator.virtual_time import run_in_virtual_time

RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/flux-system/helmreleases"
NAMES = ("a", "b", "c")
FAULTS = (
    f.EndWatches(),
    f.DropWatches(),
    f.CutLine(clean=True),
    f.CutLine(clean=False),
    f.SendBookmarks(),
    f.SendLine(line="blank"),
    f.SendLine(line="not-json"),
    f.SendLine(line="no-metadata"),
    f.SendLine(line="unknown-type"),
    f.SendLine(line="gone"),
    f.SendLine(line="internal-error"),
    f.Advance(by=3),
    f.ExpireHistory(),
    f.ExpireHistory(as_status=True),
    f.DropConnections(),
    f.RefuseConnections(for_s=3),
    f.Freeze(for_s=5),
    f.MuteWatches(for_s=40),
    f.SlowLines(delay_s=0.001, for_s=5),
    f.Forbid(for_s=3),
    f.Restart(),
    f.Restart(kill=False, drain_s=10),
    f.AnswerWith(status=503, retry_after_s=1, times=2),
    f.AnswerWith(verbs=("watch",), status=429, retry_after_s=1, times=2),
    f.HalfAnswer(times=1),
    f.DropRequest(times=1),
    f.NeverAnswer(verbs=("watch",), times=1),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(NAMES)),
        st.tuples(st.just("delete"), st.sampled_from(NAMES)),
        st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
        st.tuples(st.just("wait"), st.sampled_from((0.001, 0.5, 7.0, 30.0))),
    ),
    max_size=30,
)


class Follower:
    """Keeps `mirror`, the version of each release."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self.cluster = cluster
        self.mirror: dict[str, str] = {}

    async def get(self, target: str) -> WireAnswer | None:
        try:
            async with asyncio.timeout(60):
                headers = {"Authorization": f"Bearer {READER_TOKEN}"}
                return await ask(self.cluster.server.port, "GET", target, headers=headers)
        except (OSError, EOFError, TimeoutError):
            return None

    async def run(self) -> None:
        while True:
            version = await self.listed()
            while version:
                version = await self.watched(version)
            await asyncio.sleep(1)

    async def listed(self) -> str:
        answer = await self.get(RELEASES)
        if answer is None or answer.status != 200 or answer.ended != "clean":
            return ""
        body = decoded(answer.body)
        self.mirror = {i["metadata"]["name"]: i["metadata"]["resourceVersion"] for i in body["items"]}
        return body["metadata"]["resourceVersion"]

    async def watched(self, version: str) -> str:
        """The version to watch from next; empty: list."""
        query = f"watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds=20"
        answer = await self.get(f"{RELEASES}?{query}")
        if answer is None or answer.status != 200 or not answer.lines:
            return ""
        for _, text in answer.lines:
            line = decoded(text)
            if not is_object(line) or line["type"] == "ERROR" or "metadata" not in line["object"]:
                return ""
            metadata = line["object"]["metadata"]
            version = str(metadata["resourceVersion"])
            if line["type"] in ("ADDED", "MODIFIED"):
                self.mirror[metadata["name"]] = version
            elif line["type"] == "DELETED":
                self.mirror.pop(metadata["name"], None)
        return version


async def play(steps: list[tuple[str, Any]]) -> None:
    async with SimulatedCluster() as cluster:
        follower = Follower(cluster)
        following = asyncio.get_running_loop().create_task(follower.run())
        for count, (what, value) in enumerate(steps):
            if what == "write":
                cluster.apply({"metadata": {"name": value, "labels": {"n": str(count)}}, "spec": {}})
            elif what == "delete" and cluster.get(value) is not None:
                cluster.delete(value)
            elif what == "fault":
                await cluster.inject(value)
            elif what == "wait":
                await asyncio.sleep(value)
        await cluster.faults_over()
        await cluster.lift_faults()
        await asyncio.sleep(200)
        following.cancel()
        assert follower.mirror == {
            body["metadata"]["name"]: body["metadata"]["resourceVersion"] for body in cluster.objects()
        }


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_no_fault_loses_a_change_for_a_client_that_follows_the_rules(steps: list[tuple[str, Any]]) -> None:
    run_in_virtual_time(play(steps))
