"""One status for many nodes. Source: the contract, "Rollup"."""

from collections.abc import Iterable

_CALM = frozenset({"pending", "succeeded"})


def rollup(statuses: Iterable[tuple[str, bool]]) -> str:
    """The worst status of nodes given as (status, suspended on purpose), in any order.

    Any `failed` wins, then `running` or an unknown word, then `pending`, else `succeeded`. Suspended nodes
    count only when there is nothing else; no node at all is `pending`.
    """
    everything = list(statuses)
    counted = {status for status, suspended in everything if not suspended}
    counted = counted or {status for status, _ in everything}
    if "failed" in counted:
        return "failed"
    if counted - _CALM:
        return "running"
    return "pending" if "pending" in counted or not counted else "succeeded"
