"""How much clients may make the server hold.

Each limit refuses with an error of its own before anything is applied. What a store recovers is never
refused: it was acknowledged once.
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from flow_contract import FlowMessage, Snapshot, UpsertFlow, UpsertNodes, UpsertRels, shown
from flow_server.core.fold import FlowState


class Limits(Struct, frozen=True, kw_only=True):
    """The bounds; each is a setting."""

    nodes: int = 20_000
    relationships: int = 60_000
    flows: int = 1_000
    readers: int = 10_000
    readers_per_flow: int = 10_000
    idle_ttl_s: float = 0.0
    """After how long without a message a flow is deleted, in seconds; 0 never."""


class LimitReached(Exception):
    """A client asks for more than a limit; nothing was applied. `setting` names it, without the prefix."""

    def __init__(self, problem: str, *, setting: str) -> None:
        """Keep the setting's name."""
        super().__init__(f"{problem} (FLOW_SERVER_{setting})")
        self.setting = setting


class FlowTooLarge(LimitReached):
    """The flow would have too many nodes or relationships; trying again does not help."""


class NoRoom(LimitReached):
    """There is no room now; there may be later."""


class UnderWay:
    """Batches of one flow that its store has not applied yet. What they may add counts already."""

    __slots__ = ("_ended", "batches", "guests", "nodes", "relationships")

    def __init__(self) -> None:
        """None yet."""
        self.batches = self.nodes = self.relationships = 0
        self.guests = 0
        """How many hold this, waiting or under way; at none it goes."""
        self._ended: asyncio.Event | None = None

    def begin(self, size: tuple[int, int]) -> None:
        """One more, which may add so many nodes and relationships."""
        self.batches += 1
        self.nodes += size[0]
        self.relationships += size[1]

    def end(self, size: tuple[int, int]) -> None:
        """One less: it is applied, or failed."""
        self.batches -= 1
        self.nodes -= size[0]
        self.relationships -= size[1]
        if self._ended is not None:
            self._ended.set()
            self._ended = None

    async def next_end(self) -> None:
        """Return when one of them has ended."""
        if self._ended is None:
            self._ended = asyncio.Event()
        await self._ended.wait()


def most_added(messages: Sequence[FlowMessage]) -> tuple[int, int]:
    """Most nodes and relationships that a batch may add, as if all of it were new."""
    nodes = relationships = 0
    for message in messages:
        match message:
            case UpsertNodes():
                nodes += len(message.nodes)
            case UpsertRels():
                relationships += len(message.relationships)
            case Snapshot():
                nodes += len(message.nodes)
                relationships += len(message.relationships)
            case _:
                pass
    return nodes, relationships


def fits_anyway(state: FlowState | None, size: tuple[int, int], under_way: UnderWay, limits: Limits) -> bool:
    """Whether a batch of this size fits whatever it replaces: the usual case, without looking closer."""
    nodes, relationships = (0, 0) if state is None else (len(state.nodes), len(state.relationships))
    return (
        nodes + under_way.nodes + size[0] <= limits.nodes
        and relationships + under_way.relationships + size[1] <= limits.relationships
    )


def check_growth(
    state: FlowState | None, messages: Sequence[FlowMessage], *, flow_id: str, limits: Limits
) -> None:
    """Refuse a batch after which the flow would be too large. Raises `FlowTooLarge`."""
    state = state or FlowState()
    nodes, relationships = _sizes_after(state, messages)
    for count, limit, what, setting in (
        (nodes, limits.nodes, "nodes", "MAX_NODES"),
        (relationships, limits.relationships, "relationships", "MAX_RELATIONSHIPS"),
    ):
        if count > limit:
            raise FlowTooLarge(
                f"flow {shown(flow_id)} would have {count} {what}, the limit is {limit}", setting=setting
            )


def _sizes_after(state: FlowState, messages: Sequence[FlowMessage]) -> tuple[int, int]:
    """Nodes and relationships after the batch, exactly."""
    if all(isinstance(message, UpsertNodes | UpsertRels | UpsertFlow) for message in messages):
        nodes = {
            node.key for message in messages if isinstance(message, UpsertNodes) for node in message.nodes
        }
        rels = {
            rel.key
            for message in messages
            if isinstance(message, UpsertRels)
            for rel in message.relationships
        }
        return (
            len(state.nodes) + sum(key not in state.nodes for key in nodes),
            len(state.relationships) + sum(key not in state.relationships for key in rels),
        )
    after = FlowState(state.image())
    for message in messages:
        after.fold(message)
    return len(after.nodes), len(after.relationships)
