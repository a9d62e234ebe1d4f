"""Every fault there is, as data: what a test scripts in Python, or sends to the control API as JSON.

In JSON the field `fault` names the class (`{"fault": "AnswerWith", "verbs": ["list"], "status": 503}`).
Seconds are the simulated server's (see `Server.speed`).
"""

from typing import Any, Literal

import msgspec


class _Fault(msgspec.Struct, frozen=True, kw_only=True, tag_field="fault", forbid_unknown_fields=True):
    pass


# Rules: what happens to requests to come. The first one that fits is applied.


class RequestRule(_Fault, frozen=True, kw_only=True):
    """Which requests: `verbs` (`get`, `list`, `watch`, `create`, ...), `resource` (plural); empty: all.

    It ends after `times` requests or after `for_s` seconds, whichever comes first; else when it is lifted.
    Requests that are about no resource (`/readyz`, discovery) have the verb `path`.
    """

    verbs: tuple[str, ...] = ()
    resource: str = ""
    times: int | None = None
    for_s: float | None = None


class AnswerWith(RequestRule, frozen=True, kw_only=True, tag=True):
    """Another answer: a Status object with `reason` and `message`, or the text `body` as it is."""

    status: int
    reason: str = ""
    message: str = "a fault of the simulator"
    retry_after_s: int = 0
    body: str | None = None
    content_type: str | None = "application/json"


class NeverAnswer(RequestRule, frozen=True, kw_only=True, tag=True):
    """The request is taken and nothing ever comes back."""


class AnswerLate(RequestRule, frozen=True, kw_only=True, tag=True):
    """The answer comes `by_s` seconds late."""

    by_s: float


class HalfAnswer(RequestRule, frozen=True, kw_only=True, tag=True):
    """The head and half of the body, then the connection is closed."""


class OtherContentType(RequestRule, frozen=True, kw_only=True, tag=True):
    """The right answer with another `Content-Type`, or with none at all."""

    content_type: str | None


class DropRequest(RequestRule, frozen=True, kw_only=True, tag=True):
    """The connection is reset instead of an answer."""


# Streams: what happens to the watches that are open now.


class StreamAction(_Fault, frozen=True, kw_only=True):
    """Which open watches: those of `resource` (plural); empty: all."""

    resource: str = ""


class EndWatches(StreamAction, frozen=True, kw_only=True, tag=True):
    """A clean end, as at `timeoutSeconds`."""


class DropWatches(StreamAction, frozen=True, kw_only=True, tag=True):
    """The connections are reset."""


class CutLine(StreamAction, frozen=True, kw_only=True, tag=True):
    """Half a line; then the stream ends, `clean` (with the last chunk) or by closing the connection."""

    clean: bool


OddLine = Literal["blank", "not-json", "no-metadata", "unknown-type", "gone", "internal-error", "huge"]
"""`gone` and `internal-error` are ERROR lines with code 410 and 500; `huge` is a valid line of 10 MiB."""


class SendLine(StreamAction, frozen=True, kw_only=True, tag=True):
    """A line that a reader must survive; the stream goes on after it."""

    line: OddLine


class SendText(StreamAction, frozen=True, kw_only=True, tag=True):
    """Any text, sent as it is; the line feed is part of it."""

    text: str


class SendBookmarks(StreamAction, frozen=True, kw_only=True, tag=True):
    """A bookmark now, to the watches that asked for them."""


# The server as a whole.


class DropConnections(_Fault, frozen=True, kw_only=True, tag=True):
    """All connections are reset."""


class RefuseConnections(_Fault, frozen=True, kw_only=True, tag=True):
    """Nobody listens for `for_s` seconds; open connections go on."""

    for_s: float


class Freeze(_Fault, frozen=True, kw_only=True, tag=True):
    """Connections and requests are taken, and not one byte is sent for `for_s` seconds; then all goes on."""

    for_s: float


class MuteWatches(_Fault, frozen=True, kw_only=True, tag=True):
    """Watches, open and new, give no line and no end, also past `timeoutSeconds`; the rest works.

    After `for_s` seconds they go on; `None`: until lifted.
    """

    for_s: float | None = None


class SlowLines(_Fault, frozen=True, kw_only=True, tag=True):
    """Watches send one byte at a time, `delay_s` apart, for `for_s` seconds; `None`: until lifted."""

    delay_s: float = 0.001
    for_s: float | None = None


class Restart(_Fault, frozen=True, kw_only=True, tag=True):
    """The API server ends and starts again, with the sequence of a real one.

    `kill`: connections are cut at once. Otherwise watches stay open for `drain_s` (a real server: 60 s) while
    new connections are refused, then end cleanly. Refused for `down_s`, 403 for everybody without admin
    rights for `roles_s` (503 for admins), 503 for `paths_s`, then 429 on custom resources for
    0.1 s; `/readyz` is 500 for `ready_s` more. Every watch from a version of before gets 410.
    """

    kill: bool = True
    drain_s: float = 60.0
    down_s: float = 1.0
    roles_s: float = 0.8
    paths_s: float = 0.1
    ready_s: float = 1.0


class ExpireHistory(_Fault, frozen=True, kw_only=True, tag=True):
    """Every version up to now is too old: open watches get a 410 line and end, new ones from there 410.

    `as_status`: new ones get it as the HTTP status, from now on.
    """

    as_status: bool = False


class Forbid(_Fault, frozen=True, kw_only=True, tag=True):
    """403 for everybody without admin rights for `for_s` seconds; `None`: until lifted."""

    for_s: float | None = None


class RotateToken(_Fault, frozen=True, kw_only=True, tag=True):
    """The user of `old` has the token `new` from now on; `old` is answered 401."""

    old: str
    new: str


class DeleteDefinition(_Fault, frozen=True, kw_only=True, tag=True):
    """A definition is deleted: DELETED for its objects, and `linger_s` after the last one 404."""

    resource: str
    linger_s: float = 1.9


class CreateDefinition(_Fault, frozen=True, kw_only=True, tag=True):
    """A definition is made; for 0.1 s it answers 429."""

    resource: str


class TakeBackup(_Fault, frozen=True, kw_only=True, tag=True):
    """Remember the cluster as it is."""


class RestoreBackup(_Fault, frozen=True, kw_only=True, tag=True):
    """Go back to the last backup, version included; connections are cut, as the server restarts."""


class Advance(_Fault, frozen=True, kw_only=True, tag=True):
    """Writes elsewhere: the version grows `by` that much."""

    by: int = 1


# Objects.


class Apply(_Fault, frozen=True, kw_only=True, tag=True):
    """Create the object, or bring it to this state, status included."""

    object: dict[str, Any]


class Patch(_Fault, frozen=True, kw_only=True, tag=True):
    """Merge-patch an object; `subresource` is empty or `status`."""

    resource: str
    namespace: str
    name: str
    patch: dict[str, Any]
    subresource: Literal["", "status"] = ""


class Delete(_Fault, frozen=True, kw_only=True, tag=True):
    """Delete an object; finalizers hold it."""

    resource: str
    namespace: str
    name: str


class DeleteAtOnce(_Fault, frozen=True, kw_only=True, tag=True):
    """Delete an object whatever its finalizers."""

    resource: str
    namespace: str
    name: str


Rule = AnswerWith | NeverAnswer | AnswerLate | HalfAnswer | OtherContentType | DropRequest
Stream = EndWatches | DropWatches | CutLine | SendLine | SendText | SendBookmarks
Lasting = RefuseConnections | Freeze | MuteWatches | SlowLines | Restart | Forbid | DeleteDefinition
Momentary = (
    DropConnections | ExpireHistory | RotateToken | CreateDefinition | TakeBackup | RestoreBackup | Advance
)
Whole = Lasting | Momentary
Write = Apply | Patch | Delete | DeleteAtOnce
Fault = Rule | Stream | Whole | Write
