"""The stream and the bucket: made when they are not there, left as they are when they are, and refused
when their settings would lose data. Nothing here ever changes a stream that exists.
"""

import secrets
import time
from collections.abc import Iterator

from msgspec import Struct
from nats.js import JetStreamContext
from nats.js.api import (
    DiscardPolicy,
    PersistMode,
    RetentionPolicy,
    StorageType,
    StoreCompression,
    StreamConfig,
    StreamInfo,
)
from nats.js.errors import APIError, BadRequestError

from flow_server.store import StoreError
from flow_server.store.nats.calls import add_stream
from flow_server.store.nats.entries import FORMAT, check_format
from flow_server.store.nats.errors import (
    NAME_IN_USE,
    NO_SUITABLE_PEERS,
    TooFewServers,
    UnsafeStream,
    is_missing_stream,
)
from flow_server.store.settings import NatsSettings

ENTRIES_PER_FLOW = 8192
"""How many entries of a flow the stream keeps; twice what may be without a checkpoint."""

DUPLICATE_WINDOW_S = 120.0

_EPOCH = "flow_epoch"
_FORMAT = "flow_format"


class LogStream(Struct, frozen=True, kw_only=True):
    """The stream as it is: its epoch, and its last sequence as one server told it."""

    epoch: str
    last_sequence: int
    made_now: bool


async def settle_stream(js: JetStreamContext, settings: NatsSettings, *, create: bool) -> LogStream:
    """The log's stream; made when it is missing and `create` says so.

    Raises `UnsafeStream` that names the setting, `TooNew`, `TooFewServers`, `StoreError`, or the library's
    errors.
    """
    info, made_now = await _settle(js, _log_config(settings), create=create)
    metadata = info.config.metadata or {}
    epoch = metadata.get(_EPOCH)
    if epoch is None:
        raise StoreError(
            f"stream {settings.stream} has no {_EPOCH} in its metadata: flow-server did not make it"
        )
    check_format(metadata.get(_FORMAT), where=f"stream {settings.stream}")
    _check(info.config, _log_config(settings))
    return LogStream(epoch=epoch, last_sequence=info.state.last_seq, made_now=made_now)


async def settle_bucket(js: JetStreamContext, settings: NatsSettings) -> None:
    """The bucket of the checkpoints; made when it is missing. Raises as `settle_stream`."""
    info, _ = await _settle(js, _bucket_config(settings), create=True)
    _check(info.config, _bucket_config(settings))


async def _settle(js: JetStreamContext, config: StreamConfig, *, create: bool) -> tuple[StreamInfo, bool]:
    assert config.name is not None  # noqa: S101
    try:
        return await js.stream_info(config.name), False
    except APIError as error:
        if not create or not is_missing_stream(error):
            raise
    try:
        return await add_stream(js, config), True
    except APIError as error:
        if error.err_code == NAME_IN_USE:  # another replica was faster; its epoch counts
            return await js.stream_info(config.name), False
        if isinstance(error, BadRequestError) or error.code == 500:
            problem = (
                f"cannot make stream {config.name} with {config.num_replicas} replicas: {error.description}"
            )
            if error.err_code == NO_SUITABLE_PEERS:
                raise TooFewServers(problem) from error
            raise StoreError(problem) from error
        raise


def _log_config(settings: NatsSettings) -> StreamConfig:
    return StreamConfig(
        name=settings.stream,
        description="flow-server: the log of all flows",
        subjects=[f"{settings.stream}.*"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        num_replicas=settings.replicas,
        discard=DiscardPolicy.OLD,
        max_msgs=-1,
        max_bytes=-1,
        max_msgs_per_subject=ENTRIES_PER_FLOW,
        duplicate_window=DUPLICATE_WINDOW_S,
        allow_rollup_hdrs=True,
        allow_direct=True,
        deny_delete=True,
        compression=StoreCompression.S2,
        # A stream that is deleted and made again never uses a sequence twice.
        first_seq=time.time_ns() // 1_000_000,
        metadata={_EPOCH: secrets.token_hex(8), _FORMAT: str(FORMAT)},
    )


def _bucket_config(settings: NatsSettings) -> StreamConfig:
    return StreamConfig(
        name=f"KV_{settings.bucket}",
        description="flow-server: checkpoints of the flows",
        subjects=[f"$KV.{settings.bucket}.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        num_replicas=settings.replicas,
        discard=DiscardPolicy.NEW,
        max_msgs=-1,
        max_bytes=-1,
        max_msgs_per_subject=1,
        allow_rollup_hdrs=True,
        allow_direct=True,
        deny_delete=True,
        duplicate_window=DUPLICATE_WINDOW_S,
    )


def _check(found: StreamConfig, wanted: StreamConfig) -> None:
    problems = list(_losses(found, wanted))
    if problems:
        raise UnsafeStream(f"stream {wanted.name} would lose data: " + "; ".join(problems))


def _losses(found: StreamConfig, wanted: StreamConfig) -> Iterator[str]:
    """Each setting by which messages could be lost or never arrive, with what was expected."""
    replicas, least = found.num_replicas or 1, wanted.num_replicas or 1
    at_most = wanted.max_msgs_per_subject
    kept = found.max_msgs_per_subject
    facts = [
        ("subjects", found.subjects == wanted.subjects, found.subjects, f"exactly {wanted.subjects}"),
        ("storage", found.storage == StorageType.FILE, found.storage, "file"),
        ("retention", found.retention == RetentionPolicy.LIMITS, found.retention, "limits"),
        ("num_replicas", replicas >= least, replicas, f"at least {least}"),
        ("max_age", not found.max_age, found.max_age, "none"),
        ("max_msgs", (found.max_msgs or -1) < 0, found.max_msgs, "none"),
        ("max_bytes", (found.max_bytes or -1) < 0, found.max_bytes, "none"),
        ("max_msgs_per_subject", kept < 1 or kept >= at_most, kept, f"none or at least {at_most}"),
        ("max_msg_size", (found.max_msg_size or -1) < 0, found.max_msg_size, "none"),
        ("discard_new_per_subject", not found.discard_new_per_subject, True, "false"),
        ("no_ack", not found.no_ack, True, "false"),
        ("sealed", not found.sealed, True, "false"),
        ("deny_purge", not found.deny_purge, True, "false"),
        ("allow_rollup_hdrs", found.allow_rollup_hdrs, False, "true"),
        ("mirror", found.mirror is None, found.mirror, "none"),
        ("sources", not found.sources, found.sources, "none"),
        ("subject_transform", found.subject_transform is None, found.subject_transform, "none"),
        ("persist_mode", found.persist_mode != PersistMode.ASYNC, found.persist_mode, "default"),
    ]
    for setting, fine, value, expected in facts:
        if not fine:
            yield f"{setting} is {_shown(value)}, expected {expected}"


def _shown(value: object) -> str:
    return str(getattr(value, "value", value))
