"""One fault, anywhere in a history in which everything was acknowledged and seen, is always found."""

import json

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flow_simulator.checker import Answered, Entry, Framed, SnapshotTaken, check

from .model import Model, node, relationship


def story(data: st.DataObject) -> Model:
    """Writers are always answered; one reader sees everything, one joins at some time."""
    model = Model(seed=data.draw(st.integers(0, 50)))
    model.connect("always")
    model.read("always")
    for mark in range(1, data.draw(st.integers(3, 12))):
        batch = [node(data.draw(st.sampled_from("abc")), mark)]
        if data.draw(st.booleans()):
            batch.append(relationship(data.draw(st.sampled_from("abc")), "d", mark))
        model.post(data.draw(st.sampled_from(["w1", "w2"])), *batch)
        match data.draw(st.sampled_from(["read", "read", "cut", "join"])):
            case "read":
                model.read("always")
            case "cut":
                model.read("always")
                model.connect("always")
            case _ if "late" not in model.readers:
                model.connect("late")
            case _:
                model.read("late")
    for reader in model.readers:
        model.read(reader)
    model.take_snapshot()
    return model


def with_fault(data: st.DataObject, entries: list[Entry]) -> list[Entry]:
    """The entries with one thing wrong."""
    entries = list(entries)
    frames = [
        at
        for at, entry in enumerate(entries)
        if isinstance(entry, Framed) and entry.reader == "always" and entry.event != "snapshot"
    ]
    at = data.draw(st.sampled_from(frames[:-1]))
    entry = entries[at]
    following = next(other for other in frames if other > at)
    match data.draw(st.sampled_from(["drop", "double", "swap", "forge", "shrink", "stale", "renumber"])):
        case "drop":
            del entries[at]
        case "double":
            entries.insert(at + 1, entry)
        case "swap":
            first, second = entries[at], entries[following]
            entries[at] = msgspec.structs.replace(second, at_ns=first.at_ns)
            entries[following] = msgspec.structs.replace(first, at_ns=second.at_ns)
            assume(getattr(first, "connection", 0) == getattr(second, "connection", 0))
        case "forge":
            entries[at] = msgspec.structs.replace(
                entry, event="upsert-nodes", data=json.dumps(node("a", 999))
            )
        case "shrink":
            taken = entries[-1]
            assert isinstance(taken, SnapshotTaken)
            state = json.loads(taken.body or "")
            del state["nodes"][data.draw(st.integers(0, len(state["nodes"]) - 1))]
            entries[-1] = msgspec.structs.replace(taken, body=json.dumps(state))
        case "stale":
            acknowledged = [one.seq for one in entries if isinstance(one, Answered) and one.seq]
            entries[-1] = msgspec.structs.replace(entries[-1], seq=acknowledged[-2])
        case _:
            answers = [n for n, one in enumerate(entries) if isinstance(one, Answered)]
            one, other = data.draw(st.sampled_from(answers[:-1])), answers[-1]
            entries[one] = msgspec.structs.replace(entries[one], seq=getattr(entries[other], "seq", None))
    return entries


@given(data=st.data())
@settings(max_examples=200)
def test_one_fault_anywhere_is_found(data: st.DataObject) -> None:
    model = story(data)
    assert check(model.entries) == []
    assert check(with_fault(data, model.entries)) != []
