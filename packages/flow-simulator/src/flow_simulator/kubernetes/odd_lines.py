"""Lines that a watch should never send, and that a reader must survive."""

from typing import assert_never

import msgspec

from flow_simulator.kubernetes.faults import OddLine
from flow_simulator.kubernetes.problems import Problem
from flow_simulator.kubernetes.reads import error_line
from flow_simulator.kubernetes.resources import Resource
from flow_simulator.kubernetes.store import Store
from flow_simulator.kubernetes.watch_lines import line

HUGE_LINE_BYTES = 10 * 2**20


def odd_line(odd: OddLine, resource: Resource, store: Store, *, version: int) -> bytes:
    """The bytes of an odd line; `version` is what the stream has come to.

    Raises ValueError when `huge` finds no object to blow up.
    """
    match odd:
        case "blank":
            return b"\n"
        case "not-json":
            return b"this is not json\n"
        case "no-metadata":
            return line("MODIFIED", msgspec.json.encode({"kind": resource.kind}))
        case "unknown-type":
            surprise = {"kind": resource.kind, "metadata": {"resourceVersion": str(version)}}
            return line("SURPRISE", msgspec.json.encode(surprise))
        case "gone":
            return error_line(Problem(410, "Expired", f"too old resource version: {version} ({version})"))
        case "internal-error":
            return error_line(Problem(500, "InternalError", "an error on the server: unknown"))
        case "huge":
            stored = next(iter(store.listing(resource)), None)
            if stored is None:
                raise ValueError(f"a huge line needs one of {resource.plural}, there is none")
            annotations = {"simulator/huge": "x" * HUGE_LINE_BYTES}
            metadata = stored.object["metadata"] | {"annotations": annotations}
            return line("MODIFIED", msgspec.json.encode(stored.object | {"metadata": metadata}))
    assert_never(odd)
