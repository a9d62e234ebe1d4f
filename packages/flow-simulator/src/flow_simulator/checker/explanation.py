"""Whether a state can be what a history leads to, key by key.

Under a key stands what the last operation on it left there. Which one was the last is not always known: a
request without an answer may have been applied or not, here or there. So each key has candidates, and a state
is wrong where it shows none of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from flow_simulator.checker.entries import Json
from flow_simulator.checker.operations import History, Operation
from flow_simulator.checker.picture import (
    HEADER,
    Key,
    NodeKey,
    Picture,
    RelationshipKey,
    fingerprint,
    node_key,
    relationship_key,
)

Effect = tuple[Operation, Json | None]
"""An operation and what it leaves under a key; `None`: nothing."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a state was seen: at a sequence (`inf`: at none), after all that had ended at `since_ns`."""

    sequence: float
    since_ns: float = -inf

    def may_know(self, operation: Operation) -> bool:
        """Whether the operation can be in the state."""
        return operation.lo < self.sequence or operation.ended_ns < self.since_ns

    def must_know(self, operation: Operation) -> bool:
        """Whether the operation has to be in the state."""
        return operation.certain and (operation.hi <= self.sequence or operation.ended_ns < self.since_ns)


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What a state shows under a key and what it should show instead."""

    key: Key
    shown: Json | None
    candidates: Sequence[tuple[Operation | None, Json | None]]
    """The operations that can have been the last one, `None` for none at all, with what they leave."""


class Effects:
    """All operations of a flow by the keys they change."""

    def __init__(self, history: History) -> None:
        """Index the history's operations."""
        self.operations = history.operations
        self._by_key: dict[Key, list[Effect]] = defaultdict(list)
        self._by_deleted_id: dict[str, list[Operation]] = defaultdict(list)
        self._wipes: list[Operation] = []
        for operation in history.operations:
            self._add(operation)

    def all_keys(self) -> set[Key]:
        """Every key that some operation puts something under."""
        return set(self._by_key)

    def named_by(self, operations: Iterable[Operation]) -> set[Key]:
        """The keys that some operations name, apart from what a snapshot or a deletion takes along."""
        wanted = {(one.unit, one.index) for one in operations}
        return {
            key
            for key, effects in self._by_key.items()
            if any((one.unit, one.index) in wanted for one, _ in effects)
        }

    def on(self, key: Key) -> Iterator[Effect]:
        """The operations that change what is under a key."""
        explicit = self._by_key.get(key, ())
        yield from explicit
        setting = {(operation.unit, operation.index) for operation, _ in explicit}
        others = [*self._wipes]
        match key:
            case NodeKey(id=node_id):
                others += self._by_deleted_id.get(node_id, ())
            case RelationshipKey(from_id=one, to_id=other):
                others += self._by_deleted_id.get(one, ())
                others += self._by_deleted_id.get(other, ()) if other != one else ()
            case _:
                pass
        yield from ((one, None) for one in others if (one.unit, one.index) not in setting)

    def candidates(self, key: Key, moment: Moment) -> list[tuple[Operation | None, Json | None]]:
        """What can be under a key at a moment, and through which operation."""
        possible = [effect for effect in self.on(key) if moment.may_know(effect[0])]
        sure = [operation for operation, _ in possible if moment.must_know(operation)]
        latest_lo = max((operation.lo for operation in sure), default=-inf)
        last_of_unit: dict[int, int] = {}
        for operation in sure:
            last_of_unit[operation.unit] = max(operation.index, last_of_unit.get(operation.unit, 0))
        found: list[tuple[Operation | None, Json | None]] = [
            (operation, value)
            for operation, value in possible
            if operation.hi > latest_lo and operation.index >= last_of_unit.get(operation.unit, 0)
        ]
        return found if sure else [*found, (None, None)]

    def wrong(self, picture: Picture, moment: Moment) -> Iterator[Wrong]:
        """The keys under which a state shows what cannot be there."""
        for key in sorted(self.all_keys() | picture.keys()):
            shown = picture.value(key)
            candidates = self.candidates(key, moment)
            if not any(equal(shown, value) for _, value in candidates):
                yield Wrong(key=key, shown=shown, candidates=candidates)

    def _add(self, operation: Operation) -> None:
        message = operation.message
        if message is None or message["type"] == "snapshot":
            self._wipes.append(operation)
        if message is None:
            return
        if "flow" in message:
            self._by_key[HEADER].append((operation, message["flow"]))
        for node in {node_key(node): node for node in message.get("nodes", ())}.items():
            self._by_key[node[0]].append((operation, node[1]))
        for one in {relationship_key(one): one for one in message.get("relationships", ())}.items():
            self._by_key[one[0]].append((operation, one[1]))
        for pair in {relationship_key(pair) for pair in message.get("pairs", ())}:
            self._by_key[pair].append((operation, None))
        for node_id in set(message.get("ids", ())):
            self._by_deleted_id[node_id].append(operation)


def equal(one: Json | None, other: Json | None) -> bool:
    """Whether two values are the same, numbers compared by value."""
    if one is None or other is None:
        return one is other
    return one == other or fingerprint(one) == fingerprint(other)
