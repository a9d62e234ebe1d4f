"""One Lease over lightkube: read, create, replace. Source: `coordination.k8s.io/v1`."""

import asyncio
from datetime import UTC, datetime

import httpx2
import msgspec
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

from flow_adapter_flux.core.candidate import LeaseRecord
from flow_adapter_flux.kubernetes.connection import Connection
from flow_adapter_flux.kubernetes.failures import (
    FOREIGN_ERRORS,
    ApiFailure,
    Trouble,
    failure_of_error,
    failure_of_status,
)

ANSWER_S = 4.0
"""Longest wait for an answer, in seconds: a renewal must be tried more than once before the voice is lost."""

RELEASED_S = 1
"""Duration in a Lease that was given back; the API wants more than 0."""

_ODD_ANSWERS = (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError)
"""What lightkube raises for an answer it did not expect: no content type, no JSON, another shape."""


class LeaseConflictError(Exception):
    """Somebody else wrote the Lease since we read it, or it is being deleted."""


class LeaseApi:
    """The Lease `name` in `namespace`. Every call is one request; failures are `ApiFailure`."""

    def __init__(self, connection: Connection, *, name: str, namespace: str, lease_s: float) -> None:
        """`lease_s` is written as the duration, in whole seconds."""
        self._connection = connection
        self._name = name
        self._namespace = namespace
        self._lease_s = round(lease_s)

    async def read(self) -> LeaseRecord | None:
        """The Lease as it is, `None` when there is none."""
        await self._connection.renew_if_stale()
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await self._connection.client.get(Lease, self._name, namespace=self._namespace)
            return _record(found)
        except (*FOREIGN_ERRORS, *_ODD_ANSWERS) as error:
            failure = self._failure(error)
            if failure.trouble is Trouble.ABSENT:
                return None
            raise failure from error

    async def hold(self, record: LeaseRecord | None, *, holder: str) -> LeaseRecord:
        """Write `holder` into the Lease as last seen, `None` makes it. Raises `LeaseConflictError` too."""
        changes_hands = record is not None and record.holder != holder
        transitions = 0 if record is None else record.transitions + changes_hands
        return await self._write(record, holder=holder, duration_s=self._lease_s, transitions=transitions)

    async def give_back(self, record: LeaseRecord) -> None:
        """Say that nobody holds it, so that the next one need not wait."""
        await self._write(record, holder="", duration_s=RELEASED_S, transitions=record.transitions)

    async def _write(
        self, record: LeaseRecord | None, *, holder: str, duration_s: int, transitions: int
    ) -> LeaseRecord:
        await self._connection.renew_if_stale()
        now = datetime.now(UTC)
        # The API takes exactly six fraction digits, and none are written when they are all 0.
        now = now.replace(microsecond=now.microsecond or 1)
        lease = Lease(
            metadata=ObjectMeta(
                name=self._name,
                namespace=self._namespace,
                resourceVersion=None if record is None else record.version,
            ),
            spec=LeaseSpec(
                holderIdentity=holder,
                leaseDurationSeconds=duration_s,
                acquireTime=now,
                renewTime=now,
                leaseTransitions=transitions,
            ),
        )
        client = self._connection.client
        try:
            async with asyncio.timeout(ANSWER_S):
                written = await (client.create(lease) if record is None else client.replace(lease))
            return _record(written)
        except (*FOREIGN_ERRORS, *_ODD_ANSWERS) as error:
            if isinstance(error, httpx2.HTTPStatusError) and error.response.status_code == 409:
                raise LeaseConflictError from error
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> ApiFailure:
        if isinstance(error, httpx2.HTTPStatusError):
            failure = failure_of_status(
                error.response.status_code,
                error.response.content,
                retry_after=error.response.headers.get("Retry-After"),
            )
        elif isinstance(error, _ODD_ANSWERS):
            failure = ApiFailure(Trouble.UNREADABLE, f"the Lease: {type(error).__name__}: {error}")
        else:
            failure = failure_of_error(error)
        self._connection.note(failure)
        return failure


def _record(lease: Lease) -> LeaseRecord:
    metadata, spec = lease.metadata, lease.spec
    version = metadata.resourceVersion if metadata else None
    if not isinstance(version, str) or not version:
        raise ValueError("expected a Lease with a version")
    return LeaseRecord(
        holder=(spec.holderIdentity if spec else None) or "",
        version=version,
        duration_s=float((spec.leaseDurationSeconds if spec else None) or 0),
        transitions=(spec.leaseTransitions if spec else None) or 0,
    )
