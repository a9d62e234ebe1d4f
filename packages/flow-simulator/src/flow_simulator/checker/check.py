"""The checker: logs in, findings out."""

from collections.abc import Iterable

from flow_simulator.checker.entries import Connecting, Deleting, Entry, Posting, SnapshotTaken
from flow_simulator.checker.finding import Finding
from flow_simulator.checker.operations import history_of
from flow_simulator.checker.origins import check_epochs, check_origins
from flow_simulator.checker.resumes import check_resumes
from flow_simulator.checker.sequences import check_sequences
from flow_simulator.checker.states import States, check_final_snapshot, check_readers

LATE_S = 5.0
"""What a server that writes to its own disk or memory needs at most for what it took in."""


def check(entries: Iterable[Entry], *, late_s: float = LATE_S) -> list[Finding]:
    """Everything that is wrong according to the logs of all writers and readers, flow by flow; `[]`: nothing.

    The last `SnapshotTaken` of a flow is its final snapshot. Up to `late_s` after a request failed it may
    still be applied: a server goes on with what it was asked after the asker has gone.
    """
    entries = list(entries)
    flows = {
        entry.flow for entry in entries if isinstance(entry, Posting | Deleting | Connecting | SnapshotTaken)
    }
    taken = {entry.flow: entry for entry in entries if isinstance(entry, SnapshotTaken)}
    findings: list[Finding] = []
    for flow in sorted(flows):
        history = history_of(flow, entries, late_ns=int(late_s * 1e9))
        states = States(history)
        final = taken.get(flow)
        findings += check_final_snapshot(history, states, final) if final is not None else ()
        findings += check_sequences(history)
        findings += check_readers(history, states)
        findings += check_resumes(history)
        findings += check_origins(history)
        findings += check_epochs(history, final)
    return findings
