"""What the API refuses: an exception with the parts of a Status object, and the texts of a real server.

The one place that knows codes and words; texts as recorded from kube-apiserver 1.36.
"""

from typing import Any

from flow_simulator.kubernetes.resources import JsonObject, Resource

NOT_ALL_CHECKED = (
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


class Problem(Exception):
    """A request that is answered by a Status object: `code`, `reason` (may be empty), `details`."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: JsonObject | None = None,
        retry_after_s: int = 0,
    ) -> None:
        """Keep the parts; `retry_after_s` 0 means no `Retry-After`."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.retry_after_s = retry_after_s

    def status(self) -> JsonObject:
        """The Status object of the answer's body, or of a watch's ERROR line."""
        body: JsonObject = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        return body


class ExpiredContinue(Problem):
    """410 for a `continue` whose version is gone; `metadata.continue` offers an inconsistent rest."""

    def __init__(self, token: str) -> None:
        """`token` goes on from the same place at whatever the version is then."""
        super().__init__(
            410,
            "Expired",
            "The provided continue parameter is too old to display a consistent list result. You can start "
            "a new list without the continue parameter, or use the continue token in this response to "
            "retrieve the remainder of the results. Continuing with the provided token results in an "
            "inconsistent list - objects that were created, modified, or deleted between the time the first "
            "chunk was returned and now may show up in the list.",
        )
        self.token = token

    def status(self) -> JsonObject:
        """As `Problem.status`, with the token in `metadata`."""
        return super().status() | {"metadata": {"continue": self.token}}


def _named(resource: Resource, name: str, **more: Any) -> JsonObject:
    return ({"name": name} if name else {}) | {"group": resource.group, "kind": resource.plural} | more


def bad_request(message: str) -> Problem:
    """400 for a request that cannot be understood."""
    return Problem(400, "BadRequest", message)


def unauthorized() -> Problem:
    """401: a token that nobody has."""
    return Problem(401, "Unauthorized", "Unauthorized")


def not_found(resource: Resource, name: str) -> Problem:
    """404 for an object."""
    message = f'{resource.full_name} "{name}" not found'
    return Problem(404, "NotFound", message, details=_named(resource, name))


def no_such_namespace(namespace: str) -> Problem:
    """404 for a create in a namespace that is not there."""
    details = {"name": namespace, "kind": "namespaces"}
    return Problem(404, "NotFound", f'namespaces "{namespace}" not found', details=details)


def already_exists(resource: Resource, name: str, *, being_deleted: bool) -> Problem:
    """409 for a create."""
    message = f'{resource.full_name} "{name}" already exists'
    if being_deleted:
        message = f"object is being deleted: {message}"
    return Problem(409, "AlreadyExists", message, details=_named(resource, name))


def conflict(resource: Resource, name: str) -> Problem:
    """409 for a write that names another version than the object has."""
    message = (
        f'Operation cannot be fulfilled on {resource.full_name} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return Problem(409, "Conflict", message, details=_named(resource, name))


def invalid(
    resource: Resource,
    name: str,
    field: str,
    problem: str,
    *,
    cause: str = "FieldValueInvalid",
    also: str = "",
) -> Problem:
    """422: `field` of an object is wrong, and `also` is the sentence about rules that were not checked."""
    causes = [{"reason": cause, "message": problem, "field": field}]
    found = f"{field}: {problem}"
    if also:
        causes.append({"reason": "FieldValueInvalid", "message": also, "field": "<nil>"})
        found = f"[{found}, <nil>: {also}]"
    message = f'{resource.kind}.{resource.group} "{name}" is invalid: {found}'
    details = {"name": name, "group": resource.group, "kind": resource.kind, "causes": causes}
    return Problem(422, "Invalid", message, details=details)


def version_missing(resource: Resource, name: str) -> Problem:
    """422 for a replace without `metadata.resourceVersion`."""
    field, problem = "metadata.resourceVersion", "Invalid value: 0: must be specified for an update"
    causes = [{"reason": "FieldValueInvalid", "message": problem, "field": field}]
    message = f'{resource.full_name} "{name}" is invalid: {field}: {problem}'
    return Problem(422, "Invalid", message, details=_named(resource, name, causes=causes))


def invalid_list_options(problems: list[tuple[str, str]]) -> Problem:
    """422 for options that exclude each other; `problems` are (cause, sentence) of `resourceVersionMatch`."""
    field = "resourceVersionMatch"
    found = ", ".join(f"{field}: {sentence}" for _, sentence in problems)
    if len(problems) > 1:
        found = f"[{found}]"
    causes = [{"reason": cause, "message": sentence, "field": field} for cause, sentence in problems]
    details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": causes}
    message = f'ListOptions.meta.k8s.io "" is invalid: {found}'
    return Problem(422, "Invalid", message, details=details)


def too_old_for_watch(version: int, oldest: int) -> Problem:
    """410 for a watch: an ERROR line in a 200 stream, or the HTTP status."""
    return Problem(410, "Expired", f"too old resource version: {version} ({oldest})")


def too_old_for_list() -> Problem:
    """410 for a list at exactly a version that is gone."""
    return Problem(410, "Expired", "The resourceVersion for the provided list is too old.")


def too_large_version(version: int, current: int) -> Problem:
    """504, after 3 s, for a read of a version that the server does not have yet."""
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {version}, current: {current}"
    details = {"causes": causes, "retryAfterSeconds": 1}
    return Problem(504, "Timeout", message, details=details, retry_after_s=1)


def paths_not_installed() -> Problem:
    """503 while a server starts."""
    message = "the request has been made before all known HTTP paths have been installed, please try again"
    details = {"retryAfterSeconds": 5}
    return Problem(503, "ServiceUnavailable", message, details=details, retry_after_s=5)


def storage_initializing() -> Problem:
    """429 while the cache of a resource is filled, after a start or after its definition was made."""
    details = {"retryAfterSeconds": 1}
    return Problem(429, "TooManyRequests", "storage is (re)initializing", details=details, retry_after_s=1)


def terminating(resource: Resource, name: str) -> Problem:
    """403 for a create while the definition of the kind is being deleted."""
    message = (
        f'{resource.full_name} "{name}" is forbidden: create not allowed while custom resource definition '
        "is terminating"
    )
    return Problem(403, "Forbidden", message, details=_named(resource, name))
