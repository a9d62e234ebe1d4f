"""What the API says about itself: versions, groups, resources, health. Pure."""

from collections.abc import Iterable

from flow_simulator.kubernetes.answers import Answer, json_answer, not_a_path, text_answer
from flow_simulator.kubernetes.problems import Problem
from flow_simulator.kubernetes.resources import BUILT_IN_GROUPS, JsonObject, Resource

VERSION: JsonObject = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "simulated",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "simulated",
}
_HEALTH = ("/readyz", "/livez", "/healthz")
_CHECKS = ("ping", "log", "etcd", "poststarthook/start-apiextensions-controllers", "autoregister-completion")
_LATE_CHECK = "poststarthook/rbac/bootstrap-roles"
_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]


def _group(group: str, version: str) -> JsonObject:
    entry = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [entry], "preferredVersion": entry}


def _resources(group_version: str, resources: Iterable[Resource]) -> JsonObject:
    entries: list[JsonObject] = []
    for resource in resources:
        entries.append(
            {
                "name": resource.plural,
                "singularName": resource.singular,
                "namespaced": True,
                "kind": resource.kind,
                "verbs": _VERBS,
                "shortNames": list(resource.short_names),
                "categories": list(resource.categories),
                "storageVersionHash": "c2ltdWxhdGVk",
            }
        )
        if resource.custom:
            status = {"name": f"{resource.plural}/status", "singularName": "", "namespaced": True}
            entries.append(status | {"kind": resource.kind, "verbs": ["get", "patch", "update"]})
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": entries,
    }


def health(path: str, *, verbose: bool, ready: bool) -> Answer:
    """`/readyz`, `/livez`, `/healthz`: `ok`, or 500 with the checks while the server starts."""
    if ready and not verbose:
        return text_answer(200, "ok")
    lines = [f"[+]{check} ok" for check in _CHECKS]
    lines.append(f"[+]{_LATE_CHECK} ok" if ready else f"[-]{_LATE_CHECK} failed: reason withheld")
    lines.append(f"{path.strip('/')} check {'passed' if ready else 'failed'}")
    return text_answer(200 if ready else 500, "\n".join(lines) + "\n")


def discovery(path: str, *, served: list[Resource], address: str, verbose: bool, ready: bool) -> Answer:
    """The answer to a GET that is about no resource; `served` are the resources there are now."""
    parts = path.strip("/").split("/")
    if path in _HEALTH:
        return health(path, verbose=verbose, ready=ready)
    if path == "/version":
        return json_answer(200, VERSION)
    if parts == ["api"]:
        addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
        return json_answer(
            200, {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}
        )
    groups = dict.fromkeys(BUILT_IN_GROUPS, "v1") | {r.group: r.version for r in served}
    if parts == ["apis"]:
        listed = [_group(group, version) for group, version in groups.items()]
        return json_answer(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed})
    if parts[0] == "apis" and len(parts) == 2 and parts[1] in groups:
        group = {"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1], groups[parts[1]])}
        return json_answer(200, group)
    if parts[0] == "apis" and len(parts) == 3 and groups.get(parts[1]) == parts[2]:
        resources = [resource for resource in served if resource.group == parts[1]]
        return json_answer(200, _resources("/".join(parts[1:]), resources))
    return not_a_path()


def unknown_resource(group: str) -> Answer | Problem:
    """A resource that is not served: plain text, in a built-in group a Status object."""
    if group in BUILT_IN_GROUPS:
        message = "the server could not find the requested resource"
        return Problem(404, "NotFound", message, details={})
    return not_a_path()
