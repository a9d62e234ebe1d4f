"""Memory at each limit, and when ten times as much is pushed: the second must not be far above the first.

Every row has two servers of its own. "At the limit" is the most resident memory that was seen while one was
given what it may hold, "ten times" while the other was given ten times as much, and refused most of it.
"""

import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection

from bench_load import Target, flow_server

MIB = 2**20
CUT = "cut off while sending"


@dataclass
class Push:
    """What a row does to its server, and what it saw."""

    target: Target
    stack: ExitStack
    statuses: Counter[int] = field(default_factory=Counter[int])
    most_kb: int = 0

    def post(self, flow: str, body: bytes, **headers: str) -> int:
        """Post on a connection of its own, as refusals may close it; the status, 0 when cut off."""
        connection = HTTPConnection("127.0.0.1", self.target.port, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST", f"/v1/flows/{flow}/events", body, named)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except ConnectionError:  # the contract's end of patience with a body that is much too large
            status = 0
        finally:
            connection.close()
        self.statuses[status] += 1
        self.look()
        return status

    def open(self, request: bytes) -> socket.socket | None:
        """Send a request and keep the connection, of a GET once it is answered; `None` when refused."""
        connection = socket.create_connection(("127.0.0.1", self.target.port), timeout=60)
        connection.sendall(request)
        if request.startswith(b"GET"):
            head = connection.recv(65_536)
            self.statuses[int(head.split(b" ", 2)[1])] += 1
            if b" 200 " not in head[:20]:
                connection.close()
                return None
        self.stack.callback(connection.close)
        return connection

    def look(self) -> None:
        """Note the memory."""
        self.most_kb = max(self.most_kb, self.target.rss_kb())


def nodes(ids: Iterable[int], *, label: str = "a label", **fields: object) -> dict[str, object]:
    """An `upsert-nodes` message."""
    made = [{"id": f"n{one}", "flowId": "f", "label": label, "status": "running", **fields} for one in ids]
    return {"type": "upsert-nodes", "nodes": made}


def encoded(message: object) -> bytes:
    """JSON."""
    return json.dumps(message).encode()


def bodies(push: Push, share: int) -> None:
    """Bodies of so many times 1 MiB."""
    text = "x" * (share * MIB - 300)
    for _ in range(20):
        push.post("f", encoded(nodes([0], meta={"x": text})))


def batches(push: Push, share: int) -> None:
    """Batches of so many times 1,024 messages."""
    batch = encoded([{"type": "delete-nodes", "ids": ["x"]}] * (1024 * share))
    for _ in range(20):
        push.post("f", batch)


def nesting(push: Push, share: int) -> None:
    """Messages nested so many times 60 deep."""
    depth = 60 * share
    body = encoded(nodes([0])).replace(
        b'"a label"', b'"a label","meta":{"x":' + b"[" * depth + b"]" * depth + b"}"
    )
    for _ in range(200):
        push.post("f", body)


def texts(push: Push, share: int) -> None:
    """Labels of so many times 4,096 characters."""
    for number in range(200):
        push.post("f", encoded(nodes([number % 20], label="x" * 4096 * share)))


def many_nodes(push: Push, share: int) -> None:
    """So many times 20,000 nodes."""
    for start in range(0, 20_000 * share, 2000):
        push.post("f", encoded(nodes(range(start, start + 2000))))


def many_relationships(push: Push, share: int) -> None:
    """So many times 60,000 relationships."""
    for start in range(0, 60_000 * share, 6000):
        rels = [
            {"fromId": f"n{one}", "toId": f"n{one + 1}", "type": "triggers"}
            for one in range(start, start + 6000)
        ]
        push.post("f", encoded({"type": "upsert-rels", "relationships": rels}))


def many_flows(push: Push, share: int) -> None:
    """So many times 1,000 flows of ten nodes."""
    for number in range(1000 * share):
        push.post(f"f{number}", encoded(nodes(range(10))))


def ring(push: Push, share: int) -> None:
    """So many times 8 MiB of messages to one flow."""
    text = "x" * 40_000
    for number in range(210 * share):
        push.post("f", encoded(nodes([number % 20], meta={"x": text})))


def _readers(push: Push, flows: list[str]) -> None:
    for flow in flows:
        push.open(f"GET /v1/flows/{flow}/stream HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    push.look()


def readers_of_one(push: Push, share: int) -> None:
    """So many times 500 readers of one flow."""
    _readers(push, ["f"] * 500 * share)


def readers_of_many(push: Push, share: int) -> None:
    """So many times 500 readers, of as many flows that nobody has fed."""
    _readers(push, [f"unknown-{number}" for number in range(500 * share)])


def in_flight(push: Push, share: int) -> None:
    """So many times 16 MiB of bodies that never end."""
    head = b"POST /v1/flows/f/events HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"
    for _ in range(17 * share):
        push.open(head + b" " * 999_999)
        push.look()
    deadline_s = time.monotonic() + 2
    while time.monotonic() < deadline_s:
        push.look()
        time.sleep(0.02)


def rate(push: Push, share: int) -> None:
    """So many times the 200 messages a second that are allowed."""
    for _ in range(20 * share):
        push.post("f", encoded([nodes([number]) for number in range(50)]))


def idle(push: Push, share: int) -> None:
    """So many times 300 flows that are left alone after their first message."""
    for number in range(300 * share):
        push.post(f"f{number}", encoded(nodes(range(20))))
        if number % 300 == 299:
            time.sleep(1.2)
            push.look()


def keys(push: Push, share: int) -> None:
    """So many times 1,024 idempotency keys and 256 emitters of the longest names."""
    for number in range(1024 * share):
        name = f"{number:0256}"
        push.post("f", encoded(nodes([0])), idempotency_key=name, flow_emitter=name)


Row = tuple[str, dict[str, str], Callable[[Push, int], None]]
ROWS: list[Row] = [
    ("body, 1 MiB", {}, bodies),
    ("batch, 1,024 messages", {}, batches),
    ("nesting, 64", {}, nesting),
    ("texts, 4,096 characters", {}, texts),
    ("ring, 8 MiB a flow", {}, ring),
    ("nodes, 20,000 a flow", {}, many_nodes),
    ("relationships, 60,000 a flow", {}, many_relationships),
    ("flows, 1,000", {}, many_flows),
    ("readers of a flow, 500", {"MAX_READERS_PER_FLOW": "500"}, readers_of_one),
    ("readers in all, 500", {"MAX_READERS": "500"}, readers_of_many),
    ("bytes in flight, 16 MiB", {"MAX_BYTES_IN_FLIGHT": "16Mi"}, in_flight),
    ("rate, 200 messages a second", {"RATE": "200"}, rate),
    ("idle flows, 1 s", {"IDLE_TTL": "1s", "HEARTBEAT": "1s"}, idle),
    ("keys 1,024, emitters 256", {}, keys),
]


def measured(row: Row, share: int) -> tuple[int, Push]:
    """Memory before, and what was seen while `share` times the limit was pushed."""
    _, settings, act = row
    with ExitStack() as stack:
        push = Push(stack.enter_context(flow_server(ACCESS_LOG="none", **settings)), stack)
        push.post("warm", encoded(nodes([0])))
        push.statuses.clear()
        before_kb = push.most_kb
        act(push, share)
        push.look()
        return before_kb, push


def main() -> None:
    """Print a row for each limit."""
    print("| limit | MB before | at the limit | ten times | answers at ten times |")
    print("| --- | --- | --- | --- | --- |")
    for row in ROWS:
        before_kb, at = measured(row, 1)
        _, beyond = measured(row, 10)
        answers = ", ".join(
            f"{count:,} x {status or CUT}" for status, count in sorted(beyond.statuses.items())
        )
        sizes = (before_kb / 1024, at.most_kb / 1024, beyond.most_kb / 1024)
        print(f"| {row[0]} | {sizes[0]:.0f} | {sizes[1]:.0f} | {sizes[2]:.0f} | {answers} |", flush=True)


if __name__ == "__main__":
    main()
