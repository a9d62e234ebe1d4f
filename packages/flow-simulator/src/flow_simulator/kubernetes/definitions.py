"""CustomResourceDefinitions, as far as making and deleting one goes. Pure."""

from collections.abc import Callable

from flow_simulator.kubernetes.answers import Answer, json_answer
from flow_simulator.kubernetes.changes import Changes
from flow_simulator.kubernetes.problems import Problem, bad_request
from flow_simulator.kubernetes.requests import Request, Target
from flow_simulator.kubernetes.resources import RESOURCES, JsonObject, Resource, is_object
from flow_simulator.kubernetes.store import Store

DEFINITIONS = Resource(
    group="apiextensions.k8s.io",
    version="v1",
    plural="customresourcedefinitions",
    singular="customresourcedefinition",
    kind="CustomResourceDefinition",
    custom=False,
)


def definition_of(resource: Resource) -> JsonObject:
    """The smallest definition that serves a resource: names, one version, status, an open schema."""
    names: JsonObject = {"plural": resource.plural, "singular": resource.singular, "kind": resource.kind}
    names |= {"listKind": f"{resource.kind}List", "shortNames": list(resource.short_names)}
    names |= {"categories": list(resource.categories)}
    chart: JsonObject = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    chart["properties"] = {"reconcileStrategy": {"type": "string", "default": "ChartVersion"}}
    spec = chart
    if resource.kind == "HelmRelease":
        # `chart` itself has no default: a release with `chartRef` has none.
        inner = {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"spec": chart},
        }
        spec = {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"chart": inner},
        }
    status = {
        "type": "object",
        "default": {"observedGeneration": -1},
        "x-kubernetes-preserve-unknown-fields": True,
        "properties": {"observedGeneration": {"type": "integer", "format": "int64"}},
    }
    schema = {"type": "object", "properties": {"spec": spec, "status": status}}
    version: JsonObject = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
    }
    version |= {"schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": DEFINITIONS.api_version,
        "kind": DEFINITIONS.kind,
        "metadata": {"name": resource.full_name},
        "spec": {"group": resource.group, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _defined(name: str) -> Resource | None:
    return next((r for r in RESOURCES if r.custom and r.full_name == name), None)


def _not_found(name: str) -> Problem:
    details = {"name": name, "group": DEFINITIONS.group, "kind": DEFINITIONS.plural}
    return Problem(404, "NotFound", f'{DEFINITIONS.full_name} "{name}" not found', details=details)


def definitions(
    store: Store,
    changes: Changes,
    target: Target,
    request: Request,
    *,
    changed: Callable[[Resource], None],
) -> Answer:
    """GET, POST and DELETE of one definition; `changed` is told what a POST made or a DELETE marked.

    Raises `Problem`.
    """
    if request.method == "POST":
        body = request.decoded_body(DEFINITIONS.kind)
        name = body.get("metadata", {}).get("name", "") if is_object(body) else ""
        resource = _defined(name)
        if resource is None:
            known = ", ".join(r.full_name for r in RESOURCES if r.custom)
            raise bad_request(f"this simulator knows the definitions {known}; found {name!r}")
        if store.state(resource) != "absent":
            message = f'{DEFINITIONS.full_name} "{name}" already exists'
            details = {"name": name, "group": DEFINITIONS.group, "kind": DEFINITIONS.plural}
            raise Problem(409, "AlreadyExists", message, details=details)
        store.install(resource)
        changed(resource)
        return json_answer(201, definition_of(resource))
    resource = _defined(target.name)
    if resource is None or store.state(resource) == "absent":
        raise _not_found(target.name)
    if request.method == "DELETE" and store.state(resource) == "installed":
        changes.delete_all(resource)
        changed(resource)
    return json_answer(200, definition_of(resource))
