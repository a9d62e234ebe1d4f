"""Literal lines in a running watch: whatever somebody writes there, the region is right afterwards."""

import asyncio
import json
from typing import Any

import pytest

from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes.faults import AnswerWith, DropWatches, SendText

from .objects import READY, Json, helm_release
from .region import Start, in_virtual_time


def event(kind: Any, decoded: Any) -> str:
    return json.dumps({"type": kind, "object": decoded}, ensure_ascii=False) + "\n"


def seen(name: str = "bp-a", *, version: int = 10_000, **fields: Any) -> Json:
    return helm_release(name, version=version, **fields)


GHOST = seen("ghost")
NAMELESS = {"metadata": {"resourceVersion": "10000"}}
LINES: dict[str, str] = {
    "an empty line": "\n",
    "blanks": "   \n",
    "half a line and its end": '{"type":"MODI\nFIED"}\n',
    "no JSON": "Internal Server Error\n",
    "HTML": "<html><body>502</body></html>\n",
    "a number": "5\n",
    "an array": "[]\n",
    "null": "null\n",
    "two events on one line": event("MODIFIED", seen()).strip() + event("MODIFIED", seen()),
    "carriage return and line feed": event("MODIFIED", seen()).replace("\n", "\r\n"),
    "no type": '{"object":{"metadata":{"resourceVersion":"10000"}}}\n',
    "the type is null": event(None, seen()),
    "the type is a number": event(5, seen()),
    "the type in lower case": event("modified", seen()),
    "an unknown type": event("RENAMED", seen()),
    "no object": '{"type":"MODIFIED"}\n',
    "the object is a text": event("MODIFIED", "bp-a"),
    "no metadata": event("MODIFIED", {"spec": {}}),
    "no version": event("MODIFIED", {"metadata": {"name": "bp-a", "namespace": "flux-system"}}),
    "the version is a number": event("MODIFIED", {"metadata": {"name": "bp-a", "resourceVersion": 5}}),
    "no name": event("MODIFIED", NAMELESS),
    "DELETED without a name": event("DELETED", NAMELESS),
    "DELETED of what is unknown": event("DELETED", GHOST),
    "MODIFIED before ADDED": event("MODIFIED", GHOST) + event("DELETED", GHOST),
    "ADDED twice": event("ADDED", GHOST) + event("ADDED", GHOST) + event("DELETED", GHOST),
    "the same version twice": event("MODIFIED", seen(conditions=[READY])) * 2,
    "an older version": event("MODIFIED", seen(version=1, conditions=[READY])),
    "BOOKMARK only": event("BOOKMARK", {"metadata": {"resourceVersion": "10001"}}),
    "BOOKMARK without a version": event("BOOKMARK", {"metadata": {}}),
    "ERROR 410": event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"}),
    "ERROR 500": event("ERROR", {"kind": "Status", "code": 500}),
    "ERROR without a code": event("ERROR", {}),
    "ERROR whose object is a text": event("ERROR", "gone"),
    "U+0085 in a message": event("MODIFIED", seen(conditions=[{**READY, "message": "a\u0085b\u2028c"}])),
    "a NUL": "\x00\n",
    "nesting of 5,000": "[" * 5000 + "]" * 5000 + "\n",
    "a byte order mark": "\ufeff" + event("MODIFIED", seen()),
    "NaN": '{"type":"MODIFIED","object":{"metadata":{"resourceVersion":"1"},"x":NaN}}\n',
    "a lone surrogate": '{"type":"MODIFIED","object":{"metadata":{"resourceVersion":"1","x":"\\ud800"}}}\n',
    "5 MiB without an end": "x" * (5 * 1024 * 1024),
}


@pytest.mark.parametrize("line", list(LINES.values()), ids=list(LINES))
@in_virtual_time
async def test_after_any_line_the_region_is_the_cluster(line: str, start: Start) -> None:
    async with start(simulated=SimulatedCluster(version=20_000)) as world:
        for name in ("bp-a", "bp-b"):
            world.cluster.apply({"metadata": {"name": name}, "spec": {"interval": "15m"}})
        await world.settled()
        asked = sum(world.cluster.request_counts.values())
        await world.cluster.inject(SendText(text=line, resource="helmreleases"))
        await asyncio.sleep(1)
        world.cluster.patch_status("bp-b", {"conditions": [READY], "observedGeneration": 1})
        await world.until(lambda: world.status("fsn1/bp-b") == "succeeded", within_s=95)
        # A line may lie about an object; the next list tells the truth.
        await world.cluster.inject(DropWatches())
        await world.settled()
        assert sum(world.cluster.request_counts.values()) - asked < 30


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (200, "", "application/json"),
        (200, "\n\n\n", "application/json"),
        (200, "<html></html>", "text/html"),
        (204, "", None),
        (301, "", None),
        (400, '{"kind":"Status","code":400}', "application/json"),
        (404, "404 page not found\n", "text/plain"),
        (410, '{"kind":"Status","code":410}', "application/json"),
        (410, "Gone", "text/plain"),
        (429, "[]", "application/json"),
        (500, "{", "application/json"),
        (504, '{"kind":"Status","code":504}', None),
    ],
)
@pytest.mark.parametrize("verb", ["list", "watch"])
@in_virtual_time
async def test_after_any_answer_to_a_list_or_a_watch_the_region_is_the_cluster(
    verb: str,
    status: int,
    body: str,
    content_type: str | None,
    start: Start,
) -> None:
    async with start() as world:
        world.cluster.apply({"metadata": {"name": "bp-a"}, "spec": {"interval": "15m"}})
        await world.settled()
        answer = AnswerWith(
            verbs=(verb,),
            status=status,
            body=body,
            content_type=content_type,
            resource="helmreleases",
            for_s=20,
        )
        await world.cluster.inject(answer, DropWatches())
        world.cluster.delete("bp-a", at_once=True)
        asked = sum(world.cluster.request_counts.values())
        await asyncio.sleep(20)
        assert sum(world.cluster.request_counts.values()) - asked < 60
        await world.settled()
