from hypothesis import given, settings
from hypothesis import strategies as st

from flow_simulator.checker import Json, check

from .model import (
    Model,
    delete_nodes,
    delete_relationship,
    header,
    node,
    relationship,
    snapshot,
)

NAMES = st.sampled_from("abc")
WRITERS = st.sampled_from(["w1", "w2"])
READERS = st.sampled_from(["r1", "r2"])


class Marks:
    """Numbers that are there once."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        self.last += 1
        return self.last


def message(data: st.DataObject, marks: Marks) -> Json:
    match data.draw(
        st.sampled_from(["node", "node", "node", "rel", "rel", "header", "snap", "gone", "gone-rel"])
    ):
        case "node":
            status = data.draw(st.sampled_from(["running", "failed", "succeeded"]))
            return node(data.draw(NAMES), marks.next(), status=status)
        case "rel":
            return relationship(data.draw(NAMES), data.draw(NAMES), marks.next())
        case "header":
            return header(marks.next())
        case "snap":
            return snapshot(marks.next(), *data.draw(st.lists(NAMES)))
        case "gone":
            return delete_nodes(*data.draw(st.lists(NAMES, min_size=1)))
        case _:
            return delete_relationship(data.draw(NAMES), data.draw(NAMES))


Batch = tuple[str, str, list[Json]]


def again(data: st.DataObject, model: Model, answered: list[Batch]) -> None:
    """A batch that was over comes once more: its writer never got the answer."""
    writer, key, batch = data.draw(st.sampled_from(answered))
    model.post(writer, *batch, key=key)


def post(data: st.DataObject, model: Model, marks: Marks, answered: list[Batch]) -> None:
    """A batch: answered, cut off before or after it was applied, tried again with and without a key."""
    batch = [message(data, marks) for _ in range(data.draw(st.integers(1, 3)))]
    writer = data.draw(WRITERS)
    key = f"key {marks.next()}" if data.draw(st.booleans()) else None
    for _ in range(data.draw(st.integers(0, 2))):
        request = model.begin(writer, *batch, key=key)
        if data.draw(st.booleans()):
            model.apply(request)
        if data.draw(st.booleans()):
            model.fail(request, status=data.draw(st.sampled_from([None, 503])))
        if data.draw(st.booleans()):
            return
    if data.draw(st.integers(0, 4)) == 0:
        model.fail(model.begin(writer, *batch), status=400)
    else:
        model.post(writer, *batch, key=key)
    if key is not None:
        answered.append((writer, key, batch))


def two_at_once(data: st.DataObject, model: Model, marks: Marks) -> None:
    first = model.begin("w1", message(data, marks), message(data, marks))
    second = model.begin("w2", message(data, marks))
    if data.draw(st.booleans()):
        first, second = second, first
    answers = [(first, model.apply(first)), (second, model.apply(second))]
    for request, answer in data.draw(st.permutations(answers)):
        model.answer(request, answer)


def step(data: st.DataObject, model: Model, marks: Marks, answered: list[Batch]) -> None:
    match data.draw(
        st.sampled_from(
            ["post"] * 6
            + ["again"]
            + ["both"] * 2
            + ["connect", "read", "read", "cut", "ring", "delete", "lose", "keep"]
        )
    ):
        case "post":
            post(data, model, marks, answered)
        case "again" if answered:
            again(data, model, answered)
        case "both":
            two_at_once(data, model, marks)
        case "connect":
            model.connect(data.draw(READERS))
        case "read" if model.readers:
            model.read(data.draw(st.sampled_from(sorted(model.readers))), frames=data.draw(st.integers(1, 5)))
        case "cut" if model.readers:
            model.disconnect(data.draw(st.sampled_from(sorted(model.readers))))
        case "ring":
            model.fall_out()
        case "delete":
            model.delete(answered=data.draw(st.booleans()))
        case "lose":
            model.restart(loses=True)
        case "keep":
            model.restart(loses=False)
        case _:
            pass


@given(data=st.data())
@settings(max_examples=150)
def test_a_correct_history_raises_no_alarm(data: st.DataObject) -> None:
    model, marks = Model(seed=data.draw(st.integers(0, 100))), Marks()
    answered: list[Batch] = []
    for _ in range(data.draw(st.integers(1, 25))):
        step(data, model, marks, answered)
    model.post("w1", node("last", marks.next()))
    for reader in [*model.readers]:
        if not model.readers[reader].connected:
            model.connect(reader)
        model.read(reader)
    model.take_snapshot()
    assert [str(finding) for finding in check(model.entries)] == []


def test_a_posted_snapshot_that_names_a_node_twice_raises_no_alarm() -> None:
    model = Model(seed=1)
    model.connect("always")
    model.read("always")
    model.post("w1", snapshot(1, "a", "a"))  # passed on as it came; only the server's own have each once
    model.read("always")
    model.take_snapshot()
    assert [str(finding) for finding in check(model.entries)] == []
