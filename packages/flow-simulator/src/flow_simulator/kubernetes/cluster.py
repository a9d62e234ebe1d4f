"""A cluster for tests and the demo: a Kubernetes API on a port of this machine, in this process.

async with SimulatedCluster() as cluster:
    cluster.apply({"metadata": {"name": "bp-cilium"}, "spec": {"interval": "15m"}})
    ...  # point a client at cluster.url with cluster.token, or at cluster.kubeconfig(path)
    await cluster.inject(EndWatches())
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

import msgspec

from flow_simulator.kubernetes.access import User, adapter_rules
from flow_simulator.kubernetes.api import Api
from flow_simulator.kubernetes.changes import Changes
from flow_simulator.kubernetes.faults import Fault
from flow_simulator.kubernetes.injection import Injection
from flow_simulator.kubernetes.objects import MANAGER, apply, delete_at_once
from flow_simulator.kubernetes.resources import HELM_RELEASES, RESOURCES, JsonObject, Resource
from flow_simulator.kubernetes.server import Seen, Server
from flow_simulator.kubernetes.store import Key, Store

NAMESPACES = ("default", "kube-system", "flux-system", "apps")
ADMIN_TOKEN = "admin-token"  # noqa: S105  the simulator's own, for loopback
READER_TOKEN = "reader-token"  # noqa: S105
ADAPTER_TOKEN = "adapter-token"  # noqa: S105
NOBODY_TOKEN = "nobody-token"  # noqa: S105


class SimulatedCluster:
    """One cluster; use it as an async context manager. Everything here is called in the loop's thread."""

    def __init__(
        self,
        *,
        seed: int = 0,
        speed: float = 1.0,
        version: int = 200,
        namespaces: Iterable[str] = NAMESPACES,
        definitions: Iterable[Resource] = tuple(r for r in RESOURCES if r.custom),
        now: Callable[[], float] = time.time,
    ) -> None:
        """Not listening yet.

        `speed`: how many of the API server's seconds (timeouts, bookmarks, faults) pass in a real one.
        `definitions`: the custom resources that exist from the start. `now`: Unix time for timestamps.
        """
        random = Random(seed)
        self.store = Store(version=version)
        self.changes = Changes(self.store, now=now, random=random, namespaces=set(namespaces))
        self.tokens = {
            ADMIN_TOKEN: User(name="admin", admin=True),
            READER_TOKEN: User(name="reader", rules=adapter_rules()),
            ADAPTER_TOKEN: User(name="adapter", rules=adapter_rules("flux-system")),
            NOBODY_TOKEN: User(name="nobody"),
        }
        self._api = Api(
            store=self.store,
            changes=self.changes,
            tokens=self.tokens,
            random=random,
            definition_changed=self._definition_changed,
        )
        self._speed = speed
        for resource in definitions:
            self.store.install(resource)

    def _definition_changed(self, resource: Resource) -> None:
        self._injection.definition_changed(resource)

    token = READER_TOKEN
    """Reads releases and charts and writes leases in every namespace."""
    namespace_token = ADAPTER_TOKEN
    """The same in `flux-system` only."""
    admin_token = ADMIN_TOKEN
    """May do everything; also while the roles are not loaded."""

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self.server = Server(self._api, speed=self._speed)
        self._injection = Injection(self.server, self.tokens)
        await self.server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut everything; no task and no socket is left."""
        await self._injection.lift()
        await self.server.stop()

    @property
    def url(self) -> str:
        """Where the API is: `http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self.server.port}"

    def kubeconfig(self, path: Path, *, token: str | None = None, namespace: str = "flux-system") -> Path:
        """Write a kubeconfig file for this cluster and say where it is."""
        named = {"name": "simulated"}
        context = {"cluster": "simulated", "user": "simulated", "namespace": namespace}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [named | {"cluster": {"server": self.url}}],
            "users": [named | {"user": {"token": token or self.token}}],
            "contexts": [named | {"context": context}],
            "current-context": "simulated",
        }
        # JSON is YAML, and every reader of kubeconfig files takes it.
        path.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
        return path

    # Objects

    def apply(self, body: JsonObject) -> JsonObject:
        """Create an object or bring it to this state, status included; what is stored is returned.

        Without `apiVersion` and `kind` it is a HelmRelease, without a namespace it is in `flux-system`.
        """
        return apply(self.changes, body).object

    def patch_status(
        self,
        name: str,
        status: JsonObject,
        *,
        namespace: str = "flux-system",
        resource: Resource = HELM_RELEASES,
    ) -> JsonObject:
        """Merge-patch an object's status; what is stored is returned."""
        key = Key(namespace, name)
        patch = {"status": status}
        return self.changes.patch(resource, key, patch, manager=MANAGER, subresource="status").object

    def patch(
        self,
        name: str,
        patch: JsonObject,
        *,
        namespace: str = "flux-system",
        resource: Resource = HELM_RELEASES,
    ) -> JsonObject:
        """Merge-patch an object; what is stored is returned."""
        return self.changes.patch(resource, Key(namespace, name), patch, manager=MANAGER).object

    def delete(
        self,
        name: str,
        *,
        namespace: str = "flux-system",
        resource: Resource = HELM_RELEASES,
        at_once: bool = False,
    ) -> None:
        """Delete an object; finalizers hold it unless `at_once`."""
        if at_once:
            delete_at_once(self.changes, resource, Key(namespace, name))
        else:
            self.changes.delete(resource, Key(namespace, name))

    def get(
        self, name: str, *, namespace: str = "flux-system", resource: Resource = HELM_RELEASES
    ) -> JsonObject | None:
        """An object as it is; not to be changed."""
        stored = self.store.get(resource, Key(namespace, name))
        return stored.object if stored else None

    def objects(self, resource: Resource = HELM_RELEASES, *, namespace: str = "") -> list[JsonObject]:
        """All objects in order of namespace and name; not to be changed."""
        return [stored.object for stored in self.store.listing(resource, namespace=namespace)]

    # Faults and what was asked

    async def inject(self, *faults: Fault) -> None:
        """Apply faults in this order; each returns at once, what lasts goes on by itself."""
        for fault in faults:
            await self._injection.inject(fault)

    async def lift_faults(self) -> None:
        """End everything that lasts."""
        await self._injection.lift()

    async def faults_over(self) -> None:
        """Wait until what was injected for a time is over."""
        await self._injection.settled()

    @property
    def watches(self) -> int:
        """How many watches are open."""
        return len(self.server.streams)

    async def until_watched(self, *, streams: int = 1) -> None:
        """Wait until at least so many watches are open."""
        await self.server.until_watched(streams=streams)

    @property
    def requests(self) -> list[Seen]:
        """The last 10,000 requests, oldest first."""
        return list(self.server.seen)

    @property
    def request_counts(self) -> Counter[tuple[str, str, int]]:
        """How many requests there were by verb, resource and status (0: never answered)."""
        return self.server.counts
