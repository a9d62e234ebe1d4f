"""A request as the API sees it: method, path, query, headers, body; and which resource it is about. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from flow_simulator.kubernetes.access import Action
from flow_simulator.kubernetes.problems import Problem, bad_request
from flow_simulator.kubernetes.resources import Resource

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_TAKEN_AS_JSON = ("application/json", "application/*", "*/*")
_BODY_TYPES = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
_TRUE = ("1", "true", "True", "t", "T", "TRUE")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request, the body whole; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path as it was sent, without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's first values."""
        pairs = parse_qsl(urlsplit(self.target).query, keep_blank_values=True)
        return dict(reversed(pairs))

    def flag(self, name: str) -> bool:
        """A boolean of the query as Go reads it."""
        return self.query.get(name, "") in _TRUE

    def whole_number(self, name: str) -> int:
        """A number of the query, 0 when it is not there. Raises `Problem` 400."""
        text = self.query.get(name, "")
        try:
            return int(text or "0")
        except ValueError:
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None

    def check_accept(self) -> None:
        """Raise `Problem` 406 when the client takes no JSON."""
        accepted = self.headers.get("accept", "*/*")
        if not any(part.split(";")[0].strip() in _TAKEN_AS_JSON for part in accepted.split(",")):
            message = f"only the following media types are accepted: {_BODY_TYPES}"
            raise Problem(406, "NotAcceptable", message)

    def check_content_type(self, *allowed: str) -> str:
        """The body's type, one of `allowed`. Raises `Problem` 415."""
        found = self.headers.get("content-type", "application/json").split(";")[0].strip()
        if found not in allowed:
            listed = _BODY_TYPES if allowed == ("application/json",) else ", ".join(allowed)
            message = "the body of the request was in an unknown format - accepted media types include: "
            raise Problem(415, "UnsupportedMediaType", message + listed)
        return found

    def decoded_body(self, kind: str) -> object:
        """The JSON of the body. Raises `Problem` 400."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            text = "unexpected end of JSON input (<empty>)" if not self.body else str(error)
            message = f"the object provided is unrecognized (must be of type {kind}): "
            raise bad_request(f"{message}couldn't get version/kind; json parse error: {text}") from error


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a path under `/apis/<group>/<version>/` names; `namespace`, `name`, `subresource` may be empty."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    def names(self, resource: Resource) -> bool:
        """Whether this is about that resource, in a version that is served."""
        found = (self.group, self.version, self.plural)
        return found == (resource.group, resource.version, resource.plural)

    def action(self, request: Request) -> Action:
        """The action, for the check of rights."""
        verb = _VERBS.get(request.method, "get")
        if verb == "get" and not self.name:
            verb = "watch" if request.flag("watch") else "list"
        if verb == "delete" and not self.name:
            verb = "deletecollection"
        return Action(
            verb=verb,
            group=self.group,
            resource=self.plural,
            namespace=self.namespace,
            name=self.name,
            subresource=self.subresource,
        )


def target_of(path: str) -> Target | None:
    """The resource a path is about; `None`: the path is none of a resource."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if len(parts) < 4 or parts[0] != "apis":
        return None
    group, version, *rest = parts[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource, *more = (*rest, "", "")
    if any(more):
        return None
    return Target(
        group=group, version=version, plural=plural, namespace=namespace, name=name, subresource=subresource
    )
