"""What can go wrong with this store in particular, and what the server's error codes mean."""

import re

import nats.errors
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from flow_server.store import StoreError


class TooNew(StoreError):
    """A newer release wrote what we cannot read."""

    def __init__(self, *, where: str, found: int, known: int) -> None:
        """Name what was found where."""
        super().__init__(
            f"{where} has format {found}, this release reads up to {known}: a newer flow-server wrote it"
        )


class UnsafeStream(StoreError):
    """A stream's settings would lose data."""


class TooFewServers(nats.errors.Error):
    """A stream cannot be placed on as many servers as were asked for; not yet, while they still gather."""


class Gap(Exception):
    """An entry does not continue what we hold of its flow; ours is to be read again from a checkpoint."""


class Conflict(Exception):
    """Something newer is stored for the flow; `last` is the stream's sequence of it, `None`: not told."""

    def __init__(self, last: int | None) -> None:
        """Keep the sequence."""
        super().__init__(f"last is {last}")
        self.last = last


TRANSPORT_ERRORS = (nats.errors.Error, OSError, TimeoutError)
"""All that a request may raise when servers or connections fail; JetStream's own errors are among them."""


def told(error: BaseException) -> str:
    """What went wrong, for a person; the library's own words are about itself."""
    match error:
        case nats.errors.OutboundBufferLimitError() | nats.errors.ConnectionClosedError():
            return "not connected to any server"
        case NoStreamResponseError() | nats.errors.NoRespondersError():
            return "no server leads the stream"
        case APIError(description=None):
            return "no server answers for JetStream: it is not enabled, or nobody leads"
        case APIError():
            return f"{error.description} ({error.err_code})"
        case TimeoutError():
            return "no answer in time"
        case _:
            return str(error) or repr(error)


WRONG_LAST_SEQUENCE = 10071
IN_PROCESS = frozenset({10164, 10158})
"""An append of the same subject or the same id is under way in the server."""
FULL = frozenset({10023, 10028, 10047})
"""Out of memory or disk, or over the account's limits."""
NAME_IN_USE = 10058
NO_SUITABLE_PEERS = 10005
NO_STREAM = 10059
TOO_LARGE = 10054

_LAST = re.compile(r"wrong last sequence: (\d+)")


def conflict_of(error: APIError) -> Conflict | None:
    """The conflict that an error tells of; `None` when it is about something else."""
    if error.err_code == WRONG_LAST_SEQUENCE:
        told = _LAST.search(error.description or "")
        return Conflict(int(told[1]) if told else None)
    return Conflict(None) if error.err_code in IN_PROCESS else None


def is_missing_stream(error: Exception) -> bool:
    """Whether the server says that there is no such stream."""
    return isinstance(error, NotFoundError) and error.err_code == NO_STREAM
