"""A server that is right by construction, and the logs that its writers and readers would write.

Time is a counter. Whatever happens is one call; the order of calls is the order of events.
"""

import json
import random
from dataclasses import dataclass, field

from flow_simulator.checker import (
    Answered,
    Connecting,
    Deleting,
    Disconnected,
    Entry,
    Framed,
    Json,
    Posting,
    SnapshotTaken,
)
from flow_simulator.checker.picture import Picture

FLOW = "bootstrap"


@dataclass
class Request:
    """A POST under way."""

    writer: str
    serial: int
    messages: tuple[Json, ...]
    key: str | None


@dataclass
class ModelReader:
    """A reader: what it has, and the connection it has it from."""

    name: str
    connection: int = 0
    connected: bool = False
    cursor: int | None = None
    """The last id it saw."""
    position: int = 0
    """Where the server has it, also after an empty snapshot without an id."""
    fresh: bool = True
    """Whether the next frame must be a snapshot."""


@dataclass
class Model:
    """One flow of one server, and everybody around it."""

    seed: int = 0
    entries: list[Entry] = field(default_factory=list[Entry])
    now: int = 0
    sequence: int = 1000
    epoch: int = 1
    picture: Picture = field(default_factory=Picture)
    log: list[tuple[int, Json]] = field(default_factory=list[tuple[int, Json]])
    floor: int = 1000
    fed: bool = False
    keys: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    readers: dict[str, ModelReader] = field(default_factory=dict[str, ModelReader])
    serials: int = 0
    steps: tuple[int, ...] = (1, 1, 1, 2, 7)
    """How far a sequence may be from the one before."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def tick(self) -> int:
        self.now += 1
        return self.now

    # Writers

    def begin(self, writer: str, *messages: Json, key: str | None = None) -> Request:
        self.serials += 1
        request = Request(writer=writer, serial=self.serials, messages=messages, key=key)
        self.entries.append(
            Posting(
                writer=writer, serial=self.serials, flow=FLOW, messages=messages, key=key, at_ns=self.tick()
            )
        )
        return request

    def apply(self, request: Request) -> tuple[int, int]:
        if request.key in self.keys:
            return self.keys[request.key]
        for message in request.messages:
            self.sequence += self.random.choice(self.steps)
            self.picture.fold(message)
            self.log.append((self.sequence, message))
        self.fed = True
        answer = self.sequence, len(request.messages)
        if request.key is not None:
            self.keys[request.key] = answer
        return answer

    def answer(self, request: Request, answer: tuple[int, int]) -> None:
        self.entries.append(
            Answered(
                writer=request.writer,
                serial=request.serial,
                at_ns=self.tick(),
                status=200,
                seq=answer[0],
                count=answer[1],
                epoch=f"epoch {self.epoch}",
            )
        )

    def fail(self, request: Request, *, status: int | None = None) -> None:
        self.entries.append(
            Answered(
                writer=request.writer, serial=request.serial, at_ns=self.tick(), status=status, error="cut"
            )
        )

    def post(self, writer: str, *messages: Json, key: str | None = None) -> int:
        request = self.begin(writer, *messages, key=key)
        answer = self.apply(request)
        self.answer(request, answer)
        return answer[0]

    def delete(self, *, answered: bool = True, applied: bool = True) -> None:
        self.serials += 1
        self.entries.append(Deleting(writer="operator", serial=self.serials, flow=FLOW, at_ns=self.tick()))
        if applied:
            self.remove()
        status = 204 if answered else None
        self.entries.append(
            Answered(writer="operator", serial=self.serials, at_ns=self.tick(), status=status)
        )

    def remove(self) -> None:
        """What a DELETE does."""
        if self.fed:
            self.sequence += 1
            self.keys.clear()
            self.forget()
        for reader in self.readers.values():
            self.disconnect(reader.name)

    def forget(self) -> None:
        self.picture, self.log, self.floor, self.fed = Picture(), [], self.sequence, False

    # The server's lives

    def restart(self, *, loses: bool) -> None:
        for reader in self.readers.values():
            self.disconnect(reader.name)
        if loses:
            self.epoch += 1
            self.sequence += 1_000_000
            self.keys.clear()
            self.forget()
        else:
            self.floor, self.log = self.sequence, []

    # Readers

    def connect(self, name: str, *, to: int | None = None) -> None:
        """Come back where the reader was, or be thrown `to` any cursor."""
        reader = self.readers.setdefault(name, ModelReader(name=name))
        self.disconnect(name)
        reader.connection += 1
        reader.connected = True
        reader.cursor = reader.cursor if to is None else to
        self.entries.append(
            Connecting(
                reader=name,
                connection=reader.connection,
                flow=FLOW,
                last_event_id=reader.cursor,
                rewound=to is not None,
                at_ns=self.tick(),
            )
        )
        reader.fresh = reader.cursor is None or not self.floor <= reader.cursor <= self.sequence
        reader.position = self.sequence if reader.cursor is None else reader.cursor

    def read(self, name: str, *, frames: int = 1_000_000) -> None:
        """The reader takes some frames of what there is for it."""
        reader = self.readers[name]
        for _ in range(frames if reader.connected else 0):
            if reader.fresh or reader.position < self.floor:
                reader.fresh, reader.position = False, self.sequence
                last = self.sequence if self.fed else None
                self.frame(reader, "snapshot", last, self.snapshot())
                continue
            following = next(((at, message) for at, message in self.log if at > reader.position), None)
            if following is None:
                return
            reader.position = following[0]
            self.frame(reader, following[1]["type"], following[0], following[1])

    def frame(self, reader: ModelReader, event: str, sequence: int | None, message: Json) -> None:
        reader.cursor = sequence if sequence is not None else reader.cursor
        self.entries.append(
            Framed(
                reader=reader.name,
                connection=reader.connection,
                event=event,
                id=sequence,
                data=json.dumps(message),
                at_ns=self.tick(),
            )
        )

    def fall_out(self) -> None:
        """The ring drops all it holds."""
        self.floor, self.log = self.sequence, []

    def disconnect(self, name: str) -> None:
        reader = self.readers[name]
        if reader.connected:
            reader.connected = False
            self.entries.append(
                Disconnected(reader=name, connection=reader.connection, reason="cut", at_ns=self.tick())
            )

    # The end

    def snapshot(self) -> Json:
        derived = {"id": FLOW, "status": self.picture.status(), "startedAt": 1, "meta": {"derived": True}}
        return {
            "type": "snapshot",
            "flow": self.picture.header or derived,
            "nodes": list(self.picture.nodes.values()),
            "relationships": list(self.picture.relationships.values()),
        }

    def take_snapshot(self) -> None:
        asked = self.tick()
        body = json.dumps(self.snapshot()) if self.fed else None
        sequence = self.sequence if self.fed else None
        self.entries.append(
            SnapshotTaken(flow=FLOW, asked_ns=asked, at_ns=self.tick(), seq=sequence, body=body)
        )


# Messages, each told from the others by its mark.


def node(name: str, mark: int, *, status: str = "running") -> Json:
    return {
        "type": "upsert-nodes",
        "nodes": [{"id": name, "flowId": FLOW, "label": name, "status": status, "meta": {"mark": mark}}],
    }


def relationship(one: str, other: str, mark: int) -> Json:
    return {
        "type": "upsert-rels",
        "relationships": [{"fromId": one, "toId": other, "type": "triggers", "lag": mark + 0.5}],
    }


def header(mark: int) -> Json:
    return {"type": "upsert-flow", "flow": {"id": FLOW, "status": "running", "startedAt": mark}}


def snapshot(mark: int, *names: str) -> Json:
    nodes = [node(name, mark)["nodes"][0] for name in names]
    return {"type": "snapshot", "flow": header(mark)["flow"], "nodes": nodes, "relationships": []}


def delete_nodes(*names: str) -> Json:
    return {"type": "delete-nodes", "ids": list(names)}


def delete_relationship(one: str, other: str) -> Json:
    return {"type": "delete-rels", "pairs": [{"fromId": one, "toId": other, "type": "triggers"}]}
