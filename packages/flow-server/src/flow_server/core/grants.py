"""Who may do what: patterns, grants, principals. Pure; where a principal comes from is `access`'s business.

A pattern is exact, or a prefix that ends in `*`; `*` alone is everything. `read` allows to see a flow,
`publish` to add to it, `own` to replace or remove it as a whole. `nodes` narrows `publish` to some nodes, so
that one region cannot touch another's.
"""

from collections.abc import Iterator
from enum import Enum
from typing import assert_never

from msgspec import Struct

from flow_contract import (
    DeleteNodes,
    DeleteRels,
    FlowMessage,
    Relationship,
    RelationshipPair,
    Snapshot,
    UpsertFlow,
    UpsertNodes,
    UpsertRels,
)


class GrantsFileError(ValueError):
    """The grants file cannot be taken; the text names the file and the offending value."""


class Action(Enum):
    """What a grant may allow; the value is its name in the grants file."""

    READ = "read"
    PUBLISH = "publish"
    OWN = "own"


def matches(patterns: tuple[str, ...], text: str) -> bool:
    """Whether a text matches one of the patterns."""
    if "*" in patterns or text in patterns:
        return True
    # Plain loops, here and below: every request comes by several times, and a generator costs more than that.
    for pattern in patterns:  # noqa: SIM110
        if pattern.endswith("*") and text.startswith(pattern[:-1]):
            return True
    return False


_OF_THE_WHOLE = (Snapshot, UpsertFlow)
"""Messages that speak for a whole flow."""


class Grant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is allowed on which flows; `nodes` of `None` does not narrow."""

    read: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    nodes: tuple[str, ...] | None = None

    def alone(self) -> "Grant":
        """The grant without what a file's entry says beside it."""
        return Grant(read=self.read, publish=self.publish, own=self.own, nodes=self.nodes)

    def allows(self, action: Action, flow_id: str) -> bool:
        """Whether the action is allowed on the flow, whatever its nodes."""
        if action is Action.READ:
            return matches(self.read, flow_id)
        return matches(self.publish if action is Action.PUBLISH else self.own, flow_id)

    def allows_message(self, flow_id: str, message: FlowMessage) -> bool:
        """Whether a message may be posted under this grant alone."""
        if isinstance(message, _OF_THE_WHOLE):
            return matches(self.own, flow_id)
        if not matches(self.publish, flow_id):
            return False
        patterns = self.nodes
        if patterns is not None:
            for node_id in touched_nodes(message):
                if not matches(patterns, node_id):
                    return False
        return True


class Principal(Struct, frozen=True, kw_only=True):
    """Who asks, and what that allows. `expires_at_s` is Unix seconds; `None` never."""

    name: str
    grants: tuple[Grant, ...] = ()
    expires_at_s: float | None = None
    origin: tuple[str, ...] = ()
    """What the grants were looked up by, so that they can be looked up again without the token."""

    def may(self, action: Action, flow_id: str) -> bool:
        """Whether some grant allows the action on the flow."""
        for grant in self.grants:  # noqa: SIM110
            if grant.allows(action, flow_id):
                return True
        return False

    def may_everywhere(self, action: Action) -> bool:
        """Whether some grant allows the action on all flows there could be."""
        return any("*" in getattr(grant, action.value) for grant in self.grants)

    def lacks(self, flow_id: str, message: FlowMessage) -> str | None:
        """Name of the grant that lacks for a message: `own`, `publish` or `nodes`; `None`: none lacks."""
        for grant in self.grants:
            if grant.allows_message(flow_id, message):
                return None
        if isinstance(message, _OF_THE_WHOLE):
            return Action.OWN.value
        return "nodes" if self.may(Action.PUBLISH, flow_id) else Action.PUBLISH.value


class Stranger(Struct, frozen=True):
    """Somebody who showed no token, or one that is not good; `why` says which, for a person."""

    why: str
    showed_token: bool


Identity = Principal | Stranger
"""Who asks, as the gate found out."""

EVERYBODY = Principal(name="everybody", grants=(Grant(read=("*",), publish=("*",), own=("*",)),))
"""Who everybody is on a server without a grants file."""


def touched_nodes(
    message: UpsertNodes | UpsertRels | DeleteNodes | DeleteRels,
) -> list[str]:
    """The node ids that a message changes: nodes, and the ends of relationships that belong to it.

    A relationship belongs to the node it leads to: a dependency may come from anywhere. Of `contains` both
    ends count, since whoever says what a region contains speaks for the region.
    """
    match message:
        case UpsertNodes(nodes=nodes):
            return [node.id for node in nodes]
        case UpsertRels(relationships=relationships):
            return [end for relationship in relationships for end in _ends(relationship)]
        case DeleteNodes(ids=ids):
            return list(ids)
        case DeleteRels(pairs=pairs):
            return [end for pair in pairs for end in _ends(pair)]
        case _:
            assert_never(message)


def _ends(relationship: Relationship | RelationshipPair) -> Iterator[str]:
    yield relationship.to_id
    if relationship.type == "contains":
        yield relationship.from_id
