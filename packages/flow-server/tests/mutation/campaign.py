"""The mutation run: mutated bad inputs over real sockets, and what must hold after each of them.

No answer of 500, no traceback, no end of the process; `/healthz` answers throughout; a body that is refused
leaves the snapshot and the stream as they were; one that is taken reads back the same, through the contract's
own decoder; each answer is of the form that errors have here. At the end of each round the checker judges
everything that was answered and everything that readers saw.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import hypothesis

from flow_simulator.checker import Log, Reader, check, take_snapshot
from flow_simulator.checker.server_process import ServerProcess

from .control import Control, Wrong
from .credentials import write_grants
from .inputs import Cursor, Failing, Input, PostedBody
from .mutations import inputs
from .other_flows import OtherFlows
from .watched_flow import WATCHED, WatchedFlow

STORES = ("memory", "sqlite")
ROUND = 500
"""Inputs of a round, whose log the checker judges."""
RECENT = 40
"""How many inputs before a wrong one are kept with it."""
HEALTH_PAUSE_S = 0.05
HEALTH_S = 60.0
"""How long `/healthz` may take; a busy machine is no finding."""
REACHED_S = 120.0


@dataclass
class Outcome:
    """What happened, and what was wrong with it."""

    seed: int
    inputs: Counter[str] = field(default_factory=Counter[str])
    """By store."""
    answers: Counter[str] = field(default_factory=Counter[str])
    """By kind of input and status."""
    health_ms: list[float] = field(default_factory=list[float])
    frames: int = 0
    failing: list[Failing] = field(default_factory=list[Failing])
    findings: list[str] = field(default_factory=list[str])
    took_s: float = 0.0

    def told(self) -> str:
        """The counts, for a person."""
        health = sorted(self.health_ms) or [0.0]
        stores = ", ".join(f"{count} to the {store} store" for store, count in sorted(self.inputs.items()))
        kinds = {name.partition(" ")[0] for name in self.answers}
        lines = [
            f"seed {self.seed}: {len(self.findings)} findings in {self.took_s:.0f} s",
            f"  {self.inputs.total()} inputs, {stores}; {self.frames} frames read beside them",
        ]
        for kind in sorted(kinds):
            statuses = sorted((name, count) for name, count in self.answers.items() if name.startswith(kind))
            lines.append(
                f"  {kind}: " + ", ".join(f"{count} x {name.split()[1]}" for name, count in statuses)
            )
        lines.append(
            f"  /healthz asked {len(self.health_ms)} times: median {health[len(health) // 2]:.1f} ms, "
            f"p99 {health[len(health) * 99 // 100]:.1f} ms, slowest {health[-1]:.1f} ms"
        )
        return "\n".join(lines)


class Target:
    """One server, its log and whoever watches it."""

    def __init__(self, store: str, folder: Path) -> None:
        """Not running yet; everything it writes goes into `folder`."""
        self.store = store
        folder.mkdir()
        settings = {"FLOW_SERVER_STORE": store}
        if store == "sqlite":
            settings["FLOW_SERVER_SQLITE_PATH"] = str(folder / "flows.db")
            settings["FLOW_SERVER_AUTH_FILE"] = str(write_grants(folder))
        self.server = ServerProcess(folder, settings)
        self._looked_at = 0

    def problems_logged(self) -> list[str]:
        """What the server's log says since the last look that it should not."""
        text = self.server.log.read_bytes()
        said, self._looked_at = text[self._looked_at : text.rfind(b"\n") + 1], text.rfind(b"\n") + 1
        found = [line.decode(errors="replace") for line in said.splitlines() if _is_problem(line)]
        return ["the log says: " + "\n".join(found[:40])] if found else []


async def campaign(
    *,
    seed: int,
    folder: Path,
    inputs_per_store: int | None = None,
    seconds: float | None = None,
    kept: list[Failing] | None = None,
) -> Outcome:
    """Run so many inputs on each store, or for so long in all; the first wrong one ends it.

    `kept` are sent first, as they are. Failing inputs are in the outcome.
    """
    outcome, began_s = Outcome(seed), time.monotonic()
    async with AsyncExitStack() as stack:
        targets = [Target(store, folder / store) for store in STORES]
        for target in targets:
            await stack.enter_async_context(target.server)
        health = await stack.enter_async_context(asyncio.TaskGroup())
        asking = [health.create_task(_ask_for_health(target, outcome)) for target in targets]
        for target in targets:
            await _replay(target, [each for each in kept or [] if each.store == target.store], outcome)
        number = 0
        while not outcome.findings and _goes_on(number, inputs_per_store, seconds, began_s):
            target = targets[number % len(targets)]
            size = (
                ROUND
                if inputs_per_store is None
                else min(ROUND, inputs_per_store - number // len(targets) * ROUND)
            )
            await _round(target, size, seed + number, outcome)
            number += 1
        for task in asking:
            task.cancel()
    outcome.took_s = time.monotonic() - began_s
    return outcome


def _goes_on(number: int, inputs_per_store: int | None, seconds: float | None, began_s: float) -> bool:
    if inputs_per_store is not None:
        return number // len(STORES) * ROUND < inputs_per_store
    return time.monotonic() < began_s + (seconds or 0.0)


class Judge:
    """Sends inputs to one server, one after the other; the smallest wrong one is kept."""

    def __init__(self, target: Target, log: Log, outcome: Outcome) -> None:
        """Connect to the server, and begin the watched flow anew."""
        self._target = target
        self._outcome = outcome
        self._control = Control(target.server.port)
        self.watched = WatchedFlow(self._control, log)
        self._others = OtherFlows(self._control, watched=WATCHED)
        self.wrong: tuple[tuple[Input, ...], Input, str] | None = None
        """What was sent before, what was wrong, and how."""
        self._recent: deque[Input] = deque(maxlen=RECENT)
        self.watched.begin_anew()

    def judge(self, sent: Input) -> None:
        """Send an input and see that nothing is wrong. Raises `Wrong`."""
        try:
            self._judge(sent)
        except (Wrong, AssertionError, OSError) as error:
            self.wrong = (tuple(self._recent), sent, f"{type(error).__name__}: {error}")
            with suppress(Wrong, OSError):  # what is wrong for good shows in the next input
                self.watched.begin_anew()
                self._others.refresh()
            raise
        finally:
            self._recent.append(sent)

    def close(self) -> None:
        """Let the connections go."""
        self.watched.close()
        self._others.close()
        self._control.close()

    def _judge(self, sent: Input) -> None:
        self._outcome.inputs[self._target.store] += 1
        match sent:
            case PostedBody():
                statuses = [self.watched.post(sent)]
            case Cursor():
                statuses = [self.watched.come_back(sent)]
            case _:
                statuses = self._others.send(sent)
                self.watched.check_unchanged()
        kind = type(sent).__name__
        self._outcome.answers.update(f"{kind} {status or 'none'}" for status in statuses or [0])
        if problems := self._target.problems_logged():
            raise Wrong(problems[0])


async def _round(target: Target, size: int, seed: int, outcome: Outcome) -> None:
    """Send so many inputs to one server."""
    async with _watching(target, outcome) as judge:

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=size,
            deadline=None,
            database=None,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            suppress_health_check=(hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large),
            report_multiple_bugs=False,
        )
        @hypothesis.given(inputs())
        def send(sent: Input) -> None:
            judge.judge(sent)

        await asyncio.to_thread(_run, send, judge)
        _note(judge, target, seed, outcome)


def _run(send: Callable[[], None], judge: Judge) -> None:
    try:
        send()
    except Exception:
        # Whatever hypothesis makes of it (it may call it flaky: a server has a past), the judge knows.
        if judge.wrong is None:
            raise


async def _replay(target: Target, kept: list[Failing], outcome: Outcome) -> None:
    """Send what an earlier run kept."""
    for failing in kept:
        async with _watching(target, outcome) as judge:
            with suppress(Wrong, AssertionError, OSError):
                for sent in (*failing.before, failing.input):
                    await asyncio.to_thread(judge.judge, sent)
            _note(judge, target, failing.seed, outcome)


def _note(judge: Judge, target: Target, seed: int, outcome: Outcome) -> None:
    if judge.wrong is None:
        return
    before, sent, problem = judge.wrong
    failing = Failing(store=target.store, problem=problem, seed=seed, before=before, input=sent)
    outcome.failing.append(failing)
    outcome.findings.append(f"{target.store}, seed {seed}: {problem}\n  {sent!r}")


@asynccontextmanager
async def _watching(target: Target, outcome: Outcome) -> AsyncGenerator[Judge]:
    """A judge, and a reader of the watched flow beside it; at the end the checker looks at both."""
    log, url = Log(), target.server.url
    async with httpx.AsyncClient(timeout=REACHED_S) as client:
        judge = await asyncio.to_thread(Judge, target, log, outcome)
        try:
            async with Reader(url, flow=WATCHED, name="reader", log=log, pause_s=0.01) as reader:
                yield judge
                if judge.wrong is not None:
                    return  # what it did is judged already
                if judge.watched.last is not None:
                    await reader.reached(judge.watched.last, within_s=REACHED_S)
                await take_snapshot(client, url, flow=WATCHED, log=log)
        finally:
            judge.close()
    outcome.frames += reader.frames
    outcome.findings += [f"{target.store}: {finding}" for finding in check(log.entries)]
    outcome.findings += target.problems_logged()


async def _ask_for_health(target: Target, outcome: Outcome) -> None:
    """Ask over and over; no answer is a finding."""
    while True:
        began_s = time.perf_counter()
        try:
            async with asyncio.timeout(HEALTH_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", target.server.port)
                with contextlib.closing(writer):
                    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    said = await reader.read()
        except (OSError, TimeoutError) as error:
            outcome.findings.append(f"{target.store}: /healthz: {type(error).__name__}: {error}")
            return
        if not said.startswith(b"HTTP/1.1 200 ") or not said.endswith(b"ok"):
            outcome.findings.append(f"{target.store}: /healthz: {said!r}")
            return
        outcome.health_ms.append((time.perf_counter() - began_s) * 1000)
        await asyncio.sleep(HEALTH_PAUSE_S)


def _is_problem(line: bytes) -> bool:
    """Whether a line of the log is an error, or none of our own at all, as a traceback's are."""
    try:
        return json.loads(line)["level"] in ("error", "critical")
    except (ValueError, KeyError, TypeError):
        return True
