"""What writers, readers and whoever takes the last snapshot write into their logs, one line each.

Times are `time.monotonic_ns()`, which all processes of one machine share.
"""

from typing import Any

from msgspec import Struct

Json = dict[str, Any]


class Posting(Struct, frozen=True, kw_only=True, tag_field="entry", tag="posting"):
    """Before a POST: what is about to be sent. Attempts with one `key` are one batch, sent again."""

    writer: str
    serial: int
    """Tells the writer's requests apart."""
    flow: str
    messages: tuple[Json, ...]
    key: str | None = None
    at_ns: int


class Deleting(Struct, frozen=True, kw_only=True, tag_field="entry", tag="deleting"):
    """Before a DELETE of the flow."""

    writer: str
    serial: int
    flow: str
    at_ns: int


class Answered(Struct, frozen=True, kw_only=True, tag_field="entry", tag="answered"):
    """After a request: what came back. A request without this entry died with its writer."""

    writer: str
    serial: int
    at_ns: int
    status: int | None = None
    """HTTP status; `None` when no whole answer came."""
    seq: int | None = None
    count: int | None = None
    epoch: str | None = None
    error: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the server says that it was applied."""
        return self.status in {200, 204}

    @property
    def refused(self) -> bool:
        """Whether the server says that it was not applied; a 5xx may have been."""
        return self.status is not None and 400 <= self.status < 500


class Connecting(Struct, frozen=True, kw_only=True, tag_field="entry", tag="connecting"):
    """A reader asks for the stream, after `last_event_id` or from the beginning."""

    reader: str
    connection: int
    flow: str
    last_event_id: int | None = None
    rewound: bool = False
    """Whether the cursor is any place that the campaign chose, not where this reader stood."""
    at_ns: int


class Framed(Struct, frozen=True, kw_only=True, tag_field="entry", tag="framed"):
    """A reader got a whole frame; heartbeats are not logged."""

    reader: str
    connection: int
    event: str
    id: int | None = None
    data: str
    at_ns: int


class Disconnected(Struct, frozen=True, kw_only=True, tag_field="entry", tag="disconnected"):
    """A reader's connection is over."""

    reader: str
    connection: int
    reason: str
    malformed: bool = False
    """Whether it ended because what came is no frame as the contract has it."""
    at_ns: int


class SnapshotTaken(Struct, frozen=True, kw_only=True, tag_field="entry", tag="snapshot-taken"):
    """A GET of the snapshot: asked at `asked_ns`; `seq` from its ETag; no `body` when there was no flow."""

    flow: str
    asked_ns: int
    at_ns: int
    seq: int | None = None
    body: str | None = None


Entry = Posting | Deleting | Answered | Connecting | Framed | Disconnected | SnapshotTaken
