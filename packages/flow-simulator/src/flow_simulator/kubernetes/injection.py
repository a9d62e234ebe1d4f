"""Faults come true: each is applied to the server at once; what lasts goes on in a task until it is over."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, assert_never

import msgspec

from flow_simulator.kubernetes import faults as f
from flow_simulator.kubernetes.changes import Changes
from flow_simulator.kubernetes.problems import Problem
from flow_simulator.kubernetes.reads import error_line
from flow_simulator.kubernetes.resources import HELM_RELEASES, Resource, resource_named, resource_of
from flow_simulator.kubernetes.server import Server
from flow_simulator.kubernetes.store import Backup, Key, Stored
from flow_simulator.kubernetes.watch_lines import line

HUGE_LINE_BYTES = 10 * 2**20
MANAGER = "simulator"


class Injection:
    """Applies faults to one server and knows which of them still last."""

    def __init__(self, server: Server, tokens: dict[str, Any]) -> None:
        """`tokens` is the server's own table."""
        self._server = server
        self._tokens = tokens
        self._lasting: set[asyncio.Task[None]] = set()
        self._backup: Backup | None = None

    async def inject(self, fault: f.Fault) -> None:
        """Apply one fault; returns at once. Raises ValueError for an unknown resource, `Problem` for a bad write."""
        match fault:
            case f.RequestRule():
                self._server.rules.add(fault)
            case f.StreamAction():
                self._on_streams(fault)
            case f.Apply() | f.Patch() | f.Delete() | f.DeleteAtOnce():
                self._write(self._server.api.changes, fault)
            case _:
                await self._on_server(fault)

    async def lift(self) -> None:
        """End everything that lasts: rules, moods, phases; what was done to objects stays."""
        for task in tuple(self._lasting):
            task.cancel()
        await asyncio.gather(*self._lasting, return_exceptions=True)
        server = self._server
        server.rules.clear()
        server.slow_line_s = 0.0
        server.thaw()
        server.unmute_watches()
        phase = server.api.phase
        phase.roles_loaded = phase.paths_installed = phase.ready = True
        if not server.listening:
            await server.start()

    async def settled(self) -> None:
        """Wait until nothing that was injected lasts any more (what lasts until lifted does not count)."""
        while self._lasting:
            await asyncio.wait(self._lasting)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._lasting.add(task)
        task.add_done_callback(self._lasting.discard)

    def _for(self, seconds: float | None, undo: Callable[[], Awaitable[None] | None]) -> None:
        async def wait_and_undo() -> None:
            await self._server.sleep(seconds or 0.0)
            if (undone := undo()) is not None:
                await undone

        if seconds is not None:
            self._later(wait_and_undo())

    # Streams

    def _on_streams(self, fault: f.StreamAction) -> None:
        resource = resource_named(fault.resource) if fault.resource else None
        for stream in tuple(self._server.streams):
            if resource not in (None, stream.watch.resource):
                continue
            match fault:
                case f.EndWatches():
                    stream.inject("clean")
                case f.DropWatches():
                    stream.inject("reset")
                case f.CutLine(clean=clean):
                    stream.inject("cut clean" if clean else "cut")
                case f.SendLine(line=odd):
                    stream.inject(self._odd_line(odd, stream.watch.resource))
                case f.SendText(text=text):
                    stream.inject(text.encode())
                case f.SendBookmarks():
                    stream.bookmark_now()
                case _:
                    raise TypeError(f"no stream action: {fault!r}")

    def _odd_line(self, odd: f.OddLine, resource: Resource) -> bytes:
        version = self._server.store.version
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
                stored = next(iter(self._server.store.listing(resource)), None)
                if stored is None:
                    raise ValueError(f"a huge line needs one of {resource.plural}, there is none")
                annotations = {"simulator/huge": "x" * HUGE_LINE_BYTES}
                metadata = stored.object["metadata"] | {"annotations": annotations}
                return line("MODIFIED", msgspec.json.encode(stored.object | {"metadata": metadata}))
        assert_never(odd)

    # The server

    async def _on_server(self, fault: f.Whole) -> None:
        server, store = self._server, self._server.store
        match fault:
            case f.DropConnections():
                server.drop_connections()
            case f.RefuseConnections(for_s=for_s):
                server.stop_listening()
                self._for(for_s, server.start)
            case f.Freeze(for_s=for_s):
                server.freeze()
                self._for(for_s, server.thaw)
            case f.MuteWatches(for_s=for_s):
                server.mute_watches()
                self._for(for_s, server.unmute_watches)
            case f.SlowLines(delay_s=delay_s, for_s=for_s):
                server.slow_line_s = delay_s
                self._for(for_s, self._at_full_speed)
            case f.Restart():
                self._later(server.restart(fault))
            case f.ExpireHistory(as_status=as_status):
                server.api.expired_as_status = as_status
                store.advance(to=store.version + 1)
                store.forget_history()
            case f.Forbid(for_s=for_s):
                server.api.phase.roles_loaded = False
                self._for(for_s, self._load_roles)
            case f.RotateToken(old=old, new=new):
                if old not in self._tokens:
                    raise ValueError(f"nobody has the token {old!r}")
                self._tokens[new] = self._tokens.pop(old)
            case f.DeleteDefinition(resource=name, linger_s=linger_s):
                await self._delete_definition(resource_named(name), linger_s)
            case f.CreateDefinition(resource=name):
                store.install(resource_named(name))
                server.api.phase.initializing.add(resource_named(name))
            case f.TakeBackup():
                self._backup = store.backup()
            case f.RestoreBackup():
                if self._backup is None:
                    raise ValueError("there is no backup to restore, take one before")
                server.drop_connections()
                store.restore(self._backup)
            case f.Advance(by=by):
                store.advance(to=store.version + by)
            case _:
                assert_never(fault)

    def _at_full_speed(self) -> None:
        self._server.slow_line_s = 0.0

    def _load_roles(self) -> None:
        self._server.api.phase.roles_loaded = True

    async def _delete_definition(self, resource: Resource, linger_s: float) -> None:
        self._server.api.changes.delete_all(resource)
        self._later(self.uninstall_when_empty(resource, linger_s))

    async def uninstall_when_empty(self, resource: Resource, linger_s: float) -> None:
        """Wait for the last object of a deleted definition to go, then take the resource away."""
        store = self._server.store
        changed = asyncio.Event()
        stop_listening = store.listen(changed.set)
        try:
            while store.listing(resource):
                changed.clear()
                await changed.wait()
        finally:
            stop_listening()
        await self._server.sleep(linger_s)
        store.uninstall(resource)

    # Objects

    @staticmethod
    def _write(changes: Changes, fault: f.Write) -> None:
        match fault:
            case f.Apply(object=body):
                apply(changes, body)
            case f.Patch(resource=name, namespace=namespace, name=key, patch=patch, subresource=subresource):
                changes.patch(
                    resource_named(name), Key(namespace, key), patch, manager=MANAGER, subresource=subresource
                )
            case f.Delete(resource=name, namespace=namespace, name=key):
                changes.delete(resource_named(name), Key(namespace, key))
            case f.DeleteAtOnce(resource=name, namespace=namespace, name=key):
                delete_at_once(changes, resource_named(name), Key(namespace, key))
            case _:
                assert_never(fault)


def apply(changes: Changes, body: dict[str, Any], *, default: Resource = HELM_RELEASES) -> Stored:
    """Create an object, or bring it to this state; a status in it is written too. Raises `Problem`."""
    body = {"apiVersion": default.api_version, "kind": default.kind} | body
    resource = resource_of(body)
    metadata = body.get("metadata") or {}
    key = Key(metadata.get("namespace", "flux-system"), metadata.get("name", ""))
    if changes.get(resource, key) is None:
        changes.namespaces.add(key.namespace)
        stored = changes.create(resource, key.namespace, body, manager=MANAGER)
    else:
        whole = {**body, "metadata": {**metadata, "namespace": key.namespace}}
        stored = changes.bring_to(resource, key, whole, manager=MANAGER)
    if resource.custom and "status" in body:
        patch = {"status": body["status"]}
        stored = changes.bring_to(resource, key, patch, manager=MANAGER, subresource="status")
    return stored


def delete_at_once(changes: Changes, resource: Resource, key: Key) -> None:
    """Delete an object whatever its finalizers. Raises `Problem` when it is not there."""
    if changes.get(resource, key) is not None:
        changes.patch(resource, key, {"metadata": {"finalizers": None}}, manager=MANAGER)
    changes.delete(resource, key)
