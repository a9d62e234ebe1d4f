"""Who asks, as it stands in a request's scope: `access` writes it and `http` reads it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flow_server.core.grants import EVERYBODY, Action, Identity

IDENTITY = "flow_server.identity"
"""Under this name the gate puts an `Identity` into the scope; without a gate everybody may do everything."""

STILL_ALLOWED = "flow_server.still_allowed"
"""Under this name, a function of a principal, an action and a flow id: whether it may still do that."""


def identity_in(scope: Mapping[str, Any]) -> Identity:
    """Who asks."""
    return scope.get(IDENTITY, EVERYBODY)


def permit_in(scope: Mapping[str, Any], action: Action, flow_id: str) -> Callable[[], bool] | None:
    """How to ask again later whether this is still allowed; `None`: it always is."""
    ask = scope.get(STILL_ALLOWED)
    return None if ask is None else partial(ask, scope[IDENTITY], action, flow_id)
