"""The checker of campaigns: what writers were answered, what readers saw, the final snapshot; what was lost,
doubled, reordered or wrong.

Writers and readers write logs while they speak HTTP with a server; `check` reads the logs afterwards and
knows nothing else. It has its own fold and never asks the server's.
"""

from flow_simulator.checker.check import check
from flow_simulator.checker.entries import (
    Answered,
    Connecting,
    Deleting,
    Disconnected,
    Entry,
    Framed,
    Json,
    Posting,
    SnapshotTaken,
)
from flow_simulator.checker.finding import Finding, Verdict
from flow_simulator.checker.log import Log, read_logs
from flow_simulator.checker.reader import Reader
from flow_simulator.checker.writer import RefusedError, Writer, flow_url, take_snapshot

__all__ = [
    "Answered",
    "Connecting",
    "Deleting",
    "Disconnected",
    "Entry",
    "Finding",
    "Framed",
    "Json",
    "Log",
    "Posting",
    "Reader",
    "RefusedError",
    "SnapshotTaken",
    "Verdict",
    "Writer",
    "check",
    "flow_url",
    "read_logs",
    "take_snapshot",
]
