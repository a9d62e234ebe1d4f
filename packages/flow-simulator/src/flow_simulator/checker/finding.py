"""What the checker says when something is wrong."""

import json
from dataclasses import dataclass
from enum import IntEnum

from flow_simulator.checker.entries import Json
from flow_simulator.checker.explanation import Wrong
from flow_simulator.checker.operations import Operation
from flow_simulator.checker.picture import HeaderKey, Key, NodeKey, RelationshipKey

SHOWN_CHARACTERS = 300
"""Most characters of a value in a finding."""


class Verdict(IntEnum):
    """The five things that must hold."""

    SNAPSHOT = 1
    """Every acknowledged message's effect is in the final snapshot, unless a later one overwrote it."""
    SEQUENCES = 2
    """Sequences grow strictly per flow over all lives of the server; none is used twice."""
    READERS = 3
    """What a reader folded up to a sequence is what the server held at it."""
    RESUMES = 4
    """After a cursor come exactly the messages after it, or one snapshot."""
    ORIGINS = 5
    """No reader saw what nobody posted; the epoch changed if and only if state was lost."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong: where, and a sentence with what was expected."""

    verdict: Verdict
    flow: str
    who: str
    """A reader, a writer's request, or the final snapshot."""
    problem: str

    def __str__(self) -> str:
        """The finding on one line."""
        return f"{self.verdict.name.lower()} of flow {self.flow}: {self.who}: {self.problem}"


def name_of(key: Key) -> str:
    """A key as findings name it."""
    match key:
        case HeaderKey():
            return "the header"
        case NodeKey(flow_id=flow_id, id=node_id):
            return f"node {node_id!r} of {flow_id!r}"
        case RelationshipKey(from_id=from_id, to_id=to_id, type=kind):
            return f"relationship {kind} from {from_id!r} to {to_id!r}"


def told(wrong: Wrong) -> str:
    """A wrong key as a sentence."""
    expected = " or ".join(_candidate(operation, value) for operation, value in wrong.candidates)
    return f"{name_of(wrong.key)} is {shortened(wrong.shown)}, expected {expected}"


def shortened(value: Json | None) -> str:
    """A value for a sentence."""
    text = "absent" if value is None else json.dumps(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."


def _candidate(operation: Operation | None, value: Json | None) -> str:
    if operation is None:
        return shortened(value)
    where = f" at {operation.sequence}" if operation.sequence is not None else ""
    return f"{shortened(value)} ({operation.name}{where})"
