"""Every fault, seen from the other end of a socket; in virtual time, so that minutes take no time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes import faults as f
from flow_simulator.kubernetes.cluster import ADAPTER_TOKEN, ADMIN_TOKEN, READER_TOKEN
from flow_simulator.replay.comparing import decoded
from flow_simulator.replay.wire_client import WireAnswer, ask
from flow_simulator.virtual_time import run_in_virtual_time

RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/flux-system/helmreleases"
Story = Callable[[SimulatedCluster], Awaitable[None]]


def told(story: Story) -> None:
    async def tell() -> None:
        async with SimulatedCluster() as cluster:
            cluster.apply({"metadata": {"name": "bp-a"}, "spec": {"interval": "15m"}})
            await story(cluster)

    run_in_virtual_time(tell())


async def get(cluster: SimulatedCluster, target: str = RELEASES, *, token: str = READER_TOKEN) -> WireAnswer:
    headers = {"Authorization": f"Bearer {token}"}
    async with asyncio.timeout(600):
        return await ask(cluster.server.port, "GET", target, headers=headers)


def watch(cluster: SimulatedCluster, *, seconds: int = 30, version: int | None = None) -> "asyncio.Task[Any]":
    """A watch from now that is open when this has been awaited once more."""
    start = cluster.store.version if version is None else version
    query = f"watch=true&resourceVersion={start}&timeoutSeconds={seconds}&allowWatchBookmarks=true"
    return asyncio.get_running_loop().create_task(get(cluster, f"{RELEASES}?{query}"))


def kinds(answer: WireAnswer) -> list[str]:
    return [decoded(line)["type"] for _, line in answer.lines]


def test_a_rule_answers_so_many_requests_of_its_verb() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(f.AnswerWith(verbs=("list",), status=503, retry_after_s=7, times=2))
        answers = [await get(cluster), await get(cluster, f"{RELEASES}/bp-a"), await get(cluster)]
        answers.append(await get(cluster))
        assert [answer.status for answer in answers] == [503, 200, 503, 200]
        assert answers[0].headers["Retry-After"] == "7"
        assert cluster.request_counts["list", "helmreleases", 503] == 2

    told(story)


def test_a_rule_ends_after_its_time() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(f.AnswerWith(status=429, for_s=10))
        assert (await get(cluster)).status == 429
        await asyncio.sleep(11)
        assert (await get(cluster)).status == 200

    told(story)


def test_lifting_ends_what_would_last_for_ever() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(f.AnswerWith(status=500), f.Forbid(), f.MuteWatches(), f.SlowLines())
        assert (await get(cluster)).status == 500
        await cluster.lift_faults()
        assert (await get(cluster)).status == 200

    told(story)


def test_a_request_may_never_be_answered() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(f.NeverAnswer(verbs=("watch",)))
        task = watch(cluster)
        await asyncio.sleep(500)
        assert not task.done()
        assert (await get(cluster)).status == 200
        task.cancel()

    told(story)


def test_an_answer_may_be_late_or_half_or_of_another_type() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        loop = asyncio.get_running_loop()
        await cluster.inject(f.AnswerLate(by_s=20, times=1))
        before = loop.time()
        assert (await get(cluster)).status == 200
        assert loop.time() - before >= 20
        await cluster.inject(f.HalfAnswer(times=1))
        half = await get(cluster)
        assert half.ended == "cut"
        await cluster.inject(f.OtherContentType(content_type=None, times=1))
        assert "Content-Type" not in (await get(cluster)).headers
        await cluster.inject(f.AnswerWith(status=200, body="<html>", content_type="text/html", times=1))
        assert (await get(cluster)).body == b"<html>"
        await cluster.inject(f.DropRequest(times=1))
        with pytest.raises((OSError, EOFError)):
            await get(cluster)

    told(story)


@pytest.mark.parametrize(
    ("fault", "ended", "odd"),
    [
        (f.EndWatches(), "clean", b""),
        (f.DropWatches(), "cut", b""),
        (f.CutLine(clean=True), "clean", b'{"type":"MODIFIED"'),
        (f.CutLine(clean=False), "cut", b'{"type":"MODIFIED"'),
        (f.DropConnections(), "cut", b""),
    ],
)
def test_a_watch_ends_as_told(fault: f.Fault, ended: str, odd: bytes) -> None:
    async def story(cluster: SimulatedCluster) -> None:
        task = watch(cluster)
        await cluster.until_watched()
        await cluster.inject(fault)
        answer = await task
        assert (answer.ended, answer.lines) == (ended, [])
        assert answer.body.startswith(odd)
        assert cluster.watches == 0

    told(story)


@pytest.mark.parametrize(
    ("odd", "found"),
    [("blank", b""), ("not-json", b"this is not json"), ("no-metadata", b'"object":{"kind":"HelmRelease"}')],
)
def test_an_odd_line_comes_between_others(odd: f.OddLine, found: bytes) -> None:
    async def story(cluster: SimulatedCluster) -> None:
        task = watch(cluster)
        await cluster.until_watched()
        cluster.patch("bp-a", {"metadata": {"labels": {"n": "1"}}})
        await asyncio.sleep(0.01)
        await cluster.inject(f.SendLine(line=odd))
        await asyncio.sleep(0.01)
        cluster.patch("bp-a", {"metadata": {"labels": {"n": "2"}}})
        lines = [line for _, line in (await task).lines]
        assert b'"n":"1"' in lines[0]
        assert found in lines[1]
        assert b'"n":"2"' in lines[2]

    told(story)


def test_a_line_of_ten_mebibytes_comes_whole() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        task = watch(cluster)
        await cluster.until_watched()
        await cluster.inject(f.SendLine(line="huge"), f.SendBookmarks())
        lines = [line for _, line in (await task).lines]
        assert len(lines[0]) > 10 * 2**20
        assert b"BOOKMARK" in lines[1]

    told(story)


def test_bookmarks_come_when_told() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        task = watch(cluster, seconds=300)
        await cluster.until_watched()
        await cluster.inject(f.Advance(by=5), f.SendBookmarks(), f.EndWatches())
        answer = await task
        assert kinds(answer) == ["BOOKMARK"]
        version = decoded(answer.lines[0][1])["object"]["metadata"]["resourceVersion"]
        assert int(version) == cluster.store.version

    told(story)


def test_a_bookmark_never_passes_a_change_that_is_still_to_be_written() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        task = watch(cluster, seconds=300)
        await cluster.until_watched()
        await cluster.inject(f.MuteWatches(for_s=10))
        cluster.patch("bp-a", {"metadata": {"labels": {"n": "1"}}})
        await cluster.inject(f.SendBookmarks(), f.SendLine(line="unknown-type"))
        await asyncio.sleep(20)
        await cluster.inject(f.EndWatches())
        answer = await task
        assert kinds(answer) == ["MODIFIED", "BOOKMARK", "SURPRISE"]
        changed, marked, odd = (
            int(decoded(line)["object"]["metadata"]["resourceVersion"]) for _, line in answer.lines
        )
        assert marked == changed
        # A reader may keep the version of a line that it does not know.
        assert odd <= changed

    told(story)


def test_overlapping_faults_start_the_server_once() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(f.RefuseConnections(for_s=3), f.Restart(down_s=3), f.RefuseConnections(for_s=3))
        await cluster.faults_over()
        assert (await get(cluster)).status == 200

    told(story)


def test_bytes_may_come_one_at_a_time() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(f.SlowLines(delay_s=0.01))
        task = watch(cluster, seconds=300)
        await cluster.until_watched()
        cluster.patch("bp-a", {"metadata": {"labels": {"n": "1"}}})
        await asyncio.sleep(60)
        await cluster.inject(f.EndWatches())
        at, line = (await task).lines[0]
        assert decoded(line)["type"] == "MODIFIED"
        assert at >= 0.01 * (len(line) - 1)

    told(story)


def test_mute_watches_say_nothing_past_their_end_and_then_go_on() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        task = watch(cluster, seconds=20)
        await cluster.until_watched()
        await cluster.inject(f.MuteWatches(for_s=100))
        cluster.patch("bp-a", {"metadata": {"labels": {"n": "1"}}})
        await asyncio.sleep(90)
        assert not task.done()
        assert (await get(cluster)).status == 200
        answer = await task
        assert answer.lines[0][0] >= 99
        assert "MODIFIED" in kinds(answer)

    told(story)


def test_a_frozen_server_answers_nobody_until_it_thaws() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        loop = asyncio.get_running_loop()
        await cluster.inject(f.Freeze(for_s=45))
        before = loop.time()
        assert (await get(cluster)).status == 200
        assert loop.time() - before >= 44

    told(story)


def test_connections_are_refused_for_a_while() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(f.RefuseConnections(for_s=5))
        with pytest.raises(OSError, match="Connect"):
            await get(cluster)
        await cluster.faults_over()
        assert (await get(cluster)).status == 200

    told(story)


def test_a_killed_server_comes_back_in_the_order_of_a_real_one() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        before = cluster.store.version
        task = watch(cluster, seconds=300)
        await cluster.until_watched()
        await cluster.inject(f.Restart(kill=True, down_s=1, roles_s=1, paths_s=1, ready_s=1))
        assert (await task).ended == "cut"
        found: list[tuple[int, int, int]] = []
        while not found or found[-1] != (200, 200, 200):
            await asyncio.sleep(0.05)
            try:
                reader, admin = await get(cluster), await get(cluster, token=ADMIN_TOKEN)
                statuses = reader.status, admin.status, (await get(cluster, "/readyz")).status
            except OSError:
                statuses = 0, 0, 0
            if not found or found[-1] != statuses:
                found.append(statuses)
        assert found == [
            (0, 0, 0),
            (403, 503, 403),
            (503, 503, 500),
            (429, 429, 500),
            (200, 200, 500),
            (200, 200, 200),
        ]
        answer = await watch(cluster, version=before)
        assert decoded(answer.lines[0][1])["object"]["code"] == 410
        assert answer.ended == "clean"

    told(story)


def test_a_server_that_is_told_to_end_lets_its_watches_run_out() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        task = watch(cluster, seconds=300)
        await cluster.until_watched()
        await cluster.inject(f.Restart(kill=False, drain_s=60, down_s=1))
        await asyncio.sleep(30)
        assert not task.done()
        with pytest.raises(OSError, match="Connect"):
            await get(cluster)
        assert (await task).ended == "clean"
        await cluster.faults_over()
        assert (await get(cluster)).status == 200

    told(story)


@pytest.mark.parametrize("as_status", [False, True])
def test_expired_history_is_a_410_line_and_then_a_line_or_a_status(as_status: bool) -> None:
    async def story(cluster: SimulatedCluster) -> None:
        old = cluster.store.version
        task = watch(cluster, seconds=300)
        await cluster.until_watched()
        await cluster.inject(f.ExpireHistory(as_status=as_status))
        answer = await task
        assert [decoded(line)["object"]["code"] for _, line in answer.lines] == [410]
        assert answer.ended == "clean"
        again = await watch(cluster, version=old)
        assert again.status == (410 if as_status else 200)
        assert b'"code":410' in again.body

    told(story)


def test_a_rotated_token_is_401_and_the_new_one_works() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(f.RotateToken(old=READER_TOKEN, new="fresh"))
        assert (await get(cluster)).status == 401
        assert (await get(cluster, token="fresh")).status == 200

    told(story)


def test_everybody_but_admins_may_be_forbidden_for_a_while() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(f.Forbid(for_s=30))
        assert (await get(cluster)).status == 403
        assert (await get(cluster, token=ADMIN_TOKEN)).status == 200
        await cluster.faults_over()
        assert (await get(cluster)).status == 200

    told(story)


def test_a_deleted_definition_takes_its_objects_and_its_watches_along_and_comes_back_empty() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        task = watch(cluster, seconds=300)
        await cluster.until_watched()
        await cluster.inject(f.DeleteDefinition(resource="helmreleases"))
        answer = await task
        assert (kinds(answer), answer.ended) == (["DELETED"], "clean")
        gone = await get(cluster)
        assert (gone.status, gone.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")
        await cluster.inject(f.CreateDefinition(resource="helmreleases"))
        assert (await get(cluster)).status == 429
        await asyncio.sleep(1)
        assert decoded((await get(cluster)).body)["items"] == []

    told(story)


def test_a_restored_backup_makes_watches_from_newer_versions_silent() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(f.TakeBackup())
        cluster.apply({"metadata": {"name": "bp-b"}, "spec": {}})
        await cluster.inject(f.Advance(by=100))
        newer = cluster.store.version
        await cluster.inject(f.RestoreBackup())
        assert [body["metadata"]["name"] for body in cluster.objects()] == ["bp-a"]
        task = watch(cluster, version=newer, seconds=120)
        await cluster.until_watched()
        cluster.patch("bp-a", {"metadata": {"labels": {"n": "1"}}})
        assert (await task).lines == []

    told(story)


def test_the_token_of_one_namespace_reads_no_other() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        everywhere = RELEASES.replace("/namespaces/flux-system", "")
        assert (await get(cluster, token=ADAPTER_TOKEN)).status == 200
        assert (await get(cluster, everywhere, token=ADAPTER_TOKEN)).status == 403
        assert (await get(cluster, everywhere)).status == 200

    told(story)


def test_objects_are_written_by_faults_too() -> None:
    async def story(cluster: SimulatedCluster) -> None:
        await cluster.inject(
            f.Apply(object={"metadata": {"name": "bp-b", "finalizers": ["x/y"]}, "spec": {}}),
            f.Patch(
                resource="helmreleases",
                namespace="flux-system",
                name="bp-b",
                patch={"status": {"failures": 3}},
                subresource="status",
            ),
            f.Delete(resource="helmreleases", namespace="flux-system", name="bp-b"),
        )
        body = cluster.get("bp-b")
        assert body is not None
        assert body["status"]["failures"] == 3
        assert "deletionTimestamp" in body["metadata"]
        name = {"resource": "helmreleases", "namespace": "flux-system", "name": "bp-b"}
        await cluster.inject(msgspec.convert({"fault": "DeleteAtOnce", **name}, f.Fault))
        assert cluster.get("bp-b") is None

    told(story)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (f.DeleteDefinition(resource="pods"), "unknown resource 'pods'"),
        (f.RotateToken(old="nobody's", new="x"), 'nobody has the token "nobody\'s"'),
        (f.RestoreBackup(), "no backup"),
    ],
)
def test_a_fault_about_what_is_not_there_is_an_error(fault: f.Fault, problem: str) -> None:
    async def story(cluster: SimulatedCluster) -> None:
        with pytest.raises(ValueError, match=problem):
            await cluster.inject(fault)

    told(story)
