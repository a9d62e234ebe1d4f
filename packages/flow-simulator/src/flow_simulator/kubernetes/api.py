"""From a request to an answer: rights, routing, the phases of a start. Pure but for the store behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from flow_simulator.kubernetes import reads
from flow_simulator.kubernetes.access import User, check_action, check_path, user_of
from flow_simulator.kubernetes.answers import Answer, Watch, json_answer, not_a_path, problem_answer
from flow_simulator.kubernetes.changes import Changes
from flow_simulator.kubernetes.definitions import DEFINITIONS, definitions
from flow_simulator.kubernetes.discovery import discovery, unknown_resource
from flow_simulator.kubernetes.problems import Problem, bad_request, paths_not_installed, storage_initializing
from flow_simulator.kubernetes.requests import Request, Target, target_of
from flow_simulator.kubernetes.resources import RESOURCES, JsonObject, Resource
from flow_simulator.kubernetes.store import Key, Store
from flow_simulator.kubernetes.writes import too_large_for_etcd

BODY_LIMIT_BYTES = 3_145_728
WATCH_TIMEOUT_S = (1800.0, 3600.0)
"""A watch without `timeoutSeconds` ends after a random time between these."""

_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_CUSTOM_PATCHES = ("application/json-patch+json", _MERGE, "application/apply-patch+yaml")


@dataclass(kw_only=True)
class Phase:
    """How far a server has come since its start. All true: it works."""

    roles_loaded: bool = True
    """False: everybody but admins is refused with an ordinary 403, as for 0.8 s after a real restart."""
    paths_installed: bool = True
    """False: 503 with `Retry-After: 5` for everything that passes the check of rights."""
    ready: bool = True
    """False: `/readyz` is 500."""
    initializing: set[Resource] = field(default_factory=set[Resource])
    """Custom resources whose cache is being filled: requests for one are answered 429."""


@dataclass(kw_only=True)
class Api:
    """One API server's mind: everything but sockets and time."""

    store: Store
    changes: Changes
    tokens: Mapping[str, User]
    random: Random
    definition_changed: Callable[[Resource], None]
    """Told that a definition was made or deleted over the wire; sees to what comes of it in time."""
    phase: Phase = field(default_factory=Phase)
    address: str = "127.0.0.1:0"
    expired_as_status: bool = False
    """Whether a watch from a version that is gone gets HTTP 410 instead of an ERROR line."""

    def answer(self, request: Request) -> Answer | Watch:
        """The answer to a request, or the watch to run. Never raises."""
        try:
            return self._answer(request)
        except Problem as problem:
            return problem_answer(problem)

    def _answer(self, request: Request) -> Answer | Watch:
        user = user_of(request.headers.get("authorization"), self.tokens)
        target = target_of(request.path)
        if target is None:
            return self._path(user, request)
        check_action(user, target.action(request), roles_loaded=self.phase.roles_loaded)
        if not self.phase.paths_installed:
            raise paths_not_installed()
        if target.names(DEFINITIONS):
            return definitions(
                self.store,
                self.changes,
                target,
                request,
                changed=self.definition_changed,
            )
        resource = next((r for r in RESOURCES if target.names(r)), None)
        if resource is None or self.store.state(resource) == "absent":
            unknown = unknown_resource(target.group)
            if isinstance(unknown, Problem):
                raise unknown
            return unknown
        if resource in self.phase.initializing:
            raise storage_initializing()
        request.check_accept()
        return self._resource(resource, target, request)

    def _path(self, user: User, request: Request) -> Answer:
        check_path(user, request.path, roles_loaded=self.phase.roles_loaded)
        if request.method != "GET":
            return not_a_path()
        served = [resource for resource in RESOURCES if self.store.state(resource) != "absent"]
        return discovery(
            request.path,
            served=served,
            address=self.address,
            verbose="verbose" in request.query,
            ready=self.phase.ready,
        )

    def _resource(self, resource: Resource, target: Target, request: Request) -> Answer | Watch:
        if target.subresource not in (("", "status") if resource.custom else ("",)):
            return not_a_path()
        match request.method:
            case "GET" if target.name:
                return reads.get(self.store, resource, target, request)
            case "GET" if request.flag("watch"):
                return reads.watch(
                    self.store,
                    resource,
                    target,
                    request,
                    default_timeout_s=self.random.uniform(*WATCH_TIMEOUT_S),
                    expired_as_status=self.expired_as_status,
                )
            case "GET":
                return reads.list_objects(self.store, resource, target, request)
            case "POST" if not target.name:
                return self._create(resource, target, request)
            case "PUT" | "PATCH" | "DELETE" if not target.name:
                raise bad_request("name must be provided")
            case "PUT":
                request.check_content_type("application/json")
                body = request.decoded_body(resource.kind)
                stored, is_new = self.changes.replace(
                    resource, _key(target), body, manager=_manager(request), subresource=target.subresource
                )
                return reads.as_json(201 if is_new else 200, stored)
            case "PATCH":
                return self._patch(resource, target, request)
            case "DELETE":
                return self._delete(resource, target)
            case _:
                message = "the server does not allow this method on the requested resource"
                raise Problem(405, "MethodNotAllowed", message, details={})

    def _create(self, resource: Resource, target: Target, request: Request) -> Answer:
        request.check_content_type("application/json")
        body = request.decoded_body(resource.kind)
        if problem := too_large_for_etcd(len(request.body)):
            raise problem
        stored = self.changes.create(resource, target.namespace, body, manager=_manager(request))
        answer = reads.as_json(201, stored)
        for finalizer in stored.object["metadata"].get("finalizers") or ():
            if "/" not in finalizer:
                answer = answer.with_header(
                    "Warning",
                    f'299 - "metadata.finalizers: \\"{finalizer}\\": prefer a domain-qualified finalizer '
                    'name including a path (/) to avoid accidental conflicts with other finalizer writers"',
                )
        return answer

    def _patch(self, resource: Resource, target: Target, request: Request) -> Answer:
        allowed = _CUSTOM_PATCHES if resource.custom else (*_CUSTOM_PATCHES, _STRATEGIC)
        if request.check_content_type(*allowed) not in (_MERGE, _STRATEGIC):
            raise Problem(501, "NotImplemented", "this simulator applies merge patches only", details={})
        patch = request.decoded_body(resource.kind)
        stored = self.changes.patch(
            resource, _key(target), patch, manager=_manager(request), subresource=target.subresource
        )
        return reads.as_json(200, stored)

    def _delete(self, resource: Resource, target: Target) -> Answer:
        stored, gone = self.changes.delete(resource, _key(target))
        if not gone:
            return reads.as_json(200, stored)
        details = {"name": target.name, "group": resource.group, "kind": resource.plural}
        details["uid"] = stored.object["metadata"]["uid"]
        success: JsonObject = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return json_answer(200, success | {"details": details})


def too_large_body() -> Answer:
    """413; the connection closes after it."""
    message = f"Request entity too large: limit is {BODY_LIMIT_BYTES}"
    answer = problem_answer(Problem(413, "RequestEntityTooLarge", message))
    return Answer(status=answer.status, body=answer.body, close=True)


def _key(target: Target) -> Key:
    return Key(target.namespace, target.name)


def _manager(request: Request) -> str:
    return request.headers.get("user-agent", "unknown").split("/")[0] or "unknown"


__all__ = ["BODY_LIMIT_BYTES", "Api", "Phase", "too_large_body"]
