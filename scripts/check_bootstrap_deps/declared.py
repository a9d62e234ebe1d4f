"""How names in the expected file and releases in a kit's namespaces find each other."""

from collections.abc import Collection

from .expected import Expected, Slot
from .graph import ReleaseId
from .kit import Kit


def declared_ids(expected: Expected, kit: Kit) -> dict[ReleaseId, Slot]:
    """The slots by the key of their release: the slot's own namespace, else where the kit has a release of
    that name, else where most of the kit's releases are."""
    return {_id_of(slot, kit): slot for slot in expected.slots}


def _id_of(slot: Slot, kit: Kit) -> ReleaseId:
    if slot.namespace:
        return ReleaseId(slot.namespace, slot.name)
    homes = [key.namespace for key in kit.releases if key.name == slot.name]
    return ReleaseId(kit.home if kit.home in homes or not homes else min(homes), slot.name)


def resolve(written: str, *, seen_from: str, known: Collection[ReleaseId]) -> ReleaseId:
    """The release that `depends_on` means: `namespace/name` as it stands, a bare name in the namespace it is
    `seen_from` or, when that has none, in the first other one that has."""
    namespace, _, name = written.rpartition("/")
    near = ReleaseId(namespace or seen_from, name)
    others = [] if namespace or near in known else [key for key in known if key.name == name]
    return min(others) if others else near


def written_as(target: ReleaseId, *, seen_from: str, known: Collection[ReleaseId]) -> str:
    """The shortest text that `resolve` turns back into `target`."""
    bare = resolve(target.name, seen_from=seen_from, known=known) == target
    return target.name if bare else f"{target.namespace}/{target.name}"
