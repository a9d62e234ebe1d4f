"""Writes that the recording shows only by their effect: object states that no recorded request made. Pure.

The recorded server had other writers. Their objects appear in lists and on watches; each such state becomes a
write of its own, so that the replay has the same objects at the same versions.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flow_simulator.kubernetes.resources import JsonObject, is_object
from flow_simulator.replay.recording import Exchange


@dataclass(frozen=True, order=True)
class Sighting:
    """An object seen at a version, `at` seconds into the scenario."""

    version: int
    at: float
    kind: str = ""
    body: Any = None


def _objects(body: Any) -> Iterator[JsonObject]:
    if is_object(body) and "metadata" in body:
        found = body
        for item in found.get("items", [found]):
            if item.get("metadata", {}).get("uid"):
                yield {"apiVersion": found["apiVersion"]} | item


def _is_write(exchange: Exchange) -> bool:
    return exchange.request is not None and exchange.request.method != "GET"


def sightings(exchanges: Iterable[Exchange]) -> list[Sighting]:
    """The first sighting of every object state that no recorded write made, in order of version."""
    first: dict[int, Sighting] = {}
    written: set[int] = set()
    for exchange in exchanges:
        response = exchange.response
        for body in _objects(response.body if response else None):
            version = int(body["metadata"]["resourceVersion"])
            if _is_write(exchange):
                written.add(version)
            else:
                _note(first, Sighting(version, exchange.at - 0.01, "LIST", body))
        for seen in exchange.watch or ():
            if seen.line["type"] in ("ADDED", "MODIFIED", "DELETED"):
                body = seen.line["object"]
                version = int(body["metadata"]["resourceVersion"])
                _note(first, Sighting(version, exchange.at + seen.t + 0.04, seen.line["type"], body))
    return sorted(sighting for version, sighting in first.items() if version not in written)


def _note(first: dict[int, Sighting], sighting: Sighting) -> None:
    known = first.get(sighting.version)
    if known is None or sighting.at < known.at:
        first[sighting.version] = sighting


def made_by_deletes(exchanges: Iterable[Exchange]) -> dict[int, Exchange]:
    """Versions of DELETED lines by the recorded request that caused them."""
    exchanges = list(exchanges)
    found: dict[int, Exchange] = {}
    deletions = {
        int(seen.line["object"]["metadata"]["resourceVersion"]): (exchange.at + seen.t, seen.line["object"])
        for exchange in exchanges
        for seen in exchange.watch or ()
        if seen.line["type"] == "DELETED"
    }
    for version, (at, body) in deletions.items():
        causes = [e for e in exchanges if _may_delete(e, body) and abs(e.at - at) < 0.35]
        if causes:
            found[version] = min(causes, key=lambda exchange: abs(exchange.at - at))
    return found


def _may_delete(exchange: Exchange, body: JsonObject) -> bool:
    request = exchange.request
    if request is None or exchange.response is None or exchange.response.status != 200:
        return False
    if request.method == "DELETE" and "customresourcedefinitions" in request.path:
        return True
    if not request.path.endswith("/" + body["metadata"]["name"]):
        return False
    frees = request.method == "PATCH" and '"finalizers"' in str(request.body).replace("'", '"')
    return request.method == "DELETE" or frees
