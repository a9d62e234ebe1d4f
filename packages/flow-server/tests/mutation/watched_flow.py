"""The flow whose every change is foreseen: bodies are posted to it, and readers come back to it.

What the contract's own decoder takes must be answered with 200 and read back the same; anything else must be
answered with an error and leave no trace. All of it is logged for the checker.
"""

import json
import re
import time
from typing import Any
from urllib.parse import quote

import msgspec

from flow_contract import ContractError, FlowMessage, Snapshot, decode_batch, decode_message, encode_message
from flow_server.http.bodies import BodyTooLarge, unpacked
from flow_server.http.errors import HttpError
from flow_simulator.checker import Answered, Connecting, Deleting, Framed, Log, Posting
from flow_simulator.checker.frames import FrameParser, WireFrame

from .control import Control, Wrong, check_error
from .inputs import FIRST, LAST, MIDDLE, Cursor, PostedBody
from .wire import ANSWER_S, QUIET_S, Answer, Connection

WATCHED = "bootstrap"
"""The flow that most of the contract's vectors are of."""

BODY_BYTES, BATCH_MESSAGES, TEXT_CHARACTERS = 2**20, 1024, 4096
"""The server's own bounds, beyond which a body that is good by the contract is refused."""

LARGEST_SNAPSHOT_BYTES, LARGEST_HISTORY = 100_000, 1_500
"""When the flow is begun anew, so that looking at it stays cheap and all of it stays in the ring."""

_MARK = b'{"type":"delete-nodes","ids":["what no body names"]}'
_CONTENT_TYPES = {None: False, b"application/json": False, b"application/x-ndjson": True}


class WatchedFlow:
    """The flow as it must be."""

    def __init__(self, control: Control, log: Log, *, flow: str = WATCHED) -> None:
        """A flow that is not there yet."""
        self.flow = flow
        self.sequences: list[int] = []
        """Of every message since it began."""
        self.last: int | None = None
        """Sequence of the newest message; `None`: the flow is not there."""
        self._path = f"/v1/flows/{quote(flow, safe='')}"
        self._snapshot: bytes | None = None
        self._control = control
        self._log = log
        self._poster: Connection | None = None
        self._serial = 0

    def post(self, sent: PostedBody) -> int:
        """Post a body and see that exactly what must happen happened; its status. Raises `Wrong`."""
        if len(self.sequences) > LARGEST_HISTORY or len(self._snapshot or b"") > LARGEST_SNAPSHOT_BYTES:
            self.begin_anew()
        foreseen, path = _foreseen(sent, self.flow)
        if foreseen is not None:
            self._log_posting(foreseen)
        answer = self._answered(sent)
        told = _json_of(answer)
        if foreseen is not None:
            self._log_answer(answer.status, told)
        if answer.status == 200:
            if foreseen is None:
                raise Wrong(f"a body that the contract refuses was answered with 200: {told}")
            self._check_applied(foreseen, told)
        else:
            check_error(answer)
            if foreseen is not None and not _beyond_our_bounds(answer.status, sent, foreseen):
                raise Wrong(f"a body that the contract takes was answered with {answer.status}: {told}")
            if path is not None and answer.status == 400 and told.get("path") != path:
                raise Wrong(f"expected the path {path}, found {told}")
            self.check_unchanged()
        return answer.status

    def come_back(self, sent: Cursor) -> int:
        """Read the stream from a cursor: it continues a number that was sent, or begins with a snapshot."""
        if not self.sequences:
            self._mark()
        cursors = {
            FIRST: self.sequences[0],
            MIDDLE: self.sequences[len(self.sequences) // 2],
            LAST: self.sequences[-1],
        }
        said = sent.wire(f"{self._path}/stream", cursors)
        with Connection(self._control.port) as connection:
            connection.send(said)
            answer = connection.read_head(quiet_s=QUIET_S) or Answer()
            if answer.status == 200 and answer.headers.get("content-type") == "text/event-stream":
                self._check_frames(connection, answer, said)
            elif answer.status >= 400:
                connection.read(until_answers=1, quiet_s=ANSWER_S)
                check_error(answer)
            self.check_unchanged()
            return answer.status

    def check_unchanged(self) -> None:
        """The snapshot is byte for byte what it was. Raises `Wrong`."""
        last, body = self._read_snapshot()
        if (last, body) != (self.last, self._snapshot):
            raise Wrong(f"the snapshot changed from {self.last} to {last}: {body!r:.500}")

    def begin_anew(self) -> None:
        """Delete the flow."""
        self._serial += 1
        self._log.write(
            Deleting(writer="fuzz", serial=self._serial, flow=self.flow, at_ns=time.monotonic_ns())
        )
        status, _, _ = self._control.request("DELETE", self._path)
        self._log_answer(status, {})
        self.sequences, self.last, self._snapshot = [], None, None
        self.check_unchanged()

    def close(self) -> None:
        """Let the connection go."""
        if self._poster is not None:
            self._poster.close()

    def _answered(self, sent: PostedBody) -> Answer:
        """The one answer to a well-formed request; the connection is kept while the server keeps it."""
        if self._poster is None:
            self._poster = Connection(self._control.port)
        connection, self._poster = self._poster, None
        connection.answers.clear()
        connection.send(sent.wire(f"{self._path}/events"), sent.cuts)
        connection.read(until_answers=1, quiet_s=ANSWER_S)
        if not connection.whole():
            connection.close()
            raise Wrong(f"a whole request was not answered: {connection.received[-500:]!r}")
        answer = connection.answers[-1]
        if connection.over or answer.headers.get("connection") == "close":
            connection.close()
        else:
            self._poster = connection
        return answer

    def _check_applied(self, messages: list[FlowMessage], told: dict[str, Any]) -> None:
        """The history has exactly these messages more, and the snapshot reads back."""
        before = self.last
        if told["count"] != len(messages) or told["seq"] <= (before or 0):
            raise Wrong(f"{len(messages)} messages after {before} were answered with {told}")
        lines = self._control.history(f"{self._path}/events?after={before or 0}")
        if before is None:
            lines = lines[1:]  # the base
        kept = [decode_message(bytes(line.message)) for line in lines]
        if kept != messages or not lines or lines[-1].seq != told["seq"]:
            raise Wrong(f"{messages} was taken, and the history has {kept} up to {lines[-1:]}")
        self.sequences += [line.seq for line in lines]
        self.last, self._snapshot = self._read_snapshot()
        if self.last != told["seq"] or self._snapshot is None:
            raise Wrong(f"the answer was {told}, and the snapshot is of {self.last}")
        if not isinstance(decode_message(self._snapshot, flow_id=self.flow), Snapshot):
            raise Wrong(f"no snapshot: {self._snapshot!r:.500}")

    def _check_frames(self, connection: Connection, answer: Answer, said: bytes) -> None:
        before = list(self.sequences)
        mark = self._mark()
        parser, frames, taken = FrameParser(), list[WireFrame](), 0
        deadline_s = time.monotonic() + ANSWER_S
        while not frames or (frames[-1].id or 0) < mark:
            connection.read(quiet_s=0.005)
            frames += parser.feed(answer.body[taken:])
            taken = len(answer.body)
            if time.monotonic() > deadline_s or connection.over:
                raise Wrong(f"{mark} did not come: {answer.body[-500:]!r}")
        self._log_frames(frames)
        ids = [frame.id for frame in frames]
        if frames[0].event == "snapshot":
            following = [one for one in self.sequences if one > (ids[0] or 0)]
            if ids[1:] != following:
                raise Wrong(f"after the snapshot {ids[0]} came {ids[1:]}, expected {following}")
            return
        if ids != self.sequences[-len(ids) :]:
            raise Wrong(f"{ids} came, and {self.sequences[-len(ids) :]} are the newest")
        floor = ([self.sequences[0] - 1, *before, mark])[len(self.sequences) - len(ids)]
        numbers = {int(number) for number in re.findall(rb"\d{1,16}", said.replace(b"%3", b""))}
        if not any(floor <= number < (ids[0] or 0) for number in numbers):
            raise Wrong(f"the frames from {ids[0]} on continue nothing that was said")

    def _mark(self) -> int:
        """Post a message that changes nothing; its sequence."""
        [message] = decode_batch(_MARK)
        self._log_posting([message])
        status, _, body = self._control.request("POST", f"{self._path}/events", _MARK)
        told: dict[str, Any] = json.loads(body)
        self._log_answer(status, told)
        self._check_applied([message], told)
        return told["seq"]

    def _read_snapshot(self) -> tuple[int | None, bytes | None]:
        status, headers, body = self._control.request("GET", f"{self._path}/snapshot")
        if status == 404:
            return None, None
        if status != 200:
            raise Wrong(f"the snapshot was answered with {status}: {body!r:.500}")
        return int(headers["etag"].strip('"')), body

    def _log_posting(self, messages: list[FlowMessage]) -> None:
        self._serial += 1
        said = tuple(msgspec.json.decode(encode_message(message)) for message in messages)
        self._log.write(
            Posting(
                writer="fuzz",
                serial=self._serial,
                flow=self.flow,
                messages=said,
                at_ns=time.monotonic_ns(),
            )
        )

    def _log_answer(self, status: int, told: dict[str, Any]) -> None:
        accepted = status == 200
        self._log.write(
            Answered(
                writer="fuzz",
                serial=self._serial,
                at_ns=time.monotonic_ns(),
                status=status,
                seq=told["seq"] if accepted else None,
                count=told["count"] if accepted else None,
                epoch=told["epoch"] if accepted else None,
            )
        )

    def _log_frames(self, frames: list[WireFrame]) -> None:
        reader = f"cursor/{self._serial}"
        replayed = frames[0].event != "snapshot"
        self._log.write(
            Connecting(
                reader=reader,
                connection=1,
                flow=self.flow,
                last_event_id=(frames[0].id or 0) - 1 if replayed else None,
                rewound=True,
                at_ns=time.monotonic_ns(),
            )
        )
        for frame in frames:
            self._log.write(
                Framed(
                    reader=reader,
                    connection=1,
                    event=frame.event,
                    id=frame.id,
                    data=frame.data,
                    at_ns=time.monotonic_ns(),
                )
            )


def _foreseen(sent: PostedBody, flow: str) -> tuple[list[FlowMessage] | None, str | None]:
    """The messages that must be taken, or `None` and the path of what is wrong, if it has one."""
    if sent.content_type not in _CONTENT_TYPES:
        return None, None
    try:
        body = unpacked(
            sent.body,
            encoding=None if sent.encoding is None else sent.encoding.decode("latin-1"),
            limit_bytes=BODY_BYTES,
        )
        return decode_batch(body, flow_id=flow, lines=_CONTENT_TYPES[sent.content_type]), None
    except ContractError as error:
        return None, error.path if len(sent.body) <= BODY_BYTES else None
    except (BodyTooLarge, HttpError):
        return None, None


def _beyond_our_bounds(status: int, sent: PostedBody, messages: list[FlowMessage]) -> bool:
    """Whether a body that the contract takes may be refused with that status."""
    match status:
        case 413:
            return len(sent.body) > BODY_BYTES or len(messages) > BATCH_MESSAGES
        case 400:
            return sent.encoding is not None or len(sent.body) > TEXT_CHARACTERS
        case 422:
            return True
        case _:
            return False


def _json_of(answer: Answer) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Wrong(f"{answer.status} without JSON: {answer.body!r:.500}") from error
