"""LIST and watch, as a reflector uses them; the same tests for the simulated API and a real one."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx


def release(name: str, **metadata: Any) -> dict[str, Any]:
    source = {"kind": "HelmRepository", "name": "catalog"}
    chart = {"chart": name, "version": "1.2.3", "sourceRef": source}
    return {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": name, **metadata},
        "spec": {"interval": "15m", "chart": {"spec": chart}},
    }


async def create(admin: httpx.AsyncClient, path: str, *names: str, **metadata: Any) -> None:
    for name in names:
        answer = await admin.post(path, json=release(name, **metadata))
        assert answer.status_code == 201, answer.text


async def merge(admin: httpx.AsyncClient, path: str, patch: dict[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = await admin.patch(path, content=json.dumps(patch), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@asynccontextmanager
async def watching(reader: httpx.AsyncClient, path: str, **query: Any) -> AsyncGenerator[Any, None]:
    """An iterator over the lines of a watch, each decoded."""
    async with reader.stream("GET", path, params={"watch": "true", **query}) as answer:
        assert answer.status_code == 200

        async def lines() -> AsyncIterator[dict[str, Any]]:
            pending = b""
            async for part in answer.aiter_bytes():
                *whole, pending = (pending + part).split(b"\n")
                for line in whole:
                    yield json.loads(line)
            assert pending == b""

        yield lines()


async def take(lines: AsyncIterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(30):
        return [await anext(lines) for _ in range(count)]


def seen(line: dict[str, Any]) -> tuple[str, str]:
    return line["type"], line["object"]["metadata"].get("name", "")


async def test_a_new_release_has_an_observed_generation_of_minus_one(
    admin: httpx.AsyncClient, releases: str
) -> None:
    answer = await admin.post(releases, json=release("bp-a"))
    body = answer.json()
    assert body["status"] == {"observedGeneration": -1}
    assert body["metadata"]["generation"] == 1


async def test_all_pages_of_a_list_have_the_version_and_the_objects_of_the_first(
    admin: httpx.AsyncClient, reader: httpx.AsyncClient, releases: str
) -> None:
    await create(admin, releases, "bp-c", "bp-a", "bp-b", "bp-d", "bp-e")
    first = (await reader.get(releases, params={"limit": 2})).json()
    await create(admin, releases, "bp-bb")
    assert first["metadata"]["remainingItemCount"] == 3
    names = [item["metadata"]["name"] for item in first["items"]]
    page = first
    while token := page["metadata"].get("continue"):
        page = (await reader.get(releases, params={"limit": 2, "continue": token})).json()
        assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        names += [item["metadata"]["name"] for item in page["items"]]
    assert names == ["bp-a", "bp-b", "bp-c", "bp-d", "bp-e"]


async def test_a_watch_from_a_list_shows_every_change_above_it_in_order(
    admin: httpx.AsyncClient, reader: httpx.AsyncClient, releases: str
) -> None:
    await create(admin, releases, "bp-a")
    version = (await reader.get(releases)).json()["metadata"]["resourceVersion"]
    async with watching(reader, releases, resourceVersion=version, timeoutSeconds=60) as lines:
        await create(admin, releases, "bp-b")
        await merge(admin, f"{releases}/bp-a", {"spec": {"interval": "20m"}})
        await admin.delete(f"{releases}/bp-b")
        found = await take(lines, 3)
    assert [seen(line) for line in found] == [("ADDED", "bp-b"), ("MODIFIED", "bp-a"), ("DELETED", "bp-b")]
    versions = [int(line["object"]["metadata"]["resourceVersion"]) for line in found]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)


async def test_a_watch_without_a_version_begins_with_everything_there_is(
    admin: httpx.AsyncClient, reader: httpx.AsyncClient, releases: str
) -> None:
    await create(admin, releases, "bp-a", "bp-b")
    async with watching(reader, releases, timeoutSeconds=60) as lines:
        assert sorted(seen(line) for line in await take(lines, 2)) == [("ADDED", "bp-a"), ("ADDED", "bp-b")]


async def test_a_patch_that_changes_nothing_is_no_event(
    admin: httpx.AsyncClient, reader: httpx.AsyncClient, releases: str
) -> None:
    await create(admin, releases, "bp-a")
    patch = {"status": {"observedGeneration": 1}}
    first = await merge(admin, f"{releases}/bp-a/status", patch)
    version = first["metadata"]["resourceVersion"]
    again = await merge(admin, f"{releases}/bp-a/status", patch)
    assert again["metadata"]["resourceVersion"] == version
    async with watching(reader, releases, resourceVersion=version, timeoutSeconds=60) as lines:
        await create(admin, releases, "bp-b")
        assert seen((await take(lines, 1))[0]) == ("ADDED", "bp-b")


async def test_status_and_the_rest_are_written_apart(admin: httpx.AsyncClient, releases: str) -> None:
    await create(admin, releases, "bp-a")
    both = {"spec": {"interval": "1h"}, "status": {"observedGeneration": 7}}
    after = await merge(admin, f"{releases}/bp-a/status", both)
    assert (after["spec"]["interval"], after["status"]["observedGeneration"]) == ("15m", 7)
    assert after["metadata"]["generation"] == 1
    after = await merge(admin, f"{releases}/bp-a", both | {"status": {"observedGeneration": 9}})
    assert (after["spec"]["interval"], after["status"]["observedGeneration"]) == ("1h", 7)
    assert after["metadata"]["generation"] == 2


async def test_finalizers_hold_a_deleted_object_and_its_last_event_has_a_newer_version(
    admin: httpx.AsyncClient, reader: httpx.AsyncClient, releases: str
) -> None:
    await create(admin, releases, "bp-a", finalizers=["finalizers.fluxcd.io"])
    version = (await reader.get(releases)).json()["metadata"]["resourceVersion"]
    async with watching(reader, releases, resourceVersion=version, timeoutSeconds=60) as lines:
        marked = (await admin.delete(f"{releases}/bp-a")).json()
        assert "deletionTimestamp" in marked["metadata"]
        freed = await merge(admin, f"{releases}/bp-a", {"metadata": {"finalizers": None}})
        found = await take(lines, 2)
    assert [seen(line) for line in found] == [("MODIFIED", "bp-a"), ("DELETED", "bp-a")]
    last = int(found[1]["object"]["metadata"]["resourceVersion"])
    assert last > int(freed["metadata"]["resourceVersion"])


async def test_a_version_from_before_the_history_is_a_410_line(
    reader: httpx.AsyncClient, releases: str
) -> None:
    async with watching(reader, releases, resourceVersion=1, timeoutSeconds=60) as lines:
        found = [line async for line in lines]
    assert [(line["type"], line["object"]["code"], line["object"]["reason"]) for line in found] == [
        ("ERROR", 410, "Expired")
    ]


async def test_a_watch_from_a_future_version_is_silent(
    admin: httpx.AsyncClient, reader: httpx.AsyncClient, releases: str
) -> None:
    query = {"resourceVersion": 99_999_999, "allowWatchBookmarks": "true", "timeoutSeconds": 3}
    async with watching(reader, releases, **query) as lines:
        await create(admin, releases, "bp-a")
        assert [line async for line in lines] == []


async def test_bookmarks_come_only_when_asked_for(
    admin: httpx.AsyncClient, reader: httpx.AsyncClient, releases: str
) -> None:
    await create(admin, releases, "bp-a")
    version = (await reader.get(releases)).json()["metadata"]["resourceVersion"]

    async def kinds(**query: Any) -> set[str]:
        query |= {"resourceVersion": version, "timeoutSeconds": 5}
        async with watching(reader, releases, **query) as lines:
            await asyncio.sleep(0)
            return {line["type"] async for line in lines}

    without, with_bookmarks, _ = await asyncio.gather(
        kinds(),
        kinds(allowWatchBookmarks="true"),
        merge(admin, f"{releases}/bp-a", {"metadata": {"labels": {"a": "b"}}}),
    )
    assert "BOOKMARK" not in without
    assert "BOOKMARK" in with_bookmarks


async def test_next_line_characters_come_unescaped(
    admin: httpx.AsyncClient, reader: httpx.AsyncClient, releases: str
) -> None:
    await create(admin, releases, "bp-a", annotations={"odd": "a\u0085b\u2028c"})
    text = (await reader.get(f"{releases}/bp-a")).content
    assert "a\u0085b".encode() in text
    assert b"\\u2028" in text


async def test_an_unknown_resource_of_a_custom_group_is_404_in_plain_text(
    admin: httpx.AsyncClient, releases: str
) -> None:
    answer = await admin.get(releases.replace("helmreleases", "helmthings"))
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")


async def test_field_selectors_other_than_name_and_namespace_are_refused(
    reader: httpx.AsyncClient, releases: str
) -> None:
    answer = await reader.get(releases, params={"fieldSelector": "spec.suspend=true"})
    assert (answer.status_code, answer.json()["message"]) == (400, "field label not supported: spec.suspend")
