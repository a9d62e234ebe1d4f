"""What the server is told by its environment; the only place that reads it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from flow_contract.service.environment import (
    BOOLEAN,
    LISTEN_ADDRESS,
    PATH,
    WORDS,
    Environment,
    Kind,
    choice,
    duration,
    size,
    whole_number,
)
from flow_contract.service.listening import ListenAddress
from flow_server.flow import RingBounds
from flow_server.http.access_log import ALL, ERRORS, NONE
from flow_server.http.forwarded import Network
from flow_server.http.ingest import IngestBounds
from flow_server.limits import Limits
from flow_server.store.settings import MemorySettings, StoreSettings, store_settings_from

PREFIX = "FLOW_SERVER_"
"""All settings begin so."""

EVERYWHERE = ListenAddress("", 8080)
"""Where the server listens unless told otherwise."""


def _path_prefix(text: str) -> str:
    root, *segments = text.split("/")
    if root or not segments or {"", ".", ".."} & {*segments} or not _SEGMENTS.fullmatch(text):
        raise ValueError(text)
    return text


_SEGMENTS = re.compile(r"[!-$&-~]+")
"""Printable ASCII; what has to be percent-encoded would be written differently by different proxies."""


_PATH_PREFIX = Kind(read=_path_prefix, expected="a path like /sovereign/flow, without a slash at its end")


def _origins(text: str) -> frozenset[str]:
    origins = WORDS.read(text)
    if not all(
        re.fullmatch(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?", origin)
        and urlsplit(origin).port != 0  # raises ValueError above 65535
        for origin in origins
    ):
        raise ValueError(text)
    return frozenset(origins)


def _ancestors(text: str) -> str:
    sources = text.split(" ")
    if sources != ["'none'"] and not all(map(_ANCESTOR.fullmatch, sources)):
        raise ValueError(text)
    return text


_ANCESTOR = re.compile(
    r"""
    'self' | [a-z][a-z0-9+.-]*:                         # this origin, or a scheme
    | (?!(none|self)$)                                  # these two mean something only when quoted
      ([a-z][a-z0-9+.-]*://)?                           # else a host
      (\* | (\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*)
      (:([0-9]{1,5}|\*))?
      (/[!-+\--:<-~]*)?
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A source of the directive; a comma or a semicolon would begin something else. Source: CSP 3, 2.3.1."""

_FRAME_ANCESTORS = Kind(
    read=_ancestors,
    expected="'none', or sources like 'self' and https://console.example.org with a space between them",
)

_ORIGINS = Kind(read=_origins, expected="a comma-separated list of origins like https://console.example.org")
_NETWORKS = Kind(
    read=lambda text: tuple(ip_network(word) for word in WORDS.read(text)),
    expected="a comma-separated list of addresses or networks like 10.0.0.0/8",
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each field is one variable; its name, default and meaning are in the package's README."""

    listen: ListenAddress = EVERYWHERE
    """Address and port; without a host IPv4 and IPv6."""
    store: StoreSettings = field(default_factory=MemorySettings)
    """Where the log is kept."""
    ring: RingBounds = field(default_factory=RingBounds)
    """How much of its log each flow keeps at hand."""
    ingest: IngestBounds = field(default_factory=IngestBounds)
    """What one POST may bring."""
    limits: Limits = field(default_factory=Limits)
    """How much clients may make the server hold."""
    heartbeat_s: float = 15.0
    """Longest silence on a stream, in seconds; the contract's figure. Tests shorten it."""
    stop_grace_s: float = 10.0
    """How long requests and streams have to end when the server stops, in seconds."""
    send_buffer_bytes: int = 262_144
    """What the kernel keeps for a reader that does not read; it doubles the number."""
    path_prefix: str = ""
    """Where a proxy shows the server, stripped by it or not."""
    frame_ancestors: str = "'none'"
    """Who may show the page in a frame: the directive of the content security policy."""
    auth_file: Path | None = None
    """The grants file; without one everybody may do everything."""
    metrics_open: bool = False
    """Whether metrics need no grant."""
    cors_origins: frozenset[str] = frozenset()
    """Origins whose pages may read, exactly."""
    trusted_proxies: tuple[Network, ...] = ()
    """Proxies whose `X-Forwarded-For` is believed."""
    log_format: str | None = None
    """`json` or `console`; by itself `console` on a terminal."""
    access_log: str = ERRORS
    """Which requests have a line in the log: `none`, `errors` or `all`."""
    unknown: tuple[str, ...] = ()
    """Variables with our prefix that mean nothing here; worth a warning."""


def settings_from(variables: Mapping[str, str]) -> Settings:
    """The settings in an environment. Raises `SettingError` that names the variable."""
    environment = Environment(variables)
    defaults = Settings()
    settings = Settings(
        listen=environment.optional(f"{PREFIX}LISTEN_ADDR", LISTEN_ADDRESS, defaults.listen),
        store=store_settings_from(environment, prefix=PREFIX),
        ring=RingBounds(
            entries=environment.optional(
                f"{PREFIX}RING_CAPACITY", whole_number(least=1, most=1_000_000), defaults.ring.entries
            ),
            size_bytes=environment.optional(
                f"{PREFIX}RING_BYTES", size(least=65_536, most=2**34), defaults.ring.size_bytes
            ),
        ),
        ingest=IngestBounds(
            body_bytes=environment.optional(
                f"{PREFIX}MAX_BODY", size(least=1024, most=2**28), defaults.ingest.body_bytes
            ),
            batch_messages=environment.optional(
                f"{PREFIX}MAX_BATCH", whole_number(least=1, most=1024), defaults.ingest.batch_messages
            ),
            in_flight_bytes=environment.optional(
                f"{PREFIX}MAX_BYTES_IN_FLIGHT", size(least=2**20, most=2**36), defaults.ingest.in_flight_bytes
            ),
            messages_per_s=environment.optional(
                f"{PREFIX}RATE", whole_number(most=10_000_000), defaults.ingest.messages_per_s
            ),
            bytes_per_s=environment.optional(
                f"{PREFIX}RATE_BYTES", size(most=2**36), defaults.ingest.bytes_per_s
            ),
        ),
        limits=_limits_from(environment),
        heartbeat_s=environment.optional(
            f"{PREFIX}HEARTBEAT", duration(least_s=0.05, most_s=3600), defaults.heartbeat_s
        ),
        stop_grace_s=environment.optional(
            f"{PREFIX}STOP_GRACE", duration(least_s=0.1, most_s=3600), defaults.stop_grace_s
        ),
        send_buffer_bytes=environment.optional(
            f"{PREFIX}SEND_BUFFER", size(least=4096, most=2**30), defaults.send_buffer_bytes
        ),
        path_prefix=environment.optional(f"{PREFIX}PATH_PREFIX", _PATH_PREFIX, defaults.path_prefix),
        frame_ancestors=environment.optional(
            f"{PREFIX}FRAME_ANCESTORS", _FRAME_ANCESTORS, defaults.frame_ancestors
        ),
        auth_file=environment.optional(f"{PREFIX}AUTH_FILE", PATH, defaults.auth_file),
        metrics_open=environment.optional(f"{PREFIX}METRICS_OPEN", BOOLEAN, defaults.metrics_open),
        cors_origins=environment.optional(f"{PREFIX}CORS_ORIGINS", _ORIGINS, defaults.cors_origins),
        trusted_proxies=environment.optional(f"{PREFIX}TRUSTED_PROXIES", _NETWORKS, defaults.trusted_proxies),
        log_format=environment.optional(
            f"{PREFIX}LOG_FORMAT", choice("json", "console"), defaults.log_format
        ),
        access_log=environment.optional(
            f"{PREFIX}ACCESS_LOG", choice(NONE, ERRORS, ALL), defaults.access_log
        ),
    )
    return replace(settings, unknown=tuple(environment.unknown(PREFIX)))


def _limits_from(environment: Environment) -> Limits:
    default = Limits()

    def count(name: str, by_default: int) -> int:
        return environment.optional(f"{PREFIX}{name}", whole_number(least=1, most=10**9), by_default)

    return Limits(
        nodes=count("MAX_NODES", default.nodes),
        relationships=count("MAX_RELATIONSHIPS", default.relationships),
        flows=count("MAX_FLOWS", default.flows),
        readers=count("MAX_READERS", default.readers),
        readers_per_flow=count("MAX_READERS_PER_FLOW", default.readers_per_flow),
        idle_ttl_s=environment.optional(f"{PREFIX}IDLE_TTL", duration(), default.idle_ttl_s),
    )
