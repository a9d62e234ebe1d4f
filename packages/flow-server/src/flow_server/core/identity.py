"""Who asks, as it stands in a request's scope: `access` writes it and `http` reads it."""

from collections.abc import Callable, Mapping
from typing import Any

from flow_server.core.grants import EVERYBODY, Action, Identity

IDENTITY = "flow_server.identity"
"""Under this name the gate puts an `Identity` into the scope; without a gate everybody may do everything."""

STILL_ALLOWED = "flow_server.still_allowed"
"""Under this name, a function of an action and a flow id: whether the identity may still do that."""


def identity_in(scope: Mapping[str, Any]) -> Identity:
    """Who asks."""
    return scope.get(IDENTITY, EVERYBODY)


def still_allowed_in(scope: Mapping[str, Any]) -> Callable[[Action, str], bool] | None:
    """How to ask again later whether this is still allowed; `None`: it always is."""
    return scope.get(STILL_ALLOWED)
