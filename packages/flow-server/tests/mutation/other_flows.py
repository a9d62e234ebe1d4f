"""Raw bytes, and whatever they did to flows that nobody foresaw anything of: each change needs its answer."""

import json
import time
from urllib.parse import unquote

from flow_contract import ContractError, Snapshot, decode_message

from .control import Control, Wrong, check_error, flow_path
from .inputs import RawBytes
from .wire import ANSWER_S, QUIET_S, Answer, Connection

LATE_S = 2.0
"""How long after its connection went a request may still be applied unanswered."""

MOST_FLOWS = 12
"""How many other flows there may be before they are deleted."""


class OtherFlows:
    """All flows but the watched one."""

    def __init__(self, control: Control, *, watched: str) -> None:
        """As they are now."""
        self._control = control
        self._watched = watched
        self._known = self._now()
        self._late_until_s = 0.0

    def send(self, sent: RawBytes) -> list[int]:
        """Send bytes; the statuses that came back. Raises `Wrong`."""
        with Connection(self._control.port) as connection:
            connection.send(sent.data, sent.cuts)
            connection.read(quiet_s=QUIET_S)
            self._explain(connection)
            if not connection.over:
                self._late_until_s = time.monotonic() + LATE_S
            for answer in connection.answers:
                _check(answer, sent)
            return [answer.status for answer in connection.answers]

    def refresh(self) -> None:
        """Take them as they are now, whatever happened."""
        self._known = self._now()

    def _explain(self, connection: Connection) -> None:
        """Each flow that changed was answered so; an answer that is late is waited for."""
        deadline_s = time.monotonic() + ANSWER_S
        while unexplained := self._unexplained(connection.answers):
            if time.monotonic() < self._late_until_s:
                break
            if connection.over or time.monotonic() > deadline_s:
                raise Wrong(f"changed without an answer that says so: {unexplained}")
            connection.read(quiet_s=QUIET_S)
        now = self._now()
        for flow, sequence in now.items():
            if self._known.get(flow) != sequence:
                self._check_readable(flow)
        if len(now) > MOST_FLOWS:
            for flow in now:
                self._control.request("DELETE", flow_path(flow))
            now = self._now()
        self._known = now

    def _unexplained(self, answers: list[Answer]) -> dict[str, tuple[int | None, int | None]]:
        now = self._now()
        changed = {
            flow: (self._known.get(flow), now.get(flow))
            for flow in self._known | now
            if self._known.get(flow) != now.get(flow)
        }
        if not changed:
            return {}
        accepted = {sequence for answer in answers if (sequence := _accepted(answer)) is not None}
        deleted = any(answer.status == 204 for answer in answers)
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
