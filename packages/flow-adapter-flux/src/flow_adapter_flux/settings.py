"""The adapter's settings. Only `settings_from` reads the environment; the README's table is kept true."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flow_adapter_flux.core.release import NAME_LIMIT, is_name
from flow_contract import has_control_character
from flow_contract.service.environment import (
    BOOLEAN,
    LISTEN_ADDRESS,
    PATH,
    Environment,
    Kind,
    duration,
)
from flow_contract.service.listening import ListenAddress


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One value for each variable, checked. Durations in seconds."""

    flow_server_url: str
    """Where the flow server is, maybe below a path; without a slash at the end."""
    flow_id: str
    """The flow to feed."""
    region_key: str
    """The region this cluster is: its node's id, and the first part of the id of each release's node."""
    token_file: Path | None = None
    """File with the bearer token for the flow server, read for every request."""
    namespace_filter: str = "flux-system"
    """The namespace to watch, `""` for all."""
    emit_interval_s: float = 0.2
    """How long the first change waits for others to go out with it."""
    post_timeout_s: float = 10.0
    """Longest time for one POST."""
    resync_interval_s: float = 60.0
    """How often the region is compared with the server's snapshot; also the sign of life."""
    health_listen_addr: ListenAddress = field(default_factory=lambda: ListenAddress(host="", port=8081))
    """Where `/healthz`, `/readyz` and `/metrics` are served."""
    leader_election: bool = False
    """Whether several processes take turns by a Lease."""
    lease_name: str = "flow-adapter-flux"
    """Name of the Lease."""
    pod_name: str = ""
    """First part of this process's name in the Lease; the host's name unless set."""
    pod_namespace: str | None = None
    """Where the Lease lives; the namespace of the Kubernetes configuration unless set."""


_OBJECT_NAME = re.compile("[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
"""Any other name (RFC 1123) would list nothing, and nobody would say why."""


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(text)
    if has_control_character(text) or " " in text or parts.port == 0:
        raise ValueError(text)
    return text.rstrip("/")


def _region_key(text: str) -> str:
    if "/" in text:
        raise ValueError(text)
    return _flow_id(text.strip())


def _flow_id(text: str) -> str:
    if not 0 < len(text) <= NAME_LIMIT or has_control_character(text):
        raise ValueError(text)
    return text


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError(text)
    return text


def _object_name(text: str) -> str:
    if _OBJECT_NAME.fullmatch(_name(text)) is None:
        raise ValueError(text)
    return text


def _namespace(text: str) -> str:
    return _object_name(text.strip()) if text.strip() else ""


URL = Kind(read=_url, expected="an address like http://flow-server.catalyst-system.svc")
FLOW_ID = Kind(read=_flow_id, expected=f"1 to {NAME_LIMIT} characters without control characters")
REGION_KEY = Kind(
    read=_region_key, expected=f"1 to {NAME_LIMIT} characters without a slash or control characters"
)
NAME = Kind(read=_name, expected="a name without a slash, control characters or white space around it")
OBJECT_NAME = Kind(read=_object_name, expected="the name of a Kubernetes object")
NAMESPACE = Kind(read=_namespace, expected="the name of a namespace, or nothing for all", blank=True)


def settings_from(variables: Mapping[str, str]) -> Settings:
    """The settings in an environment. Raises `SettingError`, which names the variable."""
    environment = Environment(variables)
    leader_election = environment.optional("LEADER_ELECTION", BOOLEAN, default=False)
    return Settings(
        flow_server_url=environment.required("FLOW_SERVER_URL", URL),
        flow_id=environment.required("FLOW_ID", FLOW_ID),
        region_key=environment.required("REGION_KEY", REGION_KEY),
        token_file=environment.optional("FLOW_SERVER_TOKEN_FILE", PATH, default=None),
        namespace_filter=environment.optional("NAMESPACE_FILTER", NAMESPACE, default="flux-system"),
        emit_interval_s=environment.optional("EMIT_INTERVAL", duration(most_s=60.0), default=0.2),
        post_timeout_s=environment.optional(
            "POST_TIMEOUT", duration(least_s=0.1, most_s=300.0), default=10.0
        ),
        resync_interval_s=environment.optional("RESYNC_INTERVAL", duration(least_s=1.0), default=60.0),
        health_listen_addr=environment.optional(
            "HEALTH_LISTEN_ADDR", LISTEN_ADDRESS, default=ListenAddress(host="", port=8081)
        ),
        leader_election=leader_election,
        lease_name=environment.optional("LEASE_NAME", OBJECT_NAME, default="flow-adapter-flux"),
        pod_name=environment.optional("POD_NAME", NAME, default=socket.gethostname()),
        pod_namespace=environment.optional("POD_NAMESPACE", OBJECT_NAME, default=None),
    )
