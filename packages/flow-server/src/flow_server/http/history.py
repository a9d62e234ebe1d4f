"""`GET /v1/flows/{flowId}/events`: what happened, as NDJSON."""

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from flow_contract import UNSAFE_INTEGER, shown
from flow_server.http.caching import DATA_HEADERS
from flow_server.http.errors import HttpError, unknown_flow
from flow_server.http.flow_path import flow_id_of
from flow_server.hub import Hub

LIMIT = 4096
"""Default and maximum of `limit`, in messages; the base is not counted."""

_encode_lines = msgspec.json.Encoder().encode_lines


@get(
    "/v1/flows/{flow_id:str}/events",
    summary="A flow's messages with their sequence and time",
    media_type="application/x-ndjson",
)
async def get_history(
    flow_id: FromPath[str], request: Request[Any, Any, Any], hub: NamedDependency[Hub]
) -> Response[bytes]:
    """Lines of `seq`, `at` (Unix ms) and `message`; the base first when `after` is absent or below the floor.

    The next page begins `after` the last line's `seq`.
    """
    after = _number(request, "after", least=0, most=UNSAFE_INTEGER - 1)
    limit = _number(request, "limit", least=1, most=LIMIT)
    flow_id = flow_id_of(flow_id)
    if after is not None:
        await hub.store.catch_up(flow_id, after)  # else one that is behind would begin from its base again
    if (flow := hub.flow(flow_id)) is None:
        raise unknown_flow(flow_id)
    lines = flow.history(after, limit=LIMIT if limit is None else limit)
    return Response(_encode_lines(lines), headers=DATA_HEADERS, media_type="application/x-ndjson")


def _number(request: Request[Any, Any, Any], name: str, *, least: int, most: int) -> int | None:
    if (text := request.query_params.get(name)) is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 16 and least <= int(text) <= most):
        raise HttpError(
            400, f"{name}: expected a whole number from {least} to {most}, found {shown(text)}", reason=name
        )
    return int(text)
