"""Where a store keeps its log, as the shared suite sees it. A new store is one more entry in `SITES`."""

import secrets
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flow_contract import FlowMessage, FlowNode, UpsertNodes
from flow_server.flow import RingBounds
from flow_server.hub import Hub
from flow_server.store import Store
from flow_server.store.memory import MemoryStore
from flow_server.store.nats import NatsStore
from flow_server.store.settings import NatsSettings
from flow_server.store.sqlite import SqliteStore
from flow_simulator.nats_servers import NatsServer


@dataclass(frozen=True)
class Site:
    """One log: `store()` gives a store on it, also after another one was closed, or beside it."""

    store: Callable[[], Store]
    keeps: bool
    """Whether the log is there after all its stores were closed."""
    shares: bool
    """Whether several stores may be open on it at once."""
    outage: Callable[[], AbstractContextManager[None]] | None = None
    """Keeps the log from answering for as long as it lasts; `None`: nothing can."""

    @asynccontextmanager
    async def hub(self, *, ring: RingBounds | None = None) -> AsyncGenerator[Hub]:
        """A running hub over a store on this log."""
        async with Hub(self.store(), bounds=ring).running() as hub:
            yield hub


def memory_site(_: Path, __: Callable[[], NatsServer]) -> Site:
    return Site(
        store=lambda: MemoryStore(now_us=lambda: time.time_ns() // 1000),
        keeps=False,
        shares=False,
    )


def sqlite_site(folder: Path, _: Callable[[], NatsServer]) -> Site:
    """A file of its own."""
    return Site(
        store=lambda: SqliteStore(folder / "flows.db", now_us=lambda: time.time_ns() // 1000),
        keeps=True,
        shares=False,
    )


def nats_site(_: Path, server: Callable[[], NatsServer]) -> Site:
    """A stream of its own on the server that all tests of the session share."""
    running = server()
    settings = NatsSettings(
        urls=(running.url,), stream=f"FLOWS-{secrets.token_hex(4)}", replicas=1, timeout_s=3.0
    )

    @contextmanager
    def outage() -> Generator[None]:
        running.pause()
        try:
            yield
        finally:
            running.resume()

    return Site(store=lambda: NatsStore(settings), keeps=True, shares=True, outage=outage)


SITES: dict[str, Callable[[Path, Callable[[], NatsServer]], Site]] = {
    "memory": memory_site,
    "sqlite": sqlite_site,
    "nats": nats_site,
}


def node(node_id: str, status: str = "running", **fields: Any) -> FlowMessage:
    """An `upsert-nodes` message of one node."""
    return UpsertNodes(nodes=(FlowNode(id=node_id, flow_id="f", label=node_id, status=status, **fields),))


def nodes_of(hub: Hub, flow_id: str) -> list[tuple[str, str]]:
    """Id and status of a flow's nodes, in order."""
    flow = hub.flow(flow_id)
    assert flow is not None, f"no flow {flow_id!r}"
    return [(held.value.id, held.value.status) for held in flow.state.nodes.values()]


def last_of(hub: Hub, flow_id: str) -> int:
    """Sequence of a flow's newest message."""
    flow = hub.flow(flow_id)
    assert flow is not None, f"no flow {flow_id!r}"
    return flow.last


def sequences_of(hub: Hub, flow_id: str) -> list[int]:
    """Sequences of the messages in a flow's history, the base left out."""
    flow = hub.flow(flow_id)
    assert flow is not None, f"no flow {flow_id!r}"
    return [line.seq for line in flow.history(flow.floor, limit=100_000)]
