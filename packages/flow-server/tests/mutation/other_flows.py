"""Raw bytes, and whatever they did to flows that nobody foresaw anything of: each change needs its answer."""

import json
import re
import time
from collections import deque
from urllib.parse import unquote

from flow_contract import ContractError, Snapshot, decode_message

from .control import Control, Wrong, check_error, flow_path
from .inputs import RawBytes
from .wire import ANSWER_S, QUIET_S, Answer, Connection

LATE_S = 20.0
"""How long a request may still be applied after the server closed its connection without an answer to it."""

MOST_FLOWS = 12
"""How many other flows there may be before they are deleted."""

MOST_OPEN = 24
"""How many connections are kept, for answers that are late."""


class OtherFlows:
    """All flows but the watched one."""

    def __init__(self, control: Control, *, watched: str) -> None:
        """As they are now."""
        self._control = control
        self._watched = watched
        self._known = self._now()
        self._open: deque[tuple[Connection, RawBytes]] = deque()
        """Connections on which the server may wait for more, or is not done."""
        self._unused: list[Answer] = []
        """Answers that came and explained nothing yet."""
        self._late_until_s = 0.0

    def send(self, sent: RawBytes) -> list[int]:
        """Send bytes; the statuses that came back so far. Raises `Wrong`."""
        connection = Connection(self._control.port)
        self._open.append((connection, sent))
        connection.send(sent.data, sent.cuts)
        self._read(connection, QUIET_S)
        self._explain()
        statuses = [answer.status for answer in connection.answers]
        if connection.over or (statuses and not connection.answers[-1].whole):
            self._open.pop()  # an answer that does not end is a stream
            self._let_go(connection, sent)
        if len(self._open) > MOST_OPEN:
            self._let_go(*self._open.popleft())
        return statuses

    def close(self) -> None:
        """Let all connections go."""
        while self._open:
            self._open.pop()[0].close()

    def refresh(self) -> None:
        """Take them as they are now, whatever happened."""
        self.close()
        self._known = self._now()

    def _let_go(self, connection: Connection, sent: RawBytes) -> None:
        """Look at what came last, and close."""
        self._read(connection, 0.0005)
        connection.close()
        writes = len(re.findall(rb"POST |DELETE ", sent.data))
        if connection.over and writes > connection.whole():
            self._late_until_s = time.monotonic() + LATE_S
        for answer in connection.answers:
            _check(answer, sent)

    def _explain(self) -> None:
        """Each flow that changed was answered so; an answer that is late is waited for."""
        deadline_s = time.monotonic() + ANSWER_S
        while unexplained := self._unexplained():
            if time.monotonic() < self._late_until_s:
                break
            if time.monotonic() > deadline_s or all(connection.over for connection, _ in self._open):
                raise Wrong(f"changed without an answer that says so: {unexplained}")
            for connection, _ in self._open:
                self._read(connection, 0.002)
        now = self._now()
        for flow, sequence in now.items():
            if self._known.get(flow) != sequence:
                self._check_readable(flow)
        if len(now) > MOST_FLOWS:
            for flow in now:
                self._control.request("DELETE", flow_path(flow))
            now = self._now()
        self._known = now
        self._unused.clear()

    def _read(self, connection: Connection, quiet_s: float) -> None:
        known = len(connection.answers)
        connection.read(quiet_s=quiet_s)
        self._unused += connection.answers[known:]

    def _unexplained(self) -> dict[str, tuple[int | None, int | None]]:
        now = self._now()
        changed = {
            flow: (self._known.get(flow), now.get(flow))
            for flow in self._known | now
            if self._known.get(flow) != now.get(flow)
        }
        if not changed:
            return {}
        accepted = {sequence for answer in self._unused if (sequence := _accepted(answer)) is not None}
        deleted = any(answer.status == 204 for answer in self._unused)
        return {
            flow: (before, after)
            for flow, (before, after) in changed.items()
            if not (deleted if after is None else after in accepted)
        }

    def _check_readable(self, flow: str) -> None:
        """What was taken reads back through the contract's own decoder."""
        status, _, body = self._control.request("GET", flow_path(flow) + "/snapshot")
        if status == 404:
            return
        try:
            message = decode_message(body, flow_id=flow)
            for line in self._control.history(flow_path(flow) + "/events?after=0"):
                decode_message(bytes(line.message))
        except ContractError as error:
            raise Wrong(f"flow {flow!r} does not read back: {error}: {body!r:.500}") from error
        if not isinstance(message, Snapshot):
            raise Wrong(f"flow {flow!r} has no snapshot: {body!r:.500}")

    def _now(self) -> dict[str, int]:
        return {flow: seq for flow, seq in self._control.flows().items() if flow != self._watched}


def _accepted(answer: Answer) -> int | None:
    """The sequence in the answer to a POST that was taken."""
    if answer.status != 200 or not answer.body.startswith(b'{"seq":'):
        return None
    try:
        return json.loads(answer.body)["seq"]
    except ValueError:
        return None


def _check(answer: Answer, sent: RawBytes) -> None:
    if answer.status == 503 and "minseq" not in unquote(sent.data.decode("latin-1")).lower():
        raise Wrong(f"503 {answer.body!r:.500}")
    if answer.status >= 400 and answer.whole and b"HEAD " not in sent.data:
        check_error(answer)
    elif answer.status >= 500 and answer.status not in (503, 505):
        raise Wrong(f"{answer.status} {answer.body!r:.500}")
