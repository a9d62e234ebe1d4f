"""Which store, and how it is reached: read from the environment, importable without any store's library."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flow_contract.service.environment import (
    PATH,
    Environment,
    Kind,
    SettingError,
    choice,
    duration,
    whole_number,
)


@dataclass(frozen=True)
class MemorySettings:
    """Nothing to say."""

    name = "memory"


@dataclass(frozen=True, kw_only=True)
class SqliteSettings:
    """One file."""

    name = "sqlite"

    path: Path = Path("/var/lib/flow-server/flows.db")
    """The file; its folder must exist."""


@dataclass(frozen=True, kw_only=True)
class NatsSettings:
    """How to reach the stream."""

    name = "nats"

    urls: tuple[str, ...]
    """Servers, like `nats://nats-0:4222` or `tls://…`; no others of the cluster are used."""
    creds_file: Path | None = None
    """User JWT and seed, as `nsc` writes them; read again at every connect."""
    ca_file: Path | None = None
    """Certificate authorities; with one, a connection without TLS is refused."""
    cert_file: Path | None = None
    key_file: Path | None = None
    """Our own certificate and its key, where servers ask for one."""
    stream: str = "FLOWS"
    """Name of the stream; subjects, the bucket of the checkpoints and signs of life are named after it."""
    replicas: int = 3
    """On how many servers each message is kept before it is acknowledged; 1 loses all with that server."""
    timeout_s: float = 10.0
    """How long a write tries before it is answered with 503, in seconds."""

    @property
    def servers(self) -> str:
        """The URLs for a log line or an error, without users and passwords."""
        return ", ".join(map(self.shown, self.urls))

    def shown(self, url: str) -> str:
        """One of the URLs without user and password."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def bucket(self) -> str:
        """The key-value bucket that holds checkpoints."""
        return f"{self.stream}-state"


StoreSettings = MemorySettings | SqliteSettings | NatsSettings

_VARIABLES = {
    "memory": (),
    "sqlite": ("SQLITE_PATH",),
    "nats": (
        "NATS_URLS",
        "NATS_CREDS_FILE",
        "NATS_CA_FILE",
        "NATS_CERT_FILE",
        "NATS_KEY_FILE",
        "NATS_STREAM",
        "NATS_REPLICAS",
        "STORE_TIMEOUT",
    ),
}
"""Which variables, less their prefix, belong to which store."""

_STREAM = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def _urls(text: str) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in text.split(","))
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in {"nats", "tls"} or not parts.hostname or (parts.port or 1) > 65535:
            raise ValueError(url)
    return urls


def _stream(text: str) -> str:
    if not _STREAM.fullmatch(text):
        raise ValueError(text)
    return text


_URLS = Kind(read=_urls, expected="a comma-separated list of URLs like nats://host:4222 or tls://host:4222")
_STREAM_NAME = Kind(read=_stream, expected="up to 64 letters, digits, - and _")


def store_settings_from(environment: Environment, *, prefix: str) -> StoreSettings:
    """The store that the environment names. Raises `SettingError`, also for a setting of another store."""
    name = environment.optional(f"{prefix}STORE", choice(*_VARIABLES), "memory")
    for other, variables in _VARIABLES.items():
        for variable in variables:
            if other != name and environment.is_set(f"{prefix}{variable}"):
                raise SettingError(
                    variable=f"{prefix}{variable}",
                    expected=f"only with {prefix}STORE={other}",
                    found=f"{prefix}STORE={name}",
                )
    match name:
        case "sqlite":
            default = SqliteSettings()
            return SqliteSettings(path=environment.optional(f"{prefix}SQLITE_PATH", PATH, default.path))
        case "nats":
            return _nats_settings(environment, prefix=prefix)
        case _:
            return MemorySettings()


def _nats_settings(environment: Environment, *, prefix: str) -> NatsSettings:
    default = NatsSettings(urls=())
    settings = NatsSettings(
        urls=environment.required(f"{prefix}NATS_URLS", _URLS),
        creds_file=environment.optional(f"{prefix}NATS_CREDS_FILE", PATH, None),
        ca_file=environment.optional(f"{prefix}NATS_CA_FILE", PATH, None),
        cert_file=environment.optional(f"{prefix}NATS_CERT_FILE", PATH, None),
        key_file=environment.optional(f"{prefix}NATS_KEY_FILE", PATH, None),
        stream=environment.optional(f"{prefix}NATS_STREAM", _STREAM_NAME, default.stream),
        replicas=environment.optional(
            f"{prefix}NATS_REPLICAS", whole_number(least=1, most=5), default.replicas
        ),
        timeout_s=environment.optional(
            f"{prefix}STORE_TIMEOUT", duration(least_s=0.1, most_s=300), default.timeout_s
        ),
    )
    if (settings.cert_file is None) != (settings.key_file is None):
        missing = "NATS_KEY_FILE" if settings.key_file is None else "NATS_CERT_FILE"
        raise SettingError(variable=f"{prefix}{missing}", expected="a path, certificate and key go together")
    return settings
