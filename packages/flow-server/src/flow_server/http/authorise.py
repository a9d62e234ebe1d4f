"""What each path asks of an identity: the one table, so that a new route cannot be forgotten.

Everything below `/v1/` is closed to strangers, also where there is nothing. What is not named here at all is
not there, for anybody: browsers ask for `/favicon.ico` before anybody has signed in. Decided before the body
is read and before the flow is looked up, so that nothing tells whether a flow exists. Source: RFC 6750, 3.
"""

from flow_contract import FlowMessage, shown
from flow_server.core.grants import Action, Identity, Principal, Stranger
from flow_server.http.errors import HttpError, unknown_path

_OPEN = frozenset({"", "healthz", "readyz", "schema", "assets"})
"""First segments of paths that hold no data: the page and its files, health, the description."""

_CLOSED = "v1"

_BY_METHOD = {"GET": Action.READ, "HEAD": Action.READ, "DELETE": Action.OWN}


def authorise(identity: Identity, *, method: str, segments: list[str], metrics_open: bool) -> None:
    """Let a request pass, or raise `HttpError`: 401 for strangers, 403 for those who lack a grant, 404."""
    if segments[0] == "metrics" and not metrics_open:
        principal = known(identity)
        if not principal.may_everywhere(Action.READ):
            raise _forbidden(principal, f"the grant read on every flow ({shown('*')})")
    if segments[0] in _OPEN or segments[0] == "metrics":
        return
    if segments[0] != _CLOSED:
        raise unknown_path("/" + "/".join(segments))
    if method == "OPTIONS":
        return
    principal = known(identity)
    if segments[:2] != ["v1", "flows"] or len(segments) < 3 or segments[2:] == [""]:
        return
    flow_id = segments[2]
    if method == "POST":  # what each message needs is decided when it is decoded
        if not (principal.may(Action.PUBLISH, flow_id) or principal.may(Action.OWN, flow_id)):
            raise forbidden(principal, Action.PUBLISH.value, flow_id)
    elif (action := _BY_METHOD.get(method)) is not None and not principal.may(action, flow_id):
        raise forbidden(principal, action.value, flow_id)


def authorise_messages(identity: Identity, flow_id: str, messages: list[FlowMessage]) -> None:
    """Let a batch pass as a whole, or raise `HttpError` that names the first message that may not."""
    principal = known(identity)
    for index, message in enumerate(messages):
        if (lacking := principal.lacks(flow_id, message)) is not None:
            where = f", needed for message {index} of the batch" if len(messages) > 1 else ""
            raise forbidden(principal, lacking, flow_id, where)


def authorise_emitter(identity: Identity, flow_id: str) -> None:
    """A sign of life counts only from those who may publish. Raises `HttpError`."""
    principal = known(identity)
    if not principal.may(Action.PUBLISH, flow_id):
        raise forbidden(principal, Action.PUBLISH.value, flow_id, ", needed for the header Flow-Emitter")


def known(identity: Identity) -> Principal:
    """The principal, or 401 for a stranger."""
    if isinstance(identity, Stranger):
        challenge = 'Bearer error="invalid_token"' if identity.showed_token else "Bearer"
        raise HttpError(
            401, f"not signed in: {identity.why}", reason="401", headers={"WWW-Authenticate": challenge}
        )
    return identity


def forbidden(principal: Principal, grant: str, flow_id: str, why: str = "") -> HttpError:
    """403 that names the grant that lacks and the flow."""
    return _forbidden(principal, f"the grant {grant} on flow {shown(flow_id)}{why}")


def _forbidden(principal: Principal, lacking: str) -> HttpError:
    return HttpError(
        403,
        f"{shown(principal.name)} lacks {lacking}",
        reason="403",
        headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
    )
