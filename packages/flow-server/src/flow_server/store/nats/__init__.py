"""The replicated store: a JetStream stream is the log, every replica follows it, any replica takes writes.

Layout and limits: docs/stores.md. What was acknowledged is on `replicas` servers; it survives the loss of
any of them, and a power cut of several only when they have `sync_interval: always`.
"""

from flow_server.store.nats.store import NatsStore

__all__ = ["NatsStore"]
