"""The description of the HTTP side, at `/schema/openapi.json`; no page that loads scripts from elsewhere.

Litestar lists paths, methods and summaries. What it cannot see, since bodies are decoded by the contract's
codec and answers are bytes that exist already, is completed here: the six messages as the structs define
them, headers, queries, media types and errors.
"""

from typing import Any

import msgspec
from litestar import Request
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from flow_contract import MESSAGE_TYPES, SCHEMA_VERSION, Snapshot
from flow_server.http.errors import Problem
from flow_server.http.flow_path import FLOW_ID_CHARACTERS
from flow_server.http.history import LIMIT
from flow_server.http.ingest import EMITTER_SYNTAX
from flow_server.store import Accepted

Json = dict[str, Any]

_PROBLEMS = {
    400: "The path, a header, a query or the body cannot be read; `path` names the offending value",
    401: "No token, or one that is not good",
    403: "The token's grants do not allow this",
    404: "No such flow: never fed, or deleted",
    408: "The body did not come in time",
    413: "The body or the batch is too large",
    415: "The content type or encoding is not known",
    422: "The flow would get too large",
    429: "Too fast; come back after `Retry-After` seconds",
    503: "Not now; come back after `Retry-After` seconds",
    507: "The store has no room",
}
_SEQUENCE: Json = {"type": "integer", "minimum": 0, "exclusiveMaximum": 2**53}


def openapi_config(*, title: str, version: str) -> OpenAPIConfig:
    """Litestar's description, completed when it is first asked for."""
    return OpenAPIConfig(
        title=title,
        version=version,
        description=f"Routes flow messages, schema version {SCHEMA_VERSION}, from emitters to readers.",
        path="/schema",
        render_plugins=[_Completed(path="/openapi.json", media_type="application/vnd.oai.openapi+json")],  # type: ignore[arg-type]
        use_handler_docstrings=True,
        create_examples=False,
    )


class _Completed(JsonRenderPlugin):
    _rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        if self._rendered is None:
            self._rendered = msgspec.json.encode(completed(openapi_schema))
        return self._rendered


def completed(description: Json) -> Json:
    """Litestar's description with what only this package knows; changes and returns it."""
    schemas: Json = description.setdefault("components", {}).setdefault("schemas", {})
    _, components = msgspec.json.schema_components(
        (*MESSAGE_TYPES, Problem, Accepted), ref_template="#/components/schemas/{name}"
    )
    schemas.update(components)
    messages = [_ref(message.__name__) for message in MESSAGE_TYPES]
    mapping = {tag: f"#/components/schemas/{kind.__name__}" for kind, tag in MESSAGE_TYPES.items()}
    schemas["FlowMessage"] = {
        "oneOf": messages,
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    schemas["HistoryLine"] = {
        "type": "object",
        "required": ["seq", "at", "message"],
        "properties": {"seq": _SEQUENCE, "at": _SEQUENCE, "message": _ref("FlowMessage")},
    }
    description["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if extra := _OPERATIONS.get((method, path)):
                operation.update(extra)
            elif "{" in path:
                operation["responses"].update(_problems(404))
            _complete_parameters(operation)
            _complete_answers(path, operation)
    return description


def _complete_answers(path: str, operation: Json) -> None:
    """Errors as they are here, not as the framework would write them, and what access may answer."""
    answers: Json = operation["responses"]
    refusals = {400} if "400" in answers else set[int]()
    if path.startswith("/v1/") or path == "/metrics":
        operation["security"] = [{}, {"bearer": []}]  # a server without a grants file asks for none
        refusals |= {400, 401, 403}
    answers.update(_problems(*refusals))


def _complete_parameters(operation: Json) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            parameter["schema"]["pattern"] = r"^[^\x00-\x1f\x7f-\x9f]+$"
        if parameter["in"] == "path" and parameter["name"] == "flow_id":
            parameter["schema"] |= {"type": "string", "minLength": 1, "maxLength": FLOW_ID_CHARACTERS}
            parameter["description"] = "The flow's id, percent-encoded as one segment, `/` too"


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _answers(status: int, text: str, content: Json | None, *problems: int) -> Json:
    answer: Json = {"description": text, **({"content": content} if content else {})}
    return {str(status): answer, **_problems(*problems)}


def _problems(*statuses: int) -> Json:
    content = {"application/json": {"schema": _ref("Problem")}}
    return {str(status): {"description": _PROBLEMS[status], "content": content} for status in statuses}


def _parameter(place: str, name: str, schema: Json, text: str) -> Json:
    return {"in": place, "name": name, "required": False, "schema": schema, "description": text}


_FLOW_ID: Json = {"in": "path", "name": "flow_id", "required": True, "schema": {}}
_KEY = _parameter(
    "header",
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 256},
    "A batch with the key of one from the last 120 s is not stored again and has the same answer",
)
_EMITTER = _parameter(
    "header",
    "Flow-Emitter",
    {"type": "string", "pattern": f"^{EMITTER_SYNTAX}$"},
    "The emitter's name, percent-encoded; decoded 1 to 256 characters, none of them a control character",
)
_IF_NONE_MATCH = _parameter("header", "If-None-Match", {"type": "string"}, "Entity tags the client has")
_LAST_EVENT_ID = _parameter("header", "Last-Event-ID", {"type": "string"}, "The last sequence seen")
_LAST_EVENT_QUERY = _parameter(
    "query", "lastEventId", {"type": "string"}, "As the header, for clients that cannot set it"
)
_MIN_SEQ = _parameter("query", "minSeq", _SEQUENCE, "Wait until this sequence is applied, 5 s at most")
_AFTER = _parameter("query", "after", _SEQUENCE, "Begin after this sequence; absent: with the base")
_LIMIT = _parameter("query", "limit", {"type": "integer", "minimum": 1, "maximum": LIMIT}, "Most messages")

_EVENTS = "/v1/flows/{flow_id}/events"
_BODY: Json = {
    "required": True,
    "description": "One message, an array of messages, or NDJSON; Content-Encoding gzip or zstd is fine",
    "content": {
        "application/json": {
            "schema": {
                "anyOf": [
                    _ref("FlowMessage"),
                    {"type": "array", "minItems": 1, "items": _ref("FlowMessage")},
                ]
            }
        },
        "application/x-ndjson": {"schema": {"type": "string"}},
    },
}
_OPERATIONS: dict[tuple[str, str], Json] = {
    ("post", _EVENTS): {
        "parameters": [_FLOW_ID, _KEY, _EMITTER],
        "requestBody": _BODY,
        "responses": _answers(
            200,
            "All messages are durable and readers can see them",
            {"application/json": {"schema": _ref("Accepted")}},
            *(400, 408, 413, 415, 422, 429, 503, 507),
        ),
    },
    ("get", _EVENTS): {
        "parameters": [_FLOW_ID, _AFTER, _LIMIT],
        "responses": _answers(
            200,
            "One `HistoryLine` a line, the base first when asked from before the ring",
            {"application/x-ndjson": {"schema": {"type": "string"}}},
            *(400, 404),
        ),
    },
    ("get", "/v1/flows/{flow_id}/snapshot"): {
        "parameters": [_FLOW_ID, _MIN_SEQ, _IF_NONE_MATCH, _EMITTER],
        "responses": {
            **_answers(
                200,
                "The current state",
                {"application/json": {"schema": _ref(Snapshot.__name__)}},
                *(400, 404, 503),
            ),
            "304": {"description": "The client has this sequence"},
        },
    },
    ("get", "/v1/flows/{flow_id}/stream"): {
        "parameters": [_FLOW_ID, _LAST_EVENT_ID, _LAST_EVENT_QUERY],
        "responses": _answers(
            200,
            "Frames of `event` (a message's type), `id` (its sequence) and `data` (the message)",
            {"text/event-stream": {"schema": {"type": "string"}}},
            *(400, 503),
        ),
    },
    ("delete", "/v1/flows/{flow_id}"): {
        "parameters": [_FLOW_ID],
        "responses": _answers(204, "The flow is gone", None, 400, 503, 507),
    },
}
