"""The bucket's values: read from its leader, written only over the revision that one has seen, of any size.

A value that is too large for one message is kept in pieces under the key; they are written first, and the
message with the key's own name then names them. So a value is replaced in one step, whatever its size.
"""

import secrets

from msgspec import Struct
from nats.js import JetStreamContext
from nats.js.api import Header, RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from flow_server.store.nats.calls import headers_in
from flow_server.store.nats.connection import Connection
from flow_server.store.nats.errors import conflict_of, is_missing_stream

PIECE_BYTES = 512 * 1024
"""Largest value in one message; the leader's answer has it in base64, and is bounded by max_payload too."""

_PIECES = "Flow-Pieces"
_TRIES = 5


class Value(Struct, frozen=True, kw_only=True):
    """A key's value; `revision` is its sequence in the bucket's stream."""

    revision: int
    headers: dict[str, str]
    payload: bytes = b""


class Values:
    """Keys are tokens of a subject. Raises the library's errors."""

    def __init__(self, connection: Connection, bucket: str) -> None:
        """The values of a bucket that exists."""
        self._connection = connection
        self._stream = f"KV_{bucket}"
        self._prefix = f"$KV.{bucket}."

    async def read(self, key: str) -> Value | None:
        """The value; `None` when there is none."""
        for _ in range(_TRIES):
            value = await self.read_head(key)
            if value is None or _PIECES not in value.headers:
                return value
            name, count = value.headers[_PIECES].split()
            try:
                pieces = [await self._get(f"{key}.{name}.{index}") for index in range(int(count))]
            except NotFoundError as error:
                if is_missing_stream(error):
                    raise
                continue  # a newer value took its place meanwhile
            payload = b"".join(piece.data or b"" for piece in pieces)
            return Value(revision=value.revision, headers=value.headers, payload=payload)
        raise NotFoundError(code=404, description=f"pieces of {key} in {self._stream} are missing")

    async def read_head(self, key: str) -> Value | None:
        """The value without what is kept in pieces."""
        try:
            message = await self._get(key)
        except NotFoundError as error:
            if is_missing_stream(error):
                raise
            return None
        assert message.seq is not None  # noqa: S101
        return Value(revision=message.seq, headers=headers_in(message), payload=message.data or b"")

    async def write(self, key: str, payload: bytes, *, headers: dict[str, str], revision: int) -> int:
        """Replace the value that has this revision (0: none); the new revision. Raises `Conflict`."""
        limit = min(PIECE_BYTES, self._connection.client.max_payload // 2)
        name = f"{revision}-{secrets.token_hex(4)}"
        pieces = [payload[start : start + limit] for start in range(0, len(payload), limit)]
        if len(pieces) > 1:
            for index, piece in enumerate(pieces):
                await self._put(f"{key}.{name}.{index}", piece, {})
            headers = headers | {_PIECES: f"{name} {len(pieces)}"}
            payload = b""
        headers = headers | {Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(revision)}
        try:
            written = await self._put(key, payload, headers)
        except APIError as error:
            if conflict := conflict_of(error):
                raise conflict from error
            raise
        if len(pieces) > 1:
            await self._drop_pieces(key, upto_revision=revision, keep=name)
        return written

    async def remove(self, value: Value, key: str) -> None:
        """Take a value out; a newer one stays."""
        upto = value.revision + 1
        js = self._connection.js
        await js.purge_stream(self._stream, seq=upto, subject=f"{self._prefix}{key}")
        await js.purge_stream(self._stream, seq=upto, subject=f"{self._prefix}{key}.>")

    async def _drop_pieces(self, key: str, *, upto_revision: int, keep: str) -> None:
        """Take out pieces of values that can never be named again: another one took their place."""
        js = self._connection.js
        info = await js.stream_info(self._stream, subjects_filter=f"{self._prefix}{key}.>")
        for subject in info.state.subjects or {}:
            name = subject.split(".")[-2]
            if name != keep and int(name.split("-")[0]) <= upto_revision:
                await js.purge_stream(self._stream, subject=subject)

    async def _get(self, key: str) -> RawStreamMsg:
        # From the leader: a direct get may be answered by a server that lags.
        return await self._connection.js.get_last_msg(self._stream, f"{self._prefix}{key}", direct=False)

    async def _put(self, key: str, payload: bytes, headers: dict[str, str]) -> int:
        js: JetStreamContext = self._connection.js
        ack = await js.publish(f"{self._prefix}{key}", payload, stream=self._stream, headers=headers)
        return ack.seq
