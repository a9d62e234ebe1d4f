"""How to reach the stream. Read from the environment by `flow_server.store.settings`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class NatsSettings:
    """Each field is one variable, `FLOW_SERVER_NATS_…`; see docs/stores.md."""

    urls: tuple[str, ...]
    """Servers, like `nats://nats-0:4222` or `tls://…`; others of the cluster are found through them."""
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
    def bucket(self) -> str:
        """The key-value bucket that holds checkpoints."""
        return f"{self.stream}-state"
