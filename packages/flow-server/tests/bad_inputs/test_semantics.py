"""Batches that are well formed and odd: all are taken, and leave exactly the picture that is said here.

Each case is a list of messages in the short form of `said`; the expected nodes and relationships follow.
"""

import json
from typing import Any

from ..real_server import Served

MANY = 10_000


def node(name: str, flow_id: str = "f", status: str = "s", **more: Any) -> dict[str, Any]:
    return {"id": name, "flowId": flow_id, "label": name, "status": status, **more}


def up(*names: str, flow_id: str = "f", status: str = "s") -> dict[str, Any]:
    return {"type": "upsert-nodes", "nodes": [node(name, flow_id, status) for name in names]}


def rel(text: str, kind: str = "finish-to-start", **more: Any) -> dict[str, Any]:
    pairs = [pair.split(">") for pair in text.split()]
    relationships = [{"fromId": a, "toId": b, "type": kind, **more} for a, b in pairs]
    return {"type": "upsert-rels", "relationships": relationships}


def cut(text: str, kind: str = "finish-to-start") -> dict[str, Any]:
    pairs = [pair.split(">") for pair in text.split()]
    return {"type": "delete-rels", "pairs": [{"fromId": a, "toId": b, "type": kind} for a, b in pairs]}


def drop(*names: str) -> dict[str, Any]:
    return {"type": "delete-nodes", "ids": list(names)}


def head(status: str = "s", **more: Any) -> dict[str, Any]:
    return {"type": "upsert-flow", "flow": {"id": "f", "status": status, "startedAt": 1, **more}}


def all_of(*names: str, rels: str = "") -> dict[str, Any]:
    return {
        "type": "snapshot",
        "flow": {"id": "f", "status": "s", "startedAt": 1},
        "nodes": [node(name) for name in names],
        "relationships": rel(rels)["relationships"],
    }


CASES: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "an edge to an absent node": ([up("a"), rel("a>b")], "a", "a>b"),
    "an edge between absent nodes": ([rel("a>b")], "", "a>b"),
    "an edge before its nodes": ([rel("a>b"), up("a", "b")], "a b", "a>b"),
    "a self edge": ([up("a"), rel("a>a")], "a", "a>a"),
    "a cycle of two": ([rel("a>b b>a")], "", "a>b b>a"),
    "a cycle of three": ([up("a", "b", "c"), rel("a>b b>c c>a")], "a b c", "a>b b>c c>a"),
    "a node that contains itself": ([up("a"), rel("a>a", "contains")], "a", "a>a"),
    "a contains cycle": ([up("a", "b"), rel("a>b b>a", "contains")], "a b", "a>b b>a"),
    "two parents": ([up("a", "b", "c"), rel("a>b a>c", "contains")], "a b c", "a>b a>c"),
    "two kinds between two nodes": ([rel("a>b"), rel("a>b", "triggers")], "", "a>b a>b"),
    "an edge twice in a message": ([rel("a>b a>b")], "", "a>b"),
    "an edge twice in a batch": ([rel("a>b"), rel("a>b", lag=5)], "", "a>b"),
    "a node twice in a message": ([up("a", "a")], "a", ""),
    "a node twice in a batch": ([up("a"), up("a")], "a", ""),
    "the later status wins": ([up("a", status="x"), up("b"), up("a", status="y")], "a b", ""),
    "an id of two flows": ([up("a"), up("a", flow_id="g")], "a a", ""),
    "only a node of another flow": ([up("a", flow_id="g")], "a", ""),
    "a delete takes both of two flows": ([up("a", "b"), up("a", flow_id="g"), drop("a")], "b", ""),
    "toFlowId elsewhere": ([up("a"), rel("a>b", toFlowId="g")], "a", "a>b"),
    "fromFlowId elsewhere": ([rel("a>b", fromFlowId="g")], "", "a>b"),
    "toFlowId is the same flow": ([rel("a>b", toFlowId="f")], "", "a>b"),
    "two ends of two flows replace each other": ([rel("a>b"), rel("a>b", toFlowId="g")], "", "a>b"),
    "delete of an absent node": ([drop("a")], "", ""),
    "delete of an absent edge": ([cut("a>b")], "", ""),
    "delete of an edge of another kind": ([rel("a>b"), cut("a>b", "triggers")], "", "a>b"),
    "delete of an edge turned round": ([rel("a>b"), cut("b>a")], "", "a>b"),
    "delete of an edge twice": ([rel("a>b"), cut("a>b a>b")], "", ""),
    "delete of a node twice": ([up("a"), drop("a", "a")], "", ""),
    "a delete takes edges from it": ([up("a", "b"), rel("a>b"), drop("a")], "b", ""),
    "a delete takes edges to it": ([up("a", "b"), rel("a>b"), drop("b")], "a", ""),
    "a delete takes edges of absent nodes": ([rel("a>b"), drop("a")], "", ""),
    "a delete takes what is contained from its parent": (
        [up("p", "a", "b"), rel("a>p b>p", "contains"), drop("p")],
        "a b",
        "",
    ),
    "a delete takes a self edge": ([up("a"), rel("a>a"), drop("a")], "", ""),
    "a node that comes back stands last": ([up("a", "b"), drop("a"), up("a")], "b a", ""),
    "an edge does not come back with its node": ([rel("a>b"), drop("a"), up("a")], "a", ""),
    "a snapshot wipes what was": ([up("a"), rel("a>b"), all_of("c")], "c", ""),
    "an empty snapshot wipes all": ([up("a"), rel("a>b"), all_of()], "", ""),
    "a snapshot with a node twice": ([all_of("a", "b", "a")], "a b", ""),
    "a snapshot with an edge to nowhere": ([all_of("a", rels="a>z")], "a", "a>z"),
    "a snapshot in the middle": ([up("a"), all_of("b"), up("c")], "b c", ""),
    "two snapshots": ([all_of("a"), all_of("b")], "b", ""),
    "a header alone": ([head()], "", ""),
    "a header that ends before it starts": ([head(endedAt=0)], "", ""),
    "a flow that is its own parent": ([head(parentFlowId="f")], "", ""),
    "a flow that triggers itself": ([head(triggeredBy=[{"flowId": "f", "when": "always"}])], "", ""),
    "a node that ends before it starts": (
        [{"type": "upsert-nodes", "nodes": [node("a", startedAt=9, endedAt=1)]}],
        "a",
        "",
    ),
    "a node named like its flow": ([up("f")], "f", ""),
    "unknown fields everywhere": (
        [{"type": "upsert-nodes", "nodes": [node("a", x=[{"y": 1}])], "z": {}}],
        "a",
        "",
    ),
    "one node five thousand times": ([up(*["a"] * (MANY // 2))], "a", ""),
    "ten thousand deletes of one": ([up("a"), drop(*["a"] * MANY)], "", ""),
}


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(CASES) >= 40


async def test_every_odd_batch_leaves_the_picture_that_is_expected(server: Served) -> None:
    wrong: list[str] = []
    for name, (messages, expected_nodes, expected_rels) in CASES.items():
        for body in (messages, [*messages, *messages]):  # applying all twice gives the same picture
            await server.client.delete(server.path("f", ""))
            answer = await server.post("f", body)
            if answer.status_code != 200:
                wrong.append(f"{name}: {answer.text[:200]}")
                break
            picture = await server.snapshot("f")
            found = " ".join(entry["id"] for entry in picture["nodes"])
            rels = " ".join(f"{entry['fromId']}>{entry['toId']}" for entry in picture["relationships"])
            once = body is messages
            as_expected = (found, rels) == (expected_nodes, expected_rels)
            same_things = sorted(found.split()) == sorted(expected_nodes.split())
            if not (as_expected if once else same_things):
                wrong.append(f"{name}: nodes {found!r}, relationships {rels!r}")
    assert not wrong, "\n".join(wrong)


async def test_a_batch_of_every_case_at_once_reads_the_same_from_stream_and_snapshot(server: Served) -> None:
    messages = [message for batch, _, _ in CASES.values() for message in batch]
    small = [message for message in messages if len(json.dumps(message)) < 10_000]
    await server.fed("f", small)
    async with server.reading("f") as reader:
        [frame] = await reader.take(1)
    assert frame.data == await server.snapshot("f")
