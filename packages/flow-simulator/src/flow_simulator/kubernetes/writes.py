"""What a write makes of an object: metadata the server owns, generations, subresources, patches. Pure.

Each function takes the body of a request and the object as it is, and gives the object as it shall be.
"""

import re
from copy import deepcopy
from typing import Any

from flow_simulator.kubernetes.lease_times import normalise_lease_times
from flow_simulator.kubernetes.problems import NOT_ALL_CHECKED, Problem, bad_request, conflict, invalid
from flow_simulator.kubernetes.resources import LEASES, JsonObject, Resource, add_defaults, is_object

ANNOTATION_LIMIT_BYTES = 262_144
OBJECT_LIMIT_BYTES = 1_572_864
"""etcd's limit of one request."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_OWNED = (
    "uid",
    "creationTimestamp",
    "generation",
    "resourceVersion",
    "deletionTimestamp",
    "namespace",
    "name",
)
_CONTENT_LEFT_OUT = ("metadata", "status", "apiVersion", "kind")


def merge_patch(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7396); neither argument is changed."""
    if not is_object(patch):
        return deepcopy(patch)
    merged: JsonObject = dict(target) if is_object(target) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def check_body(resource: Resource, body: Any, *, namespace: str, name: str = "") -> JsonObject:
    """The body, when it is an object of this kind for this place. Raises `Problem` 400 or 422."""
    if not is_object(body) or not is_object(body.get("metadata", {})):
        raise bad_request(f"the object provided is unrecognized (must be of type {resource.kind})")
    metadata: JsonObject = body.setdefault("metadata", {})
    found_name = str(metadata.get("name", name))
    if body.get("kind", resource.kind) != resource.kind:
        kind = body["kind"]
        problem = invalid(resource, found_name, "kind", f'Invalid value: "{kind}": must be {resource.kind}')
        problem.message = problem.message.replace(f"{resource.kind}.", f"{kind}.", 1)
        problem.details = (problem.details or {}) | {"kind": kind}
        raise problem
    if metadata.get("namespace", namespace) != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if name and found_name != name:
        raise bad_request(
            f"the name of the object ({found_name}) does not match the name on the URL ({name})"
        )
    if not _NAME.fullmatch(found_name) or len(found_name) > 253:
        raise invalid(resource, found_name, "metadata.name", f'Invalid value: "{found_name}": {_NAME_RULE}')
    body["apiVersion"], body["kind"] = resource.api_version, resource.kind
    metadata["name"], metadata["namespace"] = found_name, namespace
    return body


def check_content(resource: Resource, body: JsonObject) -> None:
    """Raise `Problem` when the object is too large or a Lease is not one."""
    metadata: JsonObject = body["metadata"]
    name: str = metadata["name"]
    annotations: JsonObject = metadata.get("annotations") or {}
    if sum(len(str(k)) + len(str(v)) for k, v in annotations.items()) > ANNOTATION_LIMIT_BYTES:
        problem = f"Too long: may not be more than {ANNOTATION_LIMIT_BYTES} bytes"
        field = "metadata.annotations"
        raise invalid(resource, name, field, problem, cause="FieldValueTooLong", also=NOT_ALL_CHECKED)
    if resource is LEASES:
        normalise_lease_times(body)
        spec: JsonObject = body.get("spec") or {}
        seconds = spec.get("leaseDurationSeconds")
        if isinstance(seconds, int) and seconds <= 0:
            field = "spec.leaseDurationSeconds"
            raise invalid(resource, name, field, f"Invalid value: {seconds}: must be greater than 0")


def created(resource: Resource, body: JsonObject, *, uid: str, now: str) -> JsonObject:
    """A new object. `body` was checked and is the caller's to give."""
    metadata: JsonObject = body["metadata"]
    for name in ("resourceVersion", "deletionTimestamp", "selfLink"):
        metadata.pop(name, None)
    metadata |= {"uid": uid, "creationTimestamp": now}
    if resource.custom:
        # A status that a client sends along is dropped; the definition's default takes its place.
        body.pop("status", None)
        metadata["generation"] = 1
    add_defaults(resource, body)
    check_content(resource, body)
    return body


def updated(resource: Resource, before: JsonObject, body: JsonObject, *, subresource: str = "") -> JsonObject:
    """The object after a replace with `body`, or after a patch that gave `body`. Raises `Problem`.

    The status subresource changes only the status, the main resource everything else.
    """
    stated = body["metadata"].get("resourceVersion")
    old = before["metadata"]
    if stated is not None and stated != old["resourceVersion"]:
        raise conflict(resource, old["name"])
    if subresource == "status":
        return {**before, "status": body.get("status", {})}
    metadata = {**body["metadata"]}
    for name in _OWNED:
        metadata.pop(name, None)
        if name in old:
            metadata[name] = old[name]
    if "deletionGracePeriodSeconds" in old:
        metadata["deletionGracePeriodSeconds"] = old["deletionGracePeriodSeconds"]
    after = {**body, "metadata": metadata}
    if resource.custom:
        after.pop("status", None)
        if "status" in before:
            after["status"] = before["status"]
        add_defaults(resource, after)
        if _content(after) != _content(before):
            metadata["generation"] = old["generation"] + 1
    check_content(resource, after)
    return after


def marked_for_deletion(before: JsonObject, *, now: str) -> JsonObject:
    """The object as it is seen while its finalizers hold it."""
    metadata: JsonObject = {**before["metadata"], "deletionTimestamp": now, "deletionGracePeriodSeconds": 0}
    if "generation" in metadata:
        metadata["generation"] += 1
    return {**before, "metadata": metadata}


def same(before: JsonObject, after: JsonObject) -> bool:
    """Whether a write would change nothing; then nothing is written. Who wrote when does not count."""
    return _unmanaged(before) == _unmanaged(after)


def too_large_for_etcd(size_bytes: int) -> Problem | None:
    """500, in etcd's words, for an object that the API server would take and etcd does not."""
    if size_bytes <= OBJECT_LIMIT_BYTES:
        return None
    return Problem(500, "", "etcdserver: request is too large")


def _content(body: JsonObject) -> JsonObject:
    return {name: value for name, value in body.items() if name not in _CONTENT_LEFT_OUT}


def _unmanaged(body: JsonObject) -> JsonObject:
    metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
    return {**body, "metadata": metadata}
