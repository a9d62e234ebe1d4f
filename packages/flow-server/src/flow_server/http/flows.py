"""`GET /v1/flows`, `GET /v1/flows/{flowId}` and `DELETE /v1/flows/{flowId}`."""

from typing import Any, cast

import msgspec
from litestar import Request, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from flow_server.core.grants import Action
from flow_server.core.identity import identity_in
from flow_server.flow import Flow
from flow_server.http import audit
from flow_server.http.authorise import known
from flow_server.http.caching import DATA_HEADERS
from flow_server.http.errors import unknown_flow
from flow_server.http.flow_path import flow_id_of
from flow_server.hub import Hub


class FlowSummary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A flow at a glance. Times in Unix milliseconds."""

    id: str
    status: str
    counts: dict[str, int]
    """Nodes by status, without those that contain others and those suspended on purpose."""
    seq: int
    started_at: int
    changed_at: int


class Emitter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who fed the flow, and when it was last heard, Unix milliseconds."""

    name: str
    last_heard_at: int


class FlowDetail(FlowSummary, frozen=True, kw_only=True, rename="camel"):
    """A flow at a glance, with its emitters by name."""

    emitters: tuple[Emitter, ...]


class FlowList(msgspec.Struct, frozen=True, kw_only=True):
    """All flows that the client may read, in the order in which they were first fed."""

    flows: tuple[FlowSummary, ...]


@get("/v1/flows", summary="All flows at a glance", response_headers=DATA_HEADERS)
async def list_flows(request: Request[Any, Any, Any], hub: NamedDependency[Hub]) -> FlowList:
    """Each flow's status, counts and times; those that the client may read."""
    principal = known(identity_in(cast("dict[str, Any]", request.scope)))
    return FlowList(
        flows=tuple(_summary(flow) for flow in hub.flows() if principal.may(Action.READ, flow.id))
    )


@get(
    "/v1/flows/{flow_id:str}",
    summary="One flow at a glance, with its emitters",
    response_headers=DATA_HEADERS,
)
async def get_flow(flow_id: FromPath[str], hub: NamedDependency[Hub]) -> FlowDetail:
    """The flow's status, counts and times, and when each emitter was last heard."""
    flow_id = flow_id_of(flow_id)
    if (flow := hub.flow(flow_id)) is None:
        raise unknown_flow(flow_id)
    emitters = tuple(Emitter(name=name, last_heard_at=at_ms) for name, at_ms in hub.last_heard(flow_id))
    return FlowDetail(**msgspec.structs.asdict(_summary(flow)), emitters=emitters)


@delete("/v1/flows/{flow_id:str}", summary="Delete a flow and end its streams", response_headers=DATA_HEADERS)
async def delete_flow(
    flow_id: FromPath[str], request: Request[Any, Any, Any], hub: NamedDependency[Hub]
) -> None:
    """204 whether the flow existed or not."""
    principal = known(identity_in(cast("dict[str, Any]", request.scope)))
    flow_id = flow_id_of(flow_id)
    flow = hub.flow(flow_id)
    sequence, nodes = (None, 0) if flow is None else (flow.last, len(flow.state.nodes))
    await hub.delete(flow_id)
    peer = request.client.host if request.client else None
    audit.flow_deleted(principal, flow_id, sequence=sequence, nodes=nodes, peer=peer)


def _summary(flow: Flow) -> FlowSummary:
    header = flow.header()
    return FlowSummary(
        id=flow.id,
        status=header.status,
        counts=flow.counts(),
        seq=flow.last,
        started_at=header.started_at,
        changed_at=flow.changed_at_ms,
    )
