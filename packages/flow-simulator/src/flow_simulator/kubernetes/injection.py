"""Faults come true: each is applied to the server at once; what lasts goes on in a task until it is over."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, assert_never

from flow_simulator.kubernetes import faults as f
from flow_simulator.kubernetes.access import User
from flow_simulator.kubernetes.objects import write
from flow_simulator.kubernetes.odd_lines import odd_line
from flow_simulator.kubernetes.resources import Resource, resource_named
from flow_simulator.kubernetes.server import CACHE_FILLS_IN_S, Server
from flow_simulator.kubernetes.store import Backup


class Injection:
    """Applies faults to one server and knows which of them still last."""

    def __init__(self, server: Server, tokens: dict[str, User]) -> None:
        """`tokens` is the server's own table."""
        self._server = server
        self._tokens = tokens
        self._lasting: set[asyncio.Task[None]] = set()
        self._backup: Backup | None = None

    async def inject(self, fault: f.Fault) -> None:
        """Apply one fault; returns at once. Raises ValueError for what is not there, `Problem` for writes."""
        match fault:
            case f.RequestRule():
                self._server.rules.add(fault)
            case f.StreamAction():
                self._on_streams(fault)
            case f.Apply() | f.Patch() | f.Delete() | f.DeleteAtOnce():
                write(self._server.api.changes, fault)
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
            await asyncio.gather(*self._lasting)

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
                    stream.inject(
                        odd_line(odd, stream.watch.resource, self._server.store, version=stream.version)
                    )
                case f.SendText(text=text):
                    stream.inject(text.encode())
                case f.SendBookmarks():
                    stream.bookmark_now()
                case _:
                    raise TypeError(f"no stream action: {fault!r}")

    # The server

    async def _on_server(self, fault: f.Whole) -> None:
        match fault:
            case (
                f.RefuseConnections()
                | f.Freeze()
                | f.MuteWatches()
                | f.SlowLines()
                | f.Restart()
                | f.Forbid()
                | f.DeleteDefinition()
            ):
                self._lasts(fault)
            case _:
                self._happens(fault)

    def _lasts(self, fault: f.Lasting) -> None:
        server = self._server
        match fault:
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
            case f.Forbid(for_s=for_s):
                server.api.phase.roles_loaded = False
                self._for(for_s, self._load_roles)
            case f.Restart():
                self._later(server.restart(fault))
            case f.DeleteDefinition(resource=name, linger_s=linger_s):
                server.api.changes.delete_all(resource_named(name))
                self.definition_changed(resource_named(name), linger_s=linger_s)
            case _:
                assert_never(fault)

    def _happens(self, fault: f.Momentary) -> None:
        server, store = self._server, self._server.store
        match fault:
            case f.DropConnections():
                server.drop_connections()
            case f.ExpireHistory(as_status=as_status):
                server.api.expired_as_status = as_status
                store.advance(to=store.version + 1)
                store.forget_history()
            case f.RotateToken(old=old, new=new):
                if old not in self._tokens:
                    raise ValueError(f"nobody has the token {old!r}")
                self._tokens[new] = self._tokens.pop(old)
            case f.CreateDefinition(resource=name):
                store.install(resource_named(name))
                self.definition_changed(resource_named(name))
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

    def definition_changed(self, resource: Resource, *, linger_s: float = 1.9) -> None:
        """A definition was made: its cache needs a moment. Or deleted: it goes after its last object."""
        initializing = self._server.api.phase.initializing
        if self._server.store.state(resource) == "terminating":
            self._later(self._uninstall_when_empty(resource, linger_s))
        else:
            initializing.add(resource)
            self._for(CACHE_FILLS_IN_S, lambda: initializing.discard(resource))

    async def _uninstall_when_empty(self, resource: Resource, linger_s: float) -> None:
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
