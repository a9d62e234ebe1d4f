"""Keeping checkpoints: every few seconds each flow with entries that none covers, then the manifest.

All replicas do it, at random moments; whoever comes second finds nothing left to do.
"""

import asyncio
import random

import structlog

from flow_server.store import Log
from flow_server.store.nats.answers import kept_answers
from flow_server.store.nats.checkpoints import Checkpoints, Kept, Manifest, encoded_checkpoint
from flow_server.store.nats.ledger import FlowRecord, Ledger
from flow_server.store.nats.pasts import Pasts
from flow_server.store.nats.subjects import entry_of, flow_id_of, token_of

SWEEP_S = (2.0, 6.0)
"""Pause between two sweeps, drawn from this range."""

QUIET_ENTRIES = 512
"""So many entries without any for a flow (probes) are worth a new manifest."""

log = structlog.get_logger("flow_server.store.nats")


class Sweeper:
    """Writes checkpoints of one replica's flows."""

    def __init__(self, checkpoints: Checkpoints, ledger: Ledger, pasts: Pasts, flows: Log) -> None:
        """`flows` gives the flows as they are."""
        self._checkpoints = checkpoints
        self._ledger = ledger
        self._pasts = pasts
        self._flows = flows

    async def pause(self) -> None:
        """Wait for the next sweep; a flow that grows fast shortens it."""
        try:
            async with asyncio.timeout(random.uniform(*SWEEP_S)):  # noqa: S311
                await self._ledger.pressed.wait()
        except TimeoutError:
            pass
        self._ledger.pressed.clear()

    async def sweep(self) -> int:
        """Write what is missing; how many checkpoints. Raises the library's errors: the rest stays for later.

        The manifest names the stream's sequence that was applied here when the sweep began: each flow with
        an entry up to there had a checkpoint then or was written after it.
        """
        epoch = self._ledger.epoch
        manifest, revision = await self._checkpoints.read_manifest(epoch)
        known = {} if manifest is None else manifest.flows
        covered = self._ledger.applied
        if manifest is not None and manifest.covered > covered:
            return 0  # another replica is ahead of this one
        written = 0
        for flow_id, record in self._ledger.records():
            if record.alive and known.get(token_of(flow_id), 0) > record.covered:
                self._cover(record, known[token_of(flow_id)])
            if record.alive and record.last > record.covered:
                await self._write(flow_id, record)
                written += 1
        if self._ledger.epoch != epoch:
            return written
        flows = {
            token_of(flow_id): record.covered
            for flow_id, record in self._ledger.records()
            if record.alive and record.covered
        }
        quiet = 0 if manifest is None else covered - manifest.covered
        if (
            written
            or flows.keys() != known.keys()
            or quiet >= QUIET_ENTRIES
            or (manifest is None and covered)
        ):
            fresh = Manifest(epoch=epoch, covered=covered, flows=flows)
            if await self._checkpoints.write_manifest(fresh, revision=revision):
                await self._clean_up(known, fresh)
        return written

    async def _write(self, flow_id: str, record: FlowRecord) -> None:
        checkpoint = self._flows.checkpoint(flow_id)
        if checkpoint is None:
            return
        last = record.last
        assert entry_of(checkpoint.sequence) == last  # noqa: S101
        kept = Kept(
            last=last,
            checkpoint=self._pasts.completed(flow_id, checkpoint),
            answers=kept_answers(record.answers),
        )
        before = record.uncovered
        payload = await asyncio.to_thread(encoded_checkpoint, kept)
        revision, reached = await self._checkpoints.write(
            flow_id, payload, last=last, epoch=self._ledger.epoch, revision=record.revision
        )
        record.revision = revision
        record.covered = max(record.covered, reached)
        record.uncovered -= before

    def _cover(self, record: FlowRecord, last: int) -> None:
        record.covered = last
        if last >= record.last:
            record.uncovered = 0

    async def _clean_up(self, known: dict[str, int], fresh: Manifest) -> None:
        """Forget flows that are gone, here and in the bucket."""
        self._ledger.forget_deleted(up_to=fresh.covered)
        for token in known.keys() - fresh.flows.keys():
            await self._checkpoints.remove(flow_id_of(token), upto=fresh.covered)
