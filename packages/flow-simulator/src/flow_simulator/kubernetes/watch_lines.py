"""The lines of a watch: what a change is to somebody with a selector, and bookmarks. Pure."""

from collections.abc import Iterator, Sequence

from flow_simulator.kubernetes.answers import Watch
from flow_simulator.kubernetes.encoding import encoded
from flow_simulator.kubernetes.selectors import Matches
from flow_simulator.kubernetes.store import Change, Store, Stored


def line(kind: str, raw: bytes) -> bytes:
    """One line with its line feed."""
    return b'{"type":"%b","object":%b}\n' % (kind.encode(), raw)


def initial_lines(watch: Watch, store: Store) -> Iterator[bytes]:
    """ADDED for everything there is, and the bookmark that ends them when the watch wants it."""
    for stored in store.listing(watch.resource, namespace=watch.namespace):
        if _selected(stored, watch.matches):
            yield line("ADDED", stored.raw)
    if watch.mark_initial_end:
        yield bookmark(watch, store.version, initial_end=True)


def change_line(watch: Watch, change: Change) -> bytes | None:
    """The line for a change; `None` when the watch does not see it.

    An object whose labels leave the selector is DELETED, as it was but with the new version; when it comes
    back it is ADDED.
    """
    if watch.namespace and change.after.key.namespace != watch.namespace:
        return None
    was = change.before is not None and _selected(change.before, watch.matches)
    is_now = not change.deleted and _selected(change.after, watch.matches)
    if not was and not is_now:
        return None
    kind = "MODIFIED" if was and is_now else "ADDED" if is_now else "DELETED"
    if kind == "DELETED" and not change.deleted and change.before is not None:
        before = change.before.object
        metadata = {**before["metadata"], "resourceVersion": str(change.version)}
        return line(kind, encoded({**before, "metadata": metadata}))
    return line(kind, change.after.raw)


def bookmark(watch: Watch, version: int, *, initial_end: bool = False) -> bytes:
    """A line that only says how far the watch has come."""
    metadata: dict[str, object] = {"resourceVersion": str(version)}
    if initial_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    resource = watch.resource
    marked = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
    return line("BOOKMARK", encoded(marked))


def _selected(stored: Stored, matches: Sequence[Matches]) -> bool:
    return all(match(stored.object) for match in matches)
