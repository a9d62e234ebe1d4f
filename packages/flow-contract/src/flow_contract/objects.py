"""The three objects on the wire: `FlowInstance`, `FlowNode`, `Relationship`. Source: the contract, "Objects".

Structs are frozen and take keywords only; wire names are camelCase, Python names snake_case. An optional
field that is absent, or `null`, is `None` here and is left out when encoded. Unknown fields are ignored.
The bounds live in the types, so that decoding is the only check and JSON Schema can be generated from it.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

UNSAFE_INTEGER = 2**53
"""First integer that a JavaScript number cannot hold exactly: bound of times, lags and sequences."""

NO_LAG = 0.0
"""The default of `lag`, left out on the wire."""

CONTROL_CHARACTER = r"[\x00-\x1f\x7f-\x9f]"
"""What may not stand in an id. `codec` looks for it only in bodies that may hold one: a pattern that msgspec
checks costs as much as the rest of a message."""

Text = Annotated[str, Meta(min_length=1)]
"""A non-empty string."""

Id = Annotated[str, Meta(min_length=1, extra_json_schema={"not": {"pattern": CONTROL_CHARACTER}})]
"""An opaque id: non-empty, any Unicode but control characters; never parsed."""

if TYPE_CHECKING:
    Millis = int
    Lag = float
    Triggers = tuple["Trigger", ...]
else:
    # What is read is wider than what is kept: `5.0` becomes 5, `null` the default. `__post_init__` narrows.
    Millis = (
        Annotated[int, Meta(ge=0, lt=UNSAFE_INTEGER)]
        | Annotated[float, Meta(ge=0, lt=UNSAFE_INTEGER, multiple_of=1)]
    )
    Lag = Annotated[float, Meta(ge=0, lt=UNSAFE_INTEGER)] | None
    Triggers = tuple["Trigger", ...]

RelationshipType = Literal[
    "contains", "finish-to-start", "start-to-start", "finish-to-finish", "start-to-finish", "triggers"
]
"""Of `contains`, `toId` is the parent and `fromId` the child; the others order `fromId` before `toId`."""

Condition = Literal["on-success", "on-failure", "always"]
"""On which outcome of `fromId` a relationship holds."""

Outcome = Literal["success", "failure", "always"]
"""Which outcome of a flow starts another one."""


class NodeKey(NamedTuple):
    """Natural key of a node."""

    flow_id: str
    id: str


class RelationshipKey(NamedTuple):
    """Natural key of a relationship."""

    from_id: str
    to_id: str
    type: str


class Trigger(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Which outcome of which flow started this one."""

    flow_id: Id
    when: Outcome


class FlowInstance(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A flow's header. Times in Unix milliseconds."""

    id: Id
    definition_id: Text | None = None
    parent_flow_id: Text | None = None
    triggered_by: Triggers | None = None
    status: Text
    started_at: Millis
    ended_at: Millis | None = None
    meta: dict[str, Any] | None = None

    def __post_init__(self) -> None:  # noqa: D105
        if type(self.started_at) is float or type(self.ended_at) is float:
            _whole_times(self)


class FlowNode(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One thing that runs in a flow. Times in Unix milliseconds; `status` is an open vocabulary."""

    id: Id
    flow_id: Id
    label: Text
    status: Text
    family: Text | None = None
    region: Text | None = None
    started_at: Millis | None = None
    ended_at: Millis | None = None
    meta: dict[str, Any] | None = None

    def __post_init__(self) -> None:  # noqa: D105
        if type(self.started_at) is float or type(self.ended_at) is float:
            _whole_times(self)

    @property
    def key(self) -> NodeKey:
        """Natural key: a node replaces the one with the same key."""
        return NodeKey(self.flow_id, self.id)

    @property
    def suspended(self) -> bool:
        """Whether `meta.suspended` is true: it is never going to be ready, on purpose."""
        return self.meta is not None and self.meta.get("suspended") is True


class Relationship(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An ordered pair of nodes and what it means. `lag` in seconds; flow ids only where they differ."""

    from_id: Id
    to_id: Id
    from_flow_id: Text | None = None
    to_flow_id: Text | None = None
    type: RelationshipType
    condition: Condition | None = None
    lag: Lag = NO_LAG

    def __post_init__(self) -> None:  # noqa: D105
        # `null`, `0` and `-0.0` become the very object that is the default: msgspec leaves out only that one.
        if not self.lag:
            force_setattr(self, "lag", NO_LAG)

    @property
    def key(self) -> RelationshipKey:
        """Natural key: a relationship replaces the one with the same key."""
        return RelationshipKey(self.from_id, self.to_id, self.type)


class RelationshipPair(Struct, frozen=True, kw_only=True, rename="camel"):
    """A relationship's natural key, as `delete-rels` names it."""

    from_id: Id
    to_id: Id
    type: RelationshipType

    @property
    def key(self) -> RelationshipKey:
        """The key of the relationship to delete."""
        return RelationshipKey(self.from_id, self.to_id, self.type)


def _whole_times(timed: FlowInstance | FlowNode) -> None:
    """Make `5.0`, which the contract reads as a time, the integer 5."""
    if type(timed.started_at) is float:
        force_setattr(timed, "started_at", int(timed.started_at))
    if type(timed.ended_at) is float:
        force_setattr(timed, "ended_at", int(timed.ended_at))
