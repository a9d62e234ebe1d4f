"""Create, replace, patch and delete, over the wire and in process alike: the store's only writers.

Everything here answers with the stored object or raises `Problem`; an unchanged object is not written.
"""

import uuid
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from random import Random
from typing import Any

from flow_simulator.kubernetes.managed_fields import managed_by
from flow_simulator.kubernetes.problems import (
    already_exists,
    bad_request,
    no_such_namespace,
    not_found,
    terminating,
    version_missing,
)
from flow_simulator.kubernetes.resources import JsonObject, Resource, is_object
from flow_simulator.kubernetes.store import Key, Store, Stored
from flow_simulator.kubernetes.writes import (
    check_body,
    created,
    marked_for_deletion,
    merge_patch,
    same,
    updated,
)


class Changes:
    """Writes to one store, with the clock that dates them and the randomness of their uids."""

    def __init__(
        self, store: Store, *, now: Callable[[], float], random: Random, namespaces: set[str]
    ) -> None:
        """`now` is Unix time in seconds; a create outside `namespaces` is refused."""
        self._store = store
        self._now = now
        self._random = random
        self.namespaces = namespaces

    def get(self, resource: Resource, key: Key) -> Stored | None:
        """The object as it is now."""
        return self._store.get(resource, key)

    def create(self, resource: Resource, namespace: str, body: Any, *, manager: str) -> Stored:
        """A new object."""
        body = check_body(resource, deepcopy(body), namespace=namespace)
        name: str = body["metadata"]["name"]
        if namespace not in self.namespaces:
            raise no_such_namespace(namespace)
        if self._store.state(resource) == "terminating":
            raise terminating(resource, name)
        before = self._store.get(resource, Key(namespace, name))
        if before is not None:
            being_deleted = "deletionTimestamp" in before.object["metadata"]
            raise already_exists(resource, name, being_deleted=being_deleted)
        uid = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        now = self._timestamp()
        body = created(resource, body, uid=uid, now=now)
        body["metadata"]["managedFields"] = managed_by(
            resource, body, manager=manager, subresource="", now=now
        )
        return self._store.write(resource, body)

    def replace(
        self, resource: Resource, key: Key, body: Any, *, manager: str, subresource: str = ""
    ) -> tuple[Stored, bool]:
        """The object with a new content, and whether it was created by this (a Lease may be)."""
        body = check_body(resource, deepcopy(body), namespace=key.namespace, name=key.name)
        stated = body["metadata"].get("resourceVersion")
        before = self._store.get(resource, key)
        if not stated:
            raise version_missing(resource, key.name)
        if before is None:
            if resource.custom:
                raise not_found(resource, key.name)
            return self.create(resource, key.namespace, body, manager=manager), True
        after = updated(resource, before.object, body, subresource=subresource)
        return self._store_change(resource, before, after, manager=manager, subresource=subresource), False

    def patch(
        self, resource: Resource, key: Key, patch: Any, *, manager: str, subresource: str = ""
    ) -> Stored:
        """The object with a merge patch applied."""
        before = self._store.get(resource, key)
        if before is None:
            raise not_found(resource, key.name)
        if not is_object(patch):
            raise bad_request("error decoding patch: json: cannot unmarshal into a map")
        body = check_body(resource, merge_patch(before.object, patch), namespace=key.namespace, name=key.name)
        after = updated(resource, before.object, body, subresource=subresource)
        return self._store_change(resource, before, after, manager=manager, subresource=subresource)

    def bring_to(
        self, resource: Resource, key: Key, body: Any, *, manager: str, subresource: str = ""
    ) -> Stored:
        """The object with exactly this content, whatever version it has; `body` needs no version."""
        before = self._store.get(resource, key)
        if before is None:
            raise not_found(resource, key.name)
        metadata = {
            **body.get("metadata", {}),
            "resourceVersion": before.object["metadata"]["resourceVersion"],
        }
        whole = {**body, "metadata": metadata}
        return self.replace(resource, key, whole, manager=manager, subresource=subresource)[0]

    def delete(self, resource: Resource, key: Key) -> tuple[Stored, bool]:
        """The object's last state and `True`; or, while finalizers hold it, its new state and `False`."""
        before = self._store.get(resource, key)
        if before is None:
            raise not_found(resource, key.name)
        metadata: JsonObject = before.object["metadata"]
        if not metadata.get("finalizers"):
            return self._store.remove(resource, key), True
        if "deletionTimestamp" in metadata:
            return before, False
        return self._store.write(resource, marked_for_deletion(before.object, now=self._timestamp())), False

    def delete_all(self, resource: Resource) -> None:
        """What deleting a definition does first: each object goes, or waits for its finalizers."""
        self._store.terminate(resource)
        for stored in self._store.listing(resource):
            self.delete(resource, stored.key)

    def _store_change(
        self, resource: Resource, before: Stored, after: JsonObject, *, manager: str, subresource: str
    ) -> Stored:
        if same(before.object, after):
            return before
        fields = managed_by(resource, after, manager=manager, subresource=subresource, now=self._timestamp())
        after = {**after, "metadata": {**after["metadata"], "managedFields": fields}}
        if "deletionTimestamp" in after["metadata"] and not after["metadata"].get("finalizers"):
            # As recorded: no event for the last state, and the answer keeps the version it had.
            self._store.remove(resource, before.key)
            return Stored(after)
        return self._store.write(resource, after)

    def _timestamp(self) -> str:
        return datetime.fromtimestamp(self._now(), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
