"""The API server on a socket: connections, watches, time that can run faster, and its moods."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, replace

from flow_simulator.kubernetes.answers import Answer, Watch, json_answer, problem_answer
from flow_simulator.kubernetes.api import Api, Phase, too_large_body
from flow_simulator.kubernetes.connection import Connection, TooLargeBody, whole
from flow_simulator.kubernetes.faults import (
    AnswerLate,
    AnswerWith,
    DropRequest,
    HalfAnswer,
    NeverAnswer,
    OtherContentType,
    Restart,
    Rule,
)
from flow_simulator.kubernetes.problems import Problem
from flow_simulator.kubernetes.requests import Request
from flow_simulator.kubernetes.resources import RESOURCES
from flow_simulator.kubernetes.rules import Rules, verb_and_resource
from flow_simulator.kubernetes.watch_stream import WatchStream

REQUESTS_REMEMBERED = 10_000
CACHE_FILLS_IN_S = 0.1
"""How long custom resources answer 429 after a start, or after their definition was made."""
VERSIONS_A_RESTART_TAKES = 9
"""A real server writes a few objects of its own when it starts; as recorded."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as it was answered: `status` 0 means not at all; `at_s` is the server's own time."""

    at_s: float
    verb: str
    resource: str
    status: int
    target: str


class Server:
    """One API server. All seconds are its own: `speed` of them pass in a real second."""

    def __init__(self, api: Api, *, speed: float = 1.0) -> None:
        """Listens after `start`."""
        self.api = api
        self.store = api.store
        self.speed = speed
        self._began = asyncio.get_running_loop().time()
        self.rules = Rules(elapsed_s=self.elapsed_s)
        self.slow_line_s = 0.0
        self.streams: set[WatchStream] = set()
        self._opened = asyncio.Event()
        self.connections: set[Connection] = set()
        self.seen: deque[Seen] = deque(maxlen=REQUESTS_REMEMBERED)
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self._awake = asyncio.Event()
        self._talkative = asyncio.Event()
        self._awake.set()
        self._talkative.set()
        self._listener: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        """Faults that overlap may end at the same time."""
        self.port = 0

    # Time

    def elapsed_s(self) -> float:
        """The server's seconds since its first start."""
        return (asyncio.get_running_loop().time() - self._began) * self.speed

    def real_s(self, seconds: float) -> float:
        """Real seconds for the server's seconds."""
        return seconds / self.speed

    async def sleep(self, seconds: float) -> None:
        """Let the server's seconds pass."""
        await asyncio.sleep(self.real_s(seconds))

    # Listening

    async def start(self) -> None:
        """Listen on 127.0.0.1, unless it does; the first time on a free port, later on the same."""
        loop = asyncio.get_running_loop()
        async with self._starting:
            if self._listener is not None:
                return
            self._listener = await loop.create_server(
                lambda: Connection(self._serve), "127.0.0.1", self.port, reuse_address=True
            )
        self.port = self._listener.sockets[0].getsockname()[1]
        self.api.address = f"127.0.0.1:{self.port}"

    @property
    def listening(self) -> bool:
        """Whether new connections are taken."""
        return self._listener is not None

    def stop_listening(self) -> None:
        """New connections are refused from here on; open ones go on."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def stop(self) -> None:
        """Cut everything and wait until all tasks have ended."""
        self.stop_listening()
        self.drop_connections()
        tasks = [connection.task for connection in self.connections if connection.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def drop_connections(self) -> None:
        """Reset every connection."""
        for connection in tuple(self.connections):
            connection.reset()

    async def restart(self, how: Restart) -> None:
        """Go down and come up again, phase by phase (see `Restart`)."""
        self.stop_listening()
        if not how.kill:
            watching = {stream.connection for stream in self.streams}
            for connection in self.connections - watching:
                connection.close()
            await self.sleep(how.drain_s)
            for stream in tuple(self.streams):
                stream.inject("clean")
            await asyncio.sleep(0)
        self.drop_connections()
        await self.sleep(how.down_s)
        await self.begin_again()
        await self.sleep(how.roles_s)
        self.api.phase.roles_loaded = True
        await self.sleep(how.paths_s)
        self.api.phase.paths_installed = True
        await self.sleep(CACHE_FILLS_IN_S)
        self.api.phase.initializing.clear()
        await self.sleep(how.ready_s)
        self.api.phase.ready = True

    async def begin_again(self, *, version: int = 0) -> None:
        """Listen again as one that has just started: nothing loaded, no history; at least at `version`."""
        self.api.phase = Phase(
            roles_loaded=False,
            paths_installed=False,
            ready=False,
            initializing={resource for resource in RESOURCES if resource.custom},
        )
        self.store.advance(to=version or self.store.version + VERSIONS_A_RESTART_TAKES)
        self.store.forget_history()
        await self.start()

    # Moods

    async def may_write(self, *, watch: bool) -> None:
        """Wait while the server is frozen or, for a watch, mute."""
        await self._awake.wait()
        while watch and not self._talkative.is_set():
            await self._talkative.wait()
            await self._awake.wait()

    def freeze(self) -> None:
        """Send nothing any more."""
        self._awake.clear()

    def thaw(self) -> None:
        """Go on."""
        self._awake.set()

    def mute_watches(self) -> None:
        """Watches give no line and no end any more."""
        self._talkative.clear()

    def unmute_watches(self) -> None:
        """Watches go on."""
        self._talkative.set()

    # Serving

    async def _serve(self, connection: Connection) -> None:
        self.connections.add(connection)
        try:
            while True:
                try:
                    request = await connection.next_request()
                except TooLargeBody:
                    await connection.send(too_large_body())
                    return
                await self._handle(connection, request)
        finally:
            self.connections.discard(connection)

    async def _handle(self, connection: Connection, request: Request) -> None:
        await self.may_write(watch=False)
        rule = self.rules.take(request)
        if isinstance(rule, NeverAnswer | DropRequest):
            self._note(request, status=0)
            if isinstance(rule, DropRequest):
                connection.reset()
            await asyncio.Event().wait()
        if isinstance(rule, AnswerLate):
            await self.sleep(rule.by_s)
        answer = _odd_answer(rule) if isinstance(rule, AnswerWith) else self.api.answer(request)
        if isinstance(answer, Watch):
            await self._watch(connection, request, answer, rule)
            return
        await self.sleep(answer.after_s)
        await self.may_write(watch=False)
        self._note(request, status=answer.status)
        if isinstance(rule, OtherContentType):
            answer = replace(answer, content_type=rule.content_type)
        if isinstance(rule, HalfAnswer):
            data = whole(answer)
            connection.write(data[: len(data) - len(answer.body) // 2 - 1])
            connection.close()
            return
        await connection.send(answer)

    async def _watch(self, connection: Connection, request: Request, watch: Watch, rule: Rule | None) -> None:
        self._note(request, status=200)
        if isinstance(rule, OtherContentType):
            headers = () if rule.content_type is None else (("Content-Type", rule.content_type),)
            watch = replace(watch, headers=headers)
        stream = WatchStream(watch, connection, self)
        if isinstance(rule, HalfAnswer):
            stream.inject("cut")
        self.streams.add(stream)
        try:
            await stream.run()
        finally:
            self.streams.discard(stream)

    async def until_watched(self, *, streams: int) -> None:
        """Wait until at least so many watches are open."""
        while sum(stream.opened for stream in self.streams) < streams:
            self._opened.clear()
            await self._opened.wait()

    def stream_opened(self) -> None:
        """Told when the head of a stream was written."""
        self._opened.set()

    def _note(self, request: Request, *, status: int) -> None:
        verb, resource = verb_and_resource(request)
        self.counts[verb, resource, status] += 1
        self.seen.append(
            Seen(at_s=self.elapsed_s(), verb=verb, resource=resource, status=status, target=request.target)
        )


def _odd_answer(rule: AnswerWith) -> Answer:
    if rule.body is not None:
        return Answer(status=rule.status, body=rule.body.encode(), content_type=rule.content_type)
    problem = Problem(rule.status, rule.reason, rule.message, retry_after_s=rule.retry_after_s)
    if rule.status < 400:
        return replace(json_answer(rule.status, problem.status()), content_type=rule.content_type)
    return replace(problem_answer(problem), content_type=rule.content_type, after_s=0.0)
