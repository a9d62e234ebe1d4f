"""Tokens, rights and Leases, as an adapter uses them; the same tests for the simulated API and a real one."""

import asyncio
from typing import Any

import httpx
import pytest


def lease(holder: str, *, version: str = "", renewed: str = "2026-01-01T00:00:00.000001Z") -> dict[str, Any]:
    metadata = {"name": "adapter"} | ({"resourceVersion": version} if version else {})
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


async def test_an_unknown_token_is_401_and_none_is_403(kubernetes_api: Any, releases: str) -> None:
    async with kubernetes_api.client("no-such-token") as stranger:
        assert (await stranger.get(releases)).status_code == 401
    async with kubernetes_api.client("") as nobody:
        del nobody.headers["Authorization"]
        answer = await nobody.get(releases)
    assert answer.status_code == 403
    assert "system:anonymous" in answer.json()["message"]


async def test_a_user_without_rights_is_403_on_list_and_watch(kubernetes_api: Any, releases: str) -> None:
    async with kubernetes_api.client(kubernetes_api.nobody_token) as nobody:
        assert (await nobody.get(releases)).json()["reason"] == "Forbidden"
        assert (await nobody.get(releases, params={"watch": "true"})).status_code == 403


async def test_health_and_version_are_public(kubernetes_api: Any) -> None:
    async with kubernetes_api.client("") as nobody:
        del nobody.headers["Authorization"]
        assert (await nobody.get("/readyz")).text == "ok"
        assert (await nobody.get("/version")).json()["major"] == "1"


async def test_a_lease_is_created_once(reader: httpx.AsyncClient, leases: str) -> None:
    assert (await reader.get(f"{leases}/adapter")).status_code == 404
    assert (await reader.post(leases, json=lease("a"))).status_code == 201
    again = await reader.post(leases, json=lease("b"))
    assert (again.status_code, again.json()["reason"]) == (409, "AlreadyExists")


async def test_of_racing_replaces_one_wins(reader: httpx.AsyncClient, leases: str) -> None:
    created = (await reader.post(leases, json=lease("a"))).json()
    version = created["metadata"]["resourceVersion"]
    answers = await asyncio.gather(
        *(reader.put(f"{leases}/adapter", json=lease(f"pod-{n}", version=version)) for n in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19


async def test_a_replace_without_a_version_is_422(reader: httpx.AsyncClient, leases: str) -> None:
    await reader.post(leases, json=lease("a"))
    assert (await reader.put(f"{leases}/adapter", json=lease("b"))).status_code == 422


@pytest.mark.parametrize(
    "renewed", ["2026-01-01T00:00:02Z", "2026-01-01T00:00:02.123Z", "2026-01-01T00:00:02.123456", "yesterday"]
)
async def test_a_time_without_six_digits_and_a_zone_is_400(
    reader: httpx.AsyncClient, leases: str, renewed: str
) -> None:
    answer = await reader.post(leases, json=lease("a", renewed=renewed))
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert renewed in answer.json()["message"]


async def test_a_reader_may_not_list_or_delete_leases(reader: httpx.AsyncClient, leases: str) -> None:
    await reader.post(leases, json=lease("a"))
    assert (await reader.get(leases)).status_code == 403
    assert (await reader.delete(f"{leases}/adapter")).status_code == 403
