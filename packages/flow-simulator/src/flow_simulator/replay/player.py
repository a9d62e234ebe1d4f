"""Plays one scenario of the recording against a simulated cluster, in virtual time, and reports differences.

Requests go out at the recorded moments over real sockets. Versions are compared too: before a write the
store's version is raised to where the recorded server's was, as writes to other kinds raise it.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from flow_simulator.kubernetes import HELM_CHARTS, HELM_RELEASES, SimulatedCluster
from flow_simulator.kubernetes.resources import resource_of
from flow_simulator.kubernetes.store import Key
from flow_simulator.replay.comparing import answer_differences
from flow_simulator.replay.hidden_writes import Sighting, made_by_deletes, sightings
from flow_simulator.replay.left_out import request_body
from flow_simulator.replay.recording import Exchange, RecordedRequest
from flow_simulator.replay.wire_client import ask

START_VERSION = 216
"""The definitions of HelmChart and HelmRelease take 217 and 218, as in the recording."""

FIRST_S = 0.2
"""What is seen this early was there when the scenario began."""

_CURRENT = re.compile(r"current: (\d+)")
_OLDEST = re.compile(r"too old resource version: \d+ \((\d+)\)")
_STARTS_S = {
    "4a server restart, SIGTERM": (0.80, 0.88, 0.91, 1.95),
    "4b server restart, SIGKILL": (0.7, 0.75, 0.9, 2.05),
}
"""When, after a start, roles were loaded, paths installed, caches filled, `/readyz` was ok."""


@dataclass
class Report:
    """What was compared, and every difference as `scenario, step n: where: what`."""

    compared: list[str] = field(default_factory=list[str])
    differences: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


@dataclass(frozen=True)
class _Moment:
    at: float
    order: float
    do: Callable[[], Awaitable[None]]


class Player:
    """One scenario on one cluster."""

    def __init__(self, cluster: SimulatedCluster, scenario: list[Exchange]) -> None:
        """The cluster is fresh, at `START_VERSION`, without definitions."""
        self.cluster = cluster
        self.exchanges = scenario
        self.report = Report()
        self._deletes = made_by_deletes(scenario)
        self._hidden = [seen for seen in sightings(scenario) if seen.version not in self._deletes]
        """In order of version; those that happened are taken out."""
        self._watches: list[asyncio.Task[None]] = []
        self._starting: list[asyncio.Task[None]] = []

    async def play(self) -> Report:
        """Everything in its recorded order; then wait for the watches to end."""
        store = self.cluster.store
        store.install(HELM_CHARTS)
        if not self.exchanges[0].scenario.startswith("1 "):
            store.install(HELM_RELEASES)
        self._seed_modified()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for moment in sorted(self._moments(), key=lambda moment: (moment.at, moment.order)):
            await asyncio.sleep(max(0.0, began + moment.at - loop.time()))
            await moment.do()
        await asyncio.gather(*self._watches, *self._starting)
        return self.report

    def _moments(self) -> Iterator[_Moment]:
        # Only where records are changes of a polled answer does the order inside a moment matter.
        spread = self._spread() if self.exchanges[0].scenario.startswith("5 ") else {}
        for sighting in self._hidden:
            yield _Moment(sighting.at, sighting.version, lambda to=sighting.version: self._advance(to))
        for exchange in self.exchanges:
            at = exchange.at + spread.get(exchange.step, 0.0)
            for pin_at, version in self._pins(exchange, at):
                yield _Moment(pin_at, exchange.step - 0.5, lambda to=version: self._advance(to))
            yield _Moment(at, exchange.step, lambda e=exchange: self._exchange(e))
            if exchange.scenario.startswith("1 ") and exchange.step == 2:
                yield _Moment(exchange.at - 0.02, 0, self._install)

    def _spread(self) -> dict[int, float]:
        """Moments are rounded to 0.1 s: how far from it each of those goes that share one, by step."""
        together: dict[float, list[int]] = {}
        for exchange in self.exchanges:
            if exchange.watch is None:
                together.setdefault(exchange.at, []).append(exchange.step)
        return {
            step: 0.1 * (place + 0.5) / len(steps) - 0.05
            for steps in together.values()
            for place, step in enumerate(steps)
        }

    def _pins(self, exchange: Exchange, at: float) -> Iterator[tuple[float, int]]:
        """When the recorded server's version is known to have been at least this."""
        body = exchange.response.body if exchange.response else None
        if isinstance(body, dict) and "items" in body:
            yield at, int(body["metadata"]["resourceVersion"])  # pyright: ignore
        if found := _CURRENT.search(json.dumps([body, [seen.line for seen in exchange.watch or ()]])):
            yield at, int(found[1])
        for seen in exchange.watch or ():
            if seen.line["type"] == "BOOKMARK":
                yield exchange.at + seen.t - 0.2, int(seen.line["object"]["metadata"]["resourceVersion"])

    def _seed_modified(self) -> None:
        """Objects whose first sighting is a change were there before: a write right after the first ones."""
        known: set[Key] = set()
        version = max((seen.version for seen in self._hidden if seen.at < FIRST_S), default=0)
        for seen in tuple(self._hidden):
            metadata = seen.body["metadata"]
            key = Key(metadata["namespace"], metadata["name"])
            if seen.kind == "MODIFIED" and key not in known:
                version += 1
                self._hidden.append(Sighting(version, 0.0, "LIST", {**seen.body, "spec": {}}))
            known.add(key)
        self._hidden.sort()

    async def _install(self) -> None:
        self.cluster.store.install(HELM_RELEASES)

    async def _advance(self, to: int) -> None:
        self._reach(to)

    def _reach(self, version: int) -> None:
        """Let all hidden writes up to a version happen, and raise the version to it."""
        while self._hidden and self._hidden[0].version <= version:
            self._happen(self._hidden.pop(0))
        self.cluster.store.advance(to=version)

    def _happen(self, seen: Sighting) -> None:
        store = self.cluster.store
        resource = resource_of(seen.body)
        store.advance(to=seen.version - 1)
        if seen.kind == "DELETED":
            metadata = seen.body["metadata"]
            store.remove(resource, Key(metadata["namespace"], metadata["name"]))
        else:
            store.write(resource, seen.body)

    # Exchanges

    async def _exchange(self, exchange: Exchange) -> None:
        if exchange.request is None:
            await self._to_the_server(exchange)
            return
        self.report.compared.append(exchange.name)
        if exchange.watch is not None:
            task = asyncio.get_running_loop().create_task(self._ask_and_compare(exchange, exchange.request))
            self._watches.append(task)
            # The watch is open before the next moment comes.
            await asyncio.sleep(0.001)
            return
        self._prepare(exchange, exchange.request)
        await self._ask_and_compare(exchange, exchange.request)

    async def _to_the_server(self, exchange: Exchange) -> None:
        server = self.cluster.server
        if exchange.note.startswith("SIG"):
            server.stop_listening()
            if exchange.note.startswith("SIGKILL"):
                server.drop_connections()
        elif "has ended" in exchange.note:
            for stream in tuple(server.streams):
                stream.inject("clean")
        elif "started again" in exchange.note:
            lines = json.dumps([[seen.line for seen in e.watch or ()] for e in self.exchanges])
            oldest = _OLDEST.search(lines)
            if oldest is None:
                raise ValueError(f"{exchange.name}: a restart without a 410")
            await server.begin_again(version=int(oldest[1]))
            self._starting.append(asyncio.get_running_loop().create_task(self._phases(exchange.scenario)))
        else:
            raise ValueError(f"{exchange.name}: what is {exchange.note!r}?")

    async def _phases(self, scenario: str) -> None:
        phase = self.cluster.server.api.phase
        roles_s, paths_s, cache_s, ready_s = _STARTS_S[scenario]
        await asyncio.sleep(roles_s)
        phase.roles_loaded = True
        await asyncio.sleep(paths_s - roles_s)
        phase.paths_installed = True
        await asyncio.sleep(cache_s - paths_s)
        phase.initializing.clear()
        await asyncio.sleep(ready_s - cache_s)
        phase.ready = True

    def _prepare(self, exchange: Exchange, request: RecordedRequest) -> None:
        """Bring the store to where the recorded server's was before this write."""
        store = self.cluster.store
        causes = [version for version, cause in self._deletes.items() if cause is exchange]
        body = exchange.response.body if exchange.response else None
        if causes:
            # Deleting a definition takes a version of its own before those of its objects.
            self._reach(min(causes) - (2 if "customresourcedefinitions" in request.path else 1))
        elif exchange.scenario.startswith("5 ") and request.method == "POST" and "custom" in request.path:
            self._reach(237)
        elif request.method != "GET" and isinstance(body, dict) and "resourceVersion" in body["metadata"]:
            version = int(body["metadata"]["resourceVersion"])  # pyright: ignore
            if version > store.version:
                self._seed(request, body, version)  # pyright: ignore
                self._reach(version - 1)

    def _seed(self, request: RecordedRequest, body: dict[str, Any], version: int) -> None:
        """An object that was there before the scenario began and that no read shows before it is written."""
        resource = resource_of(body)
        metadata = body["metadata"]
        if self.cluster.store.get(resource, Key(metadata["namespace"], metadata["name"])) is not None:
            return
        if request.method == "PUT" and resource is HELM_RELEASES:
            before = json.loads(json.dumps(request.body))
            before["spec"]["interval"] = "1s"
            self.cluster.store.advance(to=int(before["metadata"]["resourceVersion"]) - 1)
            before["status"] = body["status"]
            self.cluster.store.write(resource, before)
        elif request.method == "PATCH":
            before = json.loads(json.dumps(body))
            for name in request.body["metadata"]["annotations"]:
                del before["metadata"]["annotations"][name]
            self.cluster.store.advance(to=version - 2)
            self.cluster.store.write(resource, before)

    async def _ask_and_compare(self, exchange: Exchange, request: RecordedRequest) -> None:
        found: list[str] = []
        try:
            answer = await ask(
                self.cluster.server.port,
                request.method,
                request.path,
                headers=request.headers | {"User-Agent": "recorder"},
                body=request_body(request),
                close_after_s=exchange.end_t if exchange.end == "client closed" else None,
            )
        except (OSError, EOFError) as error:
            if exchange.error is None:
                found.append(f"no answer: {error!r}")
        else:
            found = list(answer_differences(exchange, answer))
        if found:
            self.report.differences[exchange.name] = found
