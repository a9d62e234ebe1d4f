"""`metadata.managedFields`: who owns which field, half of the bytes of a real list. Pure.

Only what a reader sees of it: one entry per writer and subresource, with the fields of the object.
"""

from typing import Any

from flow_simulator.kubernetes.resources import JsonObject, Resource, is_object


def _fields(value: Any) -> JsonObject:
    if not is_object(value) or not value:
        return {}
    owned: JsonObject = {".": {}}
    return owned | {f"f:{name}": _fields(inner) for name, inner in value.items()}


def managed_by(
    resource: Resource, body: JsonObject, *, manager: str, subresource: str, now: str
) -> list[JsonObject]:
    """The entries after a write of `manager`; entries of other subresources stay as they are."""
    if subresource == "status":
        owned = {"f:status": _fields(body.get("status"))}
    else:
        metadata = {name: body["metadata"].get(name) for name in ("labels", "annotations", "finalizers")}
        owned = {"f:metadata": {f"f:{name}": _fields(value) for name, value in metadata.items() if value}}
        owned = {name: value for name, value in owned.items() if value}
        owned |= {"f:spec": _fields(body.get("spec"))}
    entry: JsonObject = {
        "apiVersion": resource.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned,
        "manager": manager,
        "operation": "Update",
        "time": now,
    }
    if subresource:
        entry["subresource"] = subresource
    entries: list[JsonObject] = body["metadata"].get("managedFields") or []
    others = [other for other in entries if other.get("subresource", "") != subresource]
    return [*others, entry]
