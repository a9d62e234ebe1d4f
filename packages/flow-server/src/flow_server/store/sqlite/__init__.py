"""The store that keeps the log in one SQLite file: what was acknowledged survives kill -9 and power loss.

One thread writes. All batches that wait when it is free are one transaction, so many writers share the cost
of one sync; a batch enters its flow after the commit and never before.
"""

from flow_server.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
