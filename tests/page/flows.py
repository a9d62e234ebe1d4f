"""Small flows for the page's tests."""

from itertools import pairwise
from typing import Any

Message = dict[str, Any]

NOW_MS = 1_764_000_000_000


def node(flow_id: str, name: str, status: str = "pending", *, region: str = "fsn1", **fields: Any) -> Message:
    """A release as the Flux adapter sends it; `meta` in `fields` is added to what it always says."""
    meta = {
        "source": "flux",
        "namespace": "flux-system",
        "chart": name,
        "version": "1.0.0",
        **fields.pop("meta", {}),
    }
    return {
        "id": f"{region}/{name}",
        "flowId": flow_id,
        "label": name,
        "status": status,
        "family": name.removeprefix("bp-"),
        "region": region,
        "meta": meta,
        **fields,
    }


def nodes(*several: Message) -> Message:
    """One message that puts these nodes in place."""
    return {"type": "upsert-nodes", "nodes": list(several)}


def chain(region: str, *names: str) -> Message:
    """Each of these after the one before, all of them inside the region."""
    relationships: list[Message] = [
        {"fromId": f"{region}/{name}", "toId": region, "type": "contains", "condition": "always"}
        for name in names
    ]
    relationships.extend(
        {
            "fromId": f"{region}/{before}",
            "toId": f"{region}/{after}",
            "type": "finish-to-start",
            "condition": "on-success",
        }
        for before, after in pairwise(names)
    )
    return {"type": "upsert-rels", "relationships": relationships}


def region_node(flow_id: str, region: str, status: str = "running") -> Message:
    """The region's own node, which contains the others and is not counted."""
    return {
        "id": region,
        "flowId": flow_id,
        "label": region,
        "status": status,
        "family": "region",
        "region": region,
    }


def failed_chain(flow_id: str, *, regions: tuple[str, ...] = ("fsn1", "hel1")) -> list[Message]:
    """In each region five releases in a row; in the first one the second has failed and holds up three."""
    messages: list[Message] = []
    names = ("bp-cilium", "bp-cert-manager", "bp-flux", "bp-cnpg", "bp-harbor")
    for number, region in enumerate(regions):
        releases: list[Message] = []
        for at, name in enumerate(names):
            times = {"startedAt": NOW_MS + at * 60_000, "endedAt": NOW_MS + at * 60_000 + 30_000 + at * 1000}
            if number > 0 or at == 0:
                releases.append(node(flow_id, name, "succeeded", region=region, **times))
            elif at == 1:
                meta = {
                    "reason": "InstallFailed",
                    "message": "context deadline exceeded",
                    "attempts": 3,
                    "stalled": True,
                }
                releases.append(node(flow_id, name, "failed", region=region, meta=meta, **times))
            else:
                meta = {"reason": "DependencyNotReady", "waitingFor": [names[at - 1]]}
                releases.append(node(flow_id, name, "running", region=region, meta=meta))
        messages.append(
            nodes(*releases, region_node(flow_id, region, "failed" if number == 0 else "succeeded"))
        )
        messages.append(chain(region, *names))
    return messages
