"""What schemathesis must know beside the description; loaded by it, in its own process."""

import re
from typing import Any, cast
from urllib.parse import quote, unquote

import schemathesis

from flow_server.http.ingest import EMITTER_SYNTAX


def before_call(context: object, case: Any, kwargs: object) -> None:
    """What JSON Schema cannot say: a header in a body is of the flow in the path; escapes are UTF-8."""
    del context, kwargs
    names = cast("dict[str, str]", case.path_parameters or {})
    for message in _objects(case.body):
        for header in _objects(message.get("flow")):
            if "id" in header and "flow_id" in names:
                header["id"] = unquote(names["flow_id"])
    emitter = cast("dict[str, str]", case.headers or {}).get("Flow-Emitter")
    if emitter is not None and re.fullmatch(EMITTER_SYNTAX, emitter):
        printable = [letter for letter in unquote(emitter) if letter.isprintable()]
        case.headers["Flow-Emitter"] = quote("".join(printable)[:256], safe="") or "x"


def _objects(value: object) -> list[dict[str, Any]]:
    """The objects among a value, or the members of an array."""
    members = cast("list[object]", value) if isinstance(value, list) else [value]
    return [cast("dict[str, Any]", member) for member in members if isinstance(member, dict)]


cast("Any", schemathesis).hook(before_call)
