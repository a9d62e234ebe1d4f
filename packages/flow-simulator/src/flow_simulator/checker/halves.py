"""A batch without an answer was applied as a whole or not at all.

When something of it is to be seen that nothing else can have put there, all of it was applied, and then each
of its keys shows what it left there or what came later.
"""

from collections import defaultdict
from collections.abc import Iterator

from flow_simulator.checker.entries import Json
from flow_simulator.checker.explanation import Effects, Moment, equal
from flow_simulator.checker.finding import name_of
from flow_simulator.checker.operations import Operation
from flow_simulator.checker.picture import Key, Picture


def halves(effects: Effects, picture: Picture, moment: Moment) -> Iterator[str]:
    """The batches of which a state shows only a part, one sentence each."""
    units: dict[int, list[Operation]] = defaultdict(list)
    for operation in effects.operations:
        if operation.kind == "message" and not operation.certain:
            units[operation.unit].append(operation)
    for unit, operations in units.items():
        left = _left_by(effects, unit, operations)
        if len(left) < 2:
            continue
        proofs = [key for key in left if _only_by(effects, picture, moment, key, unit)]
        if not proofs:
            continue
        since = max(_last_sure(effects, key, moment) for key in proofs)
        for key, value in left.items():
            later = [
                one
                for operation, one in effects.candidates(key, moment)
                if operation and operation.hi > since
            ]
            if not any(equal(picture.value(key), one) for one in (value, *later)):
                name = operations[0].name.removesuffix("[0]")
                yield f"half of {name}: {name_of(proofs[0])} shows it, {name_of(key)} does not"


def _left_by(effects: Effects, unit: int, operations: list[Operation]) -> dict[Key, Json | None]:
    """What a batch leaves under the keys that it names; the last of its messages counts."""
    left: dict[Key, Json | None] = {}
    for key in effects.named_by(operations):
        ours = [(one.index, value) for one, value in effects.on(key) if one.unit == unit]
        left[key] = max(ours, key=lambda pair: pair[0])[1]
    return left


def _only_by(effects: Effects, picture: Picture, moment: Moment, key: Key, unit: int) -> bool:
    """Whether a key shows what only this batch can have left there."""
    shown = picture.value(key)
    explaining = [one for one, value in effects.candidates(key, moment) if equal(shown, value)]
    return bool(explaining) and all(one is not None and one.unit == unit for one in explaining)


def _last_sure(effects: Effects, key: Key, moment: Moment) -> float:
    """The batch came after everything that surely happened to a key that still shows it."""
    return max((one.hi for one, _ in effects.on(key) if moment.must_know(one) and one.sequence), default=0)
