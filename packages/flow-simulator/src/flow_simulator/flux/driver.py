"""Plays a Flux against a simulated cluster at any speed, and buries what somebody deletes.

Times that Flux writes are the wall clock's at the moment of writing: at thirteen times the speed an install
of 40 s takes 3 s on every clock a reader has; "running for", "took" and "elapsed" agree with what is seen.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from flow_simulator.flux.machine import Flux
from flow_simulator.flux.plan import Plan
from flow_simulator.flux.writes import Create, Patch, SetStatus, Write
from flow_simulator.kubernetes import HELM_CHARTS, HELM_RELEASES, SimulatedCluster
from flow_simulator.kubernetes.problems import Problem
from flow_simulator.kubernetes.resources import resource_named, resource_of
from flow_simulator.kubernetes.store import Key

HELM = "helm-controller"
SOMEBODY = "kustomize-controller"
UNINSTALL_S = 10.0
"""How long, in Flux's seconds, a deleted release keeps its finalizer."""

log = structlog.get_logger(__name__)


def written(unix_s: float) -> str:
    """A moment as the API writes it: whole seconds, UTC."""
    return datetime.fromtimestamp(unix_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class FluxDriver:
    """One region's Flux at work on its cluster."""

    def __init__(
        self, cluster: SimulatedCluster, plan: Plan, *, speed: float, now: Callable[[], float]
    ) -> None:
        """`speed`: Flux's seconds in a real one, 0 stands still. `now`: Unix seconds for what is written."""
        self._cluster = cluster
        self._flux = Flux(plan, stamp=lambda _: written(now()))
        self._speed = speed
        self._since_real_s = 0.0
        self._since_s = 0.0
        self._news = asyncio.Event()
        self._burying: set[Key] = set()

    @property
    def speed(self) -> float:
        """Flux's seconds in a real one."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Go on faster or slower from now; 0 stands still. Raises ValueError below 0."""
        if speed < 0:
            raise ValueError(f"a speed of at least 0, found {speed}")
        self._since_s, self._since_real_s = self.elapsed_s(), asyncio.get_running_loop().time()
        self._speed = speed
        self._news.set()

    def elapsed_s(self) -> float:
        """Flux's seconds since `run` began."""
        return self._since_s + (asyncio.get_running_loop().time() - self._since_real_s) * self._speed

    async def run(self) -> None:
        """Play until cancelled: the bootstrap, then noise."""
        self._since_real_s = asyncio.get_running_loop().time()
        stop_listening = self._cluster.store.listen(self._news.set)
        try:
            async with asyncio.TaskGroup() as burials:
                while True:
                    self._news.clear()
                    self.play_until(self.elapsed_s())
                    self._bury(burials)
                    await self._wait()
        finally:
            stop_listening()

    def play_until(self, moment_s: float) -> None:
        """Everything up to a moment, at once."""
        for write in self._flux.run_until(moment_s):
            try:
                self._apply(write)
            except Problem as problem:
                # Somebody else deleted the object or its definition: Flux would be told the same.
                log.debug("a write of the simulated Flux was refused", problem=str(problem))

    def _apply(self, write: Write) -> None:
        changes = self._cluster.changes
        match write:
            case Create(body=body):
                namespace = body["metadata"]["namespace"]
                changes.namespaces.add(namespace)
                changes.create(resource_of(body), namespace, body, manager=SOMEBODY)
            case SetStatus(kind=kind, namespace=namespace, name=name, status=status):
                changes.bring_to(
                    resource_named(kind),
                    Key(namespace, name),
                    {"status": status},
                    manager=HELM,
                    subresource="status",
                )
            case Patch(kind=kind, namespace=namespace, name=name, patch=patch):
                changes.patch(resource_named(kind), Key(namespace, name), patch, manager=SOMEBODY)

    async def _wait(self) -> None:
        next_s = self._flux.next_at_s()
        seconds = None
        if next_s is not None and self._speed:
            seconds = max(0.0, (next_s - self.elapsed_s()) / self._speed)
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def _bury(self, burials: asyncio.TaskGroup) -> None:
        """Uninstall every release that is marked for deletion: after a while its finalizer goes."""
        for stored in self._cluster.store.listing(HELM_RELEASES):
            metadata = stored.object["metadata"]
            if "deletionTimestamp" in metadata and stored.key not in self._burying:
                self._burying.add(stored.key)
                self._flux.forget(*stored.key)
                burials.create_task(self._uninstall(stored.key))

    async def _uninstall(self, key: Key) -> None:
        await asyncio.sleep(UNINSTALL_S / max(self._speed, 0.001))
        self._burying.discard(key)
        changes = self._cluster.changes
        chart = Key(key.namespace, f"{key.namespace}-{key.name}")
        if changes.get(HELM_CHARTS, chart) is not None:
            changes.delete(HELM_CHARTS, chart)
        if changes.get(HELM_RELEASES, key) is not None:
            changes.patch(HELM_RELEASES, key, {"metadata": {"finalizers": None}}, manager=HELM)
