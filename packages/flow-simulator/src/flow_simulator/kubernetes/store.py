"""The objects of a cluster and their history: pure, no clock, no socket, no randomness.

One version grows with every write of any kind. What changed is kept per resource, as a real server's watch
cache keeps it: a watch may start at any version that is not older than the cache. Stored objects are never
changed in place; a write brings a new one.
"""

import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from flow_simulator.kubernetes.encoding import encoded
from flow_simulator.kubernetes.resources import RESOURCES, JsonObject, Resource

HISTORY_ENTRIES = 20_000
"""Events kept per resource; a bootstrap of 67 releases writes about 700."""


class Key(NamedTuple):
    """Where an object lives inside its resource; sorts as a list is sorted."""

    namespace: str
    name: str


class Stored:
    """One object at one version, with its bytes, encoded once."""

    __slots__ = ("key", "object", "raw", "version")

    def __init__(self, body: JsonObject) -> None:
        """Own `body`; nobody may change it from here on."""
        metadata = body["metadata"]
        self.object = body
        self.key = Key(metadata.get("namespace", ""), metadata["name"])
        self.version = int(metadata["resourceVersion"])
        self.raw = encoded(body)


@dataclass(frozen=True, slots=True)
class Change:
    """One write: `before` is None for a create; `deleted`: `after` is the last anybody sees of it."""

    version: int
    before: Stored | None
    after: Stored
    deleted: bool = False


class TooOld(Exception):
    """The history begins at `oldest`, after the version asked for."""

    def __init__(self, oldest: int) -> None:
        """Keep where the history begins."""
        super().__init__(f"the history begins at {oldest}")
        self.oldest = oldest


@dataclass(slots=True)
class _Shelf:
    """The objects and the history of one resource."""

    state: Literal["absent", "installed", "terminating"]
    oldest: int
    """A watch may start here or later."""
    objects: dict[Key, Stored] = field(default_factory=dict[Key, Stored])
    history: list[Change] = field(default_factory=list[Change])


@dataclass(frozen=True, slots=True)
class Backup:
    """What an etcd snapshot holds: the version and the objects of then."""

    version: int
    objects: dict[Resource, dict[Key, Stored]]


class Store:
    """All objects of one cluster, the version that orders their changes, and who listens."""

    def __init__(self, *, version: int = 200, history_entries: int = HISTORY_ENTRIES) -> None:
        """An empty cluster whose writes go on from `version`; custom resources are not installed."""
        self.version = version
        self._history_entries = history_entries
        self._shelves = {
            resource: _Shelf(state="absent" if resource.custom else "installed", oldest=version)
            for resource in RESOURCES
        }
        self._listeners: set[Callable[[], None]] = set()

    # Reading

    def state(self, resource: Resource) -> Literal["absent", "installed", "terminating"]:
        """Whether the definition of a resource is there, gone, or waits for its last objects to go."""
        return self._shelves[resource].state

    def oldest(self, resource: Resource) -> int:
        """The oldest version from which a watch can start."""
        return self._shelves[resource].oldest

    def get(self, resource: Resource, key: Key) -> Stored | None:
        """The object as it is now."""
        return self._shelves[resource].objects.get(key)

    def listing(self, resource: Resource, *, namespace: str = "", at: int | None = None) -> list[Stored]:
        """Objects in order of namespace and name, now or as they were `at` a version. Raises `TooOld`."""
        shelf = self._shelves[resource]
        objects = shelf.objects
        if at is not None and at < self.version:
            objects = dict(objects)
            for change in reversed(self._changes_after(shelf, at)):
                if change.before is None:
                    objects.pop(change.after.key, None)
                else:
                    objects[change.after.key] = change.before
        return [objects[key] for key in sorted(objects) if not namespace or key.namespace == namespace]

    def changes_after(self, resource: Resource, version: int, *, limit: int = 1000) -> list[Change]:
        """Up to `limit` changes above `version`, oldest first. Raises `TooOld`."""
        return self._changes_after(self._shelves[resource], version, limit=limit)

    @staticmethod
    def _changes_after(shelf: _Shelf, version: int, *, limit: int | None = None) -> list[Change]:
        if version < shelf.oldest:
            raise TooOld(shelf.oldest)
        start = bisect.bisect_right(shelf.history, version, key=lambda change: change.version)
        return shelf.history[start:] if limit is None else shelf.history[start : start + limit]

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every write, until the function given back is called."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    # Writing

    def write(self, resource: Resource, body: JsonObject) -> Stored:
        """Store a new object, or a new state of one; its `resourceVersion` is set here."""
        return self._record(resource, body, deleted=False)

    def remove(self, resource: Resource, key: Key) -> Stored:
        """Take an object away; what is returned is its last state, with a version of its own."""
        return self._record(resource, self._shelves[resource].objects[key].object, deleted=True)

    def _record(self, resource: Resource, body: JsonObject, *, deleted: bool) -> Stored:
        shelf = self._shelves[resource]
        self.version += 1
        metadata = {**body["metadata"], "resourceVersion": str(self.version)}
        after = Stored({**body, "metadata": metadata})
        before = shelf.objects.get(after.key)
        if deleted:
            shelf.objects.pop(after.key)
        else:
            shelf.objects[after.key] = after
        shelf.history.append(Change(self.version, before, after, deleted))
        if len(shelf.history) > self._history_entries:
            gone = len(shelf.history) - self._history_entries * 3 // 4
            shelf.oldest = shelf.history[gone - 1].version
            del shelf.history[:gone]
        self._wake()
        return after

    def advance(self, *, to: int) -> None:
        """Raise the version as writes to other kinds do; never lowers it."""
        self.version = max(self.version, to)
        self._wake()

    # What happens to a server

    def install(self, resource: Resource) -> None:
        """A definition is made: from now on the resource exists, and its history begins."""
        self.version += 1
        self._shelves[resource] = _Shelf(state="installed", oldest=self.version)
        self._wake()

    def terminate(self, resource: Resource) -> None:
        """A definition is deleted: no creates any more, and it goes when the last object went."""
        self._shelves[resource].state = "terminating"
        self.version += 1
        self._wake()

    def uninstall(self, resource: Resource) -> None:
        """The definition is gone, with all that was left."""
        self.version += 1
        self._shelves[resource] = _Shelf(state="absent", oldest=self.version)
        self._wake()

    def forget_history(self) -> None:
        """What a restart does: every watch from an older version is too old from here on."""
        for shelf in self._shelves.values():
            shelf.history.clear()
            shelf.oldest = self.version
        self._wake()

    def backup(self) -> Backup:
        """The cluster as it is, to be restored later."""
        objects = {resource: dict(shelf.objects) for resource, shelf in self._shelves.items()}
        return Backup(self.version, objects)

    def restore(self, backup: Backup) -> None:
        """Go back to a backup: objects and version, as an etcd restored from a snapshot. History is gone."""
        self.version = backup.version
        for resource, shelf in self._shelves.items():
            shelf.objects = dict(backup.objects[resource])
            shelf.history.clear()
            shelf.oldest = self.version
        self._wake()

    def every(self) -> Iterator[tuple[Resource, Stored]]:
        """All objects of all kinds."""
        for resource, shelf in self._shelves.items():
            for stored in shelf.objects.values():
                yield resource, stored

    def _wake(self) -> None:
        for listener in tuple(self._listeners):
            listener()
