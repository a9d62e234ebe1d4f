"""Writes from inside the process: what tests, faults and the simulated Flux do to objects."""

from typing import Any, assert_never

from flow_simulator.kubernetes import faults as f
from flow_simulator.kubernetes.changes import Changes
from flow_simulator.kubernetes.resources import (
    HELM_RELEASES,
    JsonObject,
    Resource,
    resource_named,
    resource_of,
)
from flow_simulator.kubernetes.store import Key, Stored

MANAGER = "simulator"
"""The name in `managedFields`."""


def write(changes: Changes, fault: f.Write) -> None:
    """Apply a fault that is a write. Raises `Problem`, or ValueError for an unknown resource."""
    match fault:
        case f.Apply(object=body):
            apply(changes, body)
        case f.Patch(resource=name, namespace=namespace, name=key, patch=patch, subresource=subresource):
            changes.patch(
                resource_named(name), Key(namespace, key), patch, manager=MANAGER, subresource=subresource
            )
        case f.Delete(resource=name, namespace=namespace, name=key):
            changes.delete(resource_named(name), Key(namespace, key))
        case f.DeleteAtOnce(resource=name, namespace=namespace, name=key):
            delete_at_once(changes, resource_named(name), Key(namespace, key))
        case _:
            assert_never(fault)


def apply(changes: Changes, body: dict[str, Any], *, default: Resource = HELM_RELEASES) -> Stored:
    """Create an object, or bring it to this state; a status in it is written too. Raises `Problem`."""
    body = {"apiVersion": default.api_version, "kind": default.kind} | body
    resource = resource_of(body)
    metadata: JsonObject = body.get("metadata") or {}
    key = Key(metadata.get("namespace", "flux-system"), metadata.get("name", ""))
    if changes.get(resource, key) is None:
        changes.namespaces.add(key.namespace)
        stored = changes.create(resource, key.namespace, body, manager=MANAGER)
    else:
        whole: JsonObject = {**body, "metadata": {**metadata, "namespace": key.namespace}}
        stored = changes.bring_to(resource, key, whole, manager=MANAGER)
    if resource.custom and "status" in body:
        patch = {"status": body["status"]}
        stored = changes.bring_to(resource, key, patch, manager=MANAGER, subresource="status")
    return stored


def delete_at_once(changes: Changes, resource: Resource, key: Key) -> None:
    """Delete an object whatever its finalizers. Raises `Problem` when it is not there."""
    if changes.get(resource, key) is not None:
        changes.patch(resource, key, {"metadata": {"finalizers": None}}, manager=MANAGER)
        if changes.get(resource, key) is None:
            # It was marked for deletion already, and only its finalizers held it.
            return
    changes.delete(resource, key)
