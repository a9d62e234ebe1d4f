"""What the clusters say, read from their objects by the contract's table and by nothing of the adapter's."""

from typing import Any

from flow_contract import rollup
from flow_simulator.kubernetes import SimulatedCluster

FAILED = {"InstallFailed", "UpgradeFailed", "RetriesExhausted"}

Picture = dict[str, dict[str, object]]
"""Id of a node, or ends and type of a relationship -> what is compared of it."""


def picture_of_cluster(cluster: SimulatedCluster, region: str) -> Picture:
    """What the server should hold of a region."""
    releases = cluster.objects(namespace="flux-system")
    picture: Picture = {}
    standings: list[tuple[str, bool]] = []
    for release in releases:
        name = release["metadata"]["name"]
        suspended = release["spec"].get("suspend") is True
        family = release["metadata"].get("labels", {}).get("catalyst.openova.io/family", "").strip()
        status = status_of(release)
        standings.append((status, suspended))
        node_id = f"{region}/{name}"
        picture[node_id] = {
            "label": name,
            "status": status,
            "family": family or name.removeprefix("bp-"),
            "region": region,
            "suspended": suspended,
        }
        picture[f"{node_id} contains {region}"] = {"condition": "always"}
        for dependency in release["spec"].get("dependsOn", []):
            namespace = dependency.get("namespace", "flux-system")
            first = dependency["name"] if namespace == "flux-system" else f"{namespace}/{dependency['name']}"
            picture[f"{region}/{first} finish-to-start {node_id}"] = {"condition": "on-success"}
    picture[region] = {
        "label": region,
        "status": rollup(standings),
        "family": "region",
        "region": region,
        "suspended": bool(standings) and all(suspended for _, suspended in standings),
    }
    return picture


def picture_of_server(snapshot: dict[str, Any], region: str) -> Picture:
    """What the server holds of a region."""
    picture: Picture = {}
    for node in snapshot["nodes"]:
        if node["id"] == region or node["id"].startswith(f"{region}/"):
            fields: dict[str, object] = {
                name: node.get(name) for name in ("label", "status", "family", "region")
            }
            picture[node["id"]] = fields | {"suspended": node.get("meta", {}).get("suspended") is True}
    for one in snapshot["relationships"]:
        if one["fromId"].startswith(f"{region}/"):
            picture[f"{one['fromId']} {one['type']} {one['toId']}"] = {"condition": one.get("condition")}
    return picture


def differences(expected: Picture, found: Picture) -> list[str]:
    """What differs, one line each."""
    return [
        f"{name}: expected {expected.get(name)}, found {found.get(name)}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]


def status_of(release: dict[str, Any]) -> str:
    """The contract's table."""
    conditions = {one["type"]: one for one in release.get("status", {}).get("conditions", [])}
    ready = conditions.get("Ready")
    if ready is None:
        return "pending"
    if ready["status"] != "True" and conditions.get("Stalled", {}).get("status") == "True":
        return "failed"
    if ready["status"] == "True":
        return "succeeded"
    return "failed" if ready["status"] == "False" and ready["reason"] in FAILED else "running"
