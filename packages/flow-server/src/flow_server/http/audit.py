"""One line for each act that an operator may be asked about: deletes, snapshots taken in, refused writes.

Clients' texts are cut, and stand in fields; a token is in none of them.
"""

from collections.abc import Sequence

import structlog

from flow_contract import FlowMessage, Snapshot
from flow_contract.error import SHOWN_CHARACTERS
from flow_server.core.grants import Identity, Principal
from flow_server.http.errors import HttpError

log = structlog.get_logger(__name__)


def flow_deleted(
    identity: Identity, flow_id: str, *, sequence: int | None, nodes: int, peer: str | None
) -> None:
    """Somebody deleted a flow; `sequence` is its last, `None` when there was none."""
    log.info("flow deleted", flow=flow_id, principal=name_of(identity), seq=sequence, nodes=nodes, peer=peer)


def snapshots_taken_in(
    identity: Identity, flow_id: str, messages: Sequence[FlowMessage], *, sequence: int, peer: str | None
) -> None:
    """A batch, whose last sequence is given, replaced the whole flow, if it did."""
    for message in messages:
        if isinstance(message, Snapshot):
            log.info(
                "snapshot taken in",
                flow=flow_id,
                principal=name_of(identity),
                seq=sequence,
                nodes=len(message.nodes),
                relationships=len(message.relationships),
                peer=peer,
            )


def write_refused(
    identity: Identity, flow_id: str | None, error: HttpError, *, method: str, peer: str | None
) -> None:
    """Somebody without the grant tried to write."""
    log.warning(
        "write refused",
        flow=None if flow_id is None else flow_id[:SHOWN_CHARACTERS],
        method=method,
        principal=name_of(identity),
        status=error.status,
        problem=str(error),
        peer=peer,
    )


def name_of(identity: Identity) -> str | None:
    """The principal's name for a log line, cut; `None` of a stranger."""
    return identity.name[:SHOWN_CHARACTERS] if isinstance(identity, Principal) else None
