"""How much clients may make the server hold.

Each limit refuses with an error of its own before anything is applied. What a store recovers is never
refused: it was acknowledged once.
"""

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


def check_growth(
    state: FlowState | None, messages: Sequence[FlowMessage], *, flow_id: str, limits: Limits
) -> None:
    """Refuse a batch after which the flow would be too large. Raises `FlowTooLarge`."""
    state = state or FlowState()
    if _at_most(state, messages, limits):
        return
    nodes, relationships = _sizes_after(state, messages)
    for count, limit, what, setting in (
        (nodes, limits.nodes, "nodes", "MAX_NODES"),
        (relationships, limits.relationships, "relationships", "MAX_RELATIONSHIPS"),
    ):
        if count > limit:
            raise FlowTooLarge(
                f"flow {shown(flow_id)} would have {count} {what}, the limit is {limit}", setting=setting
            )


def _at_most(state: FlowState, messages: Sequence[FlowMessage], limits: Limits) -> bool:
    """Whether the batch fits even if all of it were new: the usual case, without looking closer."""
    nodes = sum(len(message.nodes) for message in messages if isinstance(message, UpsertNodes))
    rels = sum(len(message.relationships) for message in messages if isinstance(message, UpsertRels))
    return (
        not any(isinstance(message, Snapshot) for message in messages)
        and len(state.nodes) + nodes <= limits.nodes
        and len(state.relationships) + rels <= limits.relationships
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
