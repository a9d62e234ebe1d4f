"""What a replica needs to start without reading the whole log: a checkpoint of each flow, and the manifest,
which says up to where in the stream the checkpoints together hold everything.
"""

import sys
from typing import TypeVar

import msgspec
from msgspec import Struct

from flow_server.store import Checkpoint
from flow_server.store.nats.answers import KeptAnswers
from flow_server.store.nats.entries import FORMAT, FORMAT_HEADER, check_format
from flow_server.store.nats.errors import Conflict
from flow_server.store.nats.subjects import token_of
from flow_server.store.nats.values import Value, Values

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MANIFEST = "_manifest"
"""Key of the manifest; no flow id encodes to it."""

T = TypeVar("T")

_EPOCH = "Flow-Epoch"
_LAST = "Flow-Last"


class Manifest(Struct, frozen=True, kw_only=True):
    """Every live flow has a checkpoint at least as new as `flows` says (token -> the stream's sequence of
    its entry), and no entry up to `covered` is missing in one.
    """

    epoch: str
    covered: int
    flows: dict[str, int]


class Kept(Struct, frozen=True, kw_only=True):
    """A flow's checkpoint: up to which entry of the stream, the flow, and its recent answers by key."""

    last: int
    checkpoint: Checkpoint
    answers: KeptAnswers = ()


_manifest_decoder = msgspec.json.Decoder(Manifest)
_kept_decoder = msgspec.json.Decoder(Kept)


def encoded_checkpoint(kept: Kept) -> bytes:
    """The checkpoint's value; takes 30 ms for a very large flow, and may run in a thread."""
    return zstd.compress(msgspec.json.encode(kept), 3)


class Checkpoints:
    """Checkpoints of one life of the stream. Raises the library's errors, `TooNew`, ValueError."""

    def __init__(self, values: Values) -> None:
        """In these values."""
        self._values = values

    async def read_manifest(self, epoch: str) -> tuple[Manifest | None, int]:
        """The manifest of this epoch, and the revision that a new one replaces."""
        value = await self._values.read(MANIFEST)
        if value is None:
            return None, 0
        check_format(value.headers.get(FORMAT_HEADER), where="the manifest of the checkpoints")
        manifest = _decoded(value, _manifest_decoder, "the manifest")
        return (manifest if manifest.epoch == epoch else None), value.revision

    async def write_manifest(self, manifest: Manifest, *, revision: int) -> bool:
        """Replace the manifest; `False` when another replica did."""
        headers = {FORMAT_HEADER: str(FORMAT)}
        payload = zstd.compress(msgspec.json.encode(manifest), 3)
        try:
            await self._values.write(MANIFEST, payload, headers=headers, revision=revision)
        except Conflict:
            return False
        return True

    async def read(self, flow_id: str, *, epoch: str) -> tuple[Kept, int] | None:
        """The flow's checkpoint and its revision."""
        value = await self._values.read(token_of(flow_id))
        if value is None or value.headers.get(_EPOCH) != epoch:
            return None
        check_format(value.headers.get(FORMAT_HEADER), where=f"the checkpoint of flow {flow_id!r}")
        return _decoded(value, _kept_decoder, f"the checkpoint of flow {flow_id!r}"), value.revision

    async def write(
        self, flow_id: str, payload: bytes, *, last: int, epoch: str, revision: int
    ) -> tuple[int, int]:
        """Keep a checkpoint unless there is one as new; the revision and what it covers, ours or that one."""
        key = token_of(flow_id)
        headers = {FORMAT_HEADER: str(FORMAT), _EPOCH: epoch, _LAST: str(last)}
        try:
            return await self._values.write(key, payload, headers=headers, revision=revision), last
        except Conflict:
            found = await self._values.read_head(key)
        if found is not None and found.headers.get(_EPOCH) == epoch and _last_of(found) >= last:
            return found.revision, _last_of(found)
        newest = 0 if found is None else found.revision
        return await self._values.write(key, payload, headers=headers, revision=newest), last

    async def remove(self, flow_id: str, *, upto: int) -> None:
        """Take out the checkpoint of a flow that was deleted after this entry of the stream."""
        found = await self._values.read_head(token_of(flow_id))
        if found is not None and _last_of(found) <= upto:
            await self._values.remove(found, token_of(flow_id))


def _last_of(value: Value) -> int:
    return int(value.headers.get(_LAST, "0"))


def _decoded(value: Value, decoder: "msgspec.json.Decoder[T]", what: str) -> T:
    try:
        return decoder.decode(zstd.decompress(value.payload))
    except (zstd.ZstdError, msgspec.MsgspecError) as error:
        raise ValueError(f"{what} cannot be read: {error}") from error
