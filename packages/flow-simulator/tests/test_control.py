"""The control API over real sockets, beside the API it controls."""

import time

import httpx
import pytest

from flow_simulator.control import serving_control
from flow_simulator.flux.driver import FluxDriver
from flow_simulator.flux.plan import Plan
from flow_simulator.kubernetes import SimulatedCluster

RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/flux-system/helmreleases"


async def test_faults_are_injected_and_lifted() -> None:
    async with SimulatedCluster() as cluster, serving_control(cluster) as url:
        headers = {"Authorization": f"Bearer {cluster.token}"}
        async with httpx.AsyncClient(headers=headers) as client:
            faults = [
                {"fault": "Apply", "object": {"metadata": {"name": "bp-a"}, "spec": {}}},
                {"fault": "AnswerWith", "verbs": ["list"], "status": 503},
            ]
            assert (await client.post(f"{url}/faults", json=faults)).status_code == 204
            assert (await client.get(cluster.url + RELEASES)).status_code == 503
            state = (await client.get(f"{url}/state")).json()
            assert state["rules"][0]["fault"] == "AnswerWith"
            listed = {"verb": "list", "resource": "helmreleases", "status": 503, "count": 1}
            assert listed in state["requests"]
            assert (await client.delete(f"{url}/faults")).status_code == 204
            names = [
                i["metadata"]["name"] for i in (await client.get(cluster.url + RELEASES)).json()["items"]
            ]
            assert names == ["bp-a"]
            objects = (await client.get(f"{url}/objects/helmreleases")).json()
            assert [body["metadata"]["name"] for body in objects] == names


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"fault": "Earthquake"}, "Earthquake"),
        ({"fault": "Freeze"}, "for_s"),
        ({"fault": "Freeze", "for_s": 1, "times": 3}, "times"),
        ({"fault": "DeleteDefinition", "resource": "pods"}, "pods"),
        ({"fault": "Delete", "resource": "helmreleases", "namespace": "n", "name": "bp-z"}, "bp-z"),
    ],
)
async def test_a_mistake_is_a_400_that_names_it(body: dict[str, object], problem: str) -> None:
    async with (
        SimulatedCluster() as cluster,
        serving_control(cluster) as url,
        httpx.AsyncClient() as client,
    ):
        answer = await client.post(f"{url}/faults", json=body)
        assert answer.status_code == 400
        assert problem in answer.json()["detail"]


async def test_the_clock_is_set() -> None:
    async with SimulatedCluster() as cluster, httpx.AsyncClient() as client:
        driver = FluxDriver(cluster, Plan(releases=()), speed=1, now=time.time)
        async with serving_control(cluster, driver) as url:
            assert (await client.put(f"{url}/clock", json={"speed": 50})).status_code == 204
            assert (await client.get(f"{url}/state")).json()["clock"]["speed"] == 50
            answer = await client.put(f"{url}/clock", json={"speed": -1})
            assert (answer.status_code, "found -1" in answer.json()["detail"]) == (400, True)
        async with serving_control(cluster) as url:
            assert (await client.put(f"{url}/clock", json={"speed": 50})).status_code == 400
