"""`GET /v1/flows/{flowId}/snapshot`: the folded state, compressed once per sequence."""

from typing import Any, cast

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from flow_contract import UNSAFE_INTEGER, shown
from flow_server.core.identity import identity_in
from flow_server.flow import Flow
from flow_server.http.authorise import authorise_emitter
from flow_server.http.bodies import header
from flow_server.http.caching import DATA_HEADERS
from flow_server.http.compression import ENCODERS, accepted_encoding
from flow_server.http.errors import HttpError, unknown_flow
from flow_server.http.flow_path import flow_id_of
from flow_server.http.ingest import emitter_of
from flow_server.hub import Hub

MIN_SEQ_S = 5.0
"""How long `?minSeq=n` waits for the flow to get there, in seconds."""


class SnapshotCache:
    """The latest compressed snapshot of each flow: made once per sequence, shared by all who ask."""

    def __init__(self, *, flows: int = 64) -> None:
        """Remember the compressed snapshots of the last `flows` flows that were asked for."""
        self._flows = flows
        self._kept: dict[tuple[str, str], tuple[int, bytes]] = {}

    def encoded(self, flow: Flow, encoding: str) -> bytes:
        """The flow's snapshot in `encoding`, a name in `ENCODERS`."""
        kept = self._kept.pop((flow.id, encoding), None)
        if kept is None or kept[0] != flow.last:
            kept = (flow.last, ENCODERS[encoding](flow.snapshot()))
        self._kept[flow.id, encoding] = kept
        if len(self._kept) > self._flows:
            del self._kept[next(iter(self._kept))]
        return kept[1]


@get("/v1/flows/{flow_id:str}/snapshot", summary="A flow's current state as a snapshot message")
async def get_snapshot(
    flow_id: FromPath[str],
    request: Request[Any, Any, Any],
    hub: NamedDependency[Hub],
    snapshots: NamedDependency[SnapshotCache],
) -> Response[bytes | None]:
    """The state with its sequence as `ETag`; 304 when `If-None-Match` has it; `?minSeq=n` waits for `n`."""
    flow_id = flow_id_of(flow_id)
    emitter = emitter_of(request.scope)
    if (min_seq := request.query_params.get("minSeq")) is not None:
        await _wait_for(hub, flow_id, min_seq)
    if emitter is not None:
        authorise_emitter(identity_in(cast("dict[str, Any]", request.scope)), flow_id)
        hub.heard(flow_id, emitter)
    if (flow := hub.flow(flow_id)) is None:
        raise unknown_flow(flow_id)
    encoding = accepted_encoding(header(request.scope, b"accept-encoding"))
    headers = {
        "ETag": f'"{flow.last}-{encoding}"' if encoding else f'"{flow.last}"',
        **DATA_HEADERS,
        "Vary": "Accept-Encoding, Authorization",
    }
    if _matches(header(request.scope, b"if-none-match"), flow.last):
        return Response(None, status_code=304, headers=headers)
    if encoding is None:
        return Response(flow.snapshot(), headers=headers, media_type="application/json")
    headers["Content-Encoding"] = encoding
    return Response(snapshots.encoded(flow, encoding), headers=headers, media_type="application/json")


async def _wait_for(hub: Hub, flow_id: str, min_seq: str) -> None:
    if not (
        min_seq.isascii() and min_seq.isdecimal() and len(min_seq) <= 16 and int(min_seq) < UNSAFE_INTEGER
    ):
        raise HttpError(
            400, f"minSeq: expected a sequence, a whole number, found {shown(min_seq)}", reason="minSeq"
        )
    if not await hub.reached(flow_id, int(min_seq), within_s=MIN_SEQ_S):
        raise HttpError(
            503,
            f"sequence {min_seq} has not arrived within {MIN_SEQ_S:g} s",
            reason="minSeq",
            retry_after_s=1,
        )


def _matches(if_none_match: str | None, sequence: int) -> bool:
    """Whether one of the entity tags is of this sequence, in any encoding; `*` is of any."""
    for tag in (if_none_match or "").split(","):
        value = tag.strip().removeprefix("W/").strip('"').partition("-")[0]
        if value in {"*", str(sequence)}:
            return True
    return False
