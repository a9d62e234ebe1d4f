"""From checkpoints to flows: at the start, and when a replica has missed something."""

import asyncio

from msgspec.structs import replace

from flow_server.store import Checkpoint, Log, Restored
from flow_server.store.nats.answers import recent_answers
from flow_server.store.nats.checkpoints import Checkpoints, Kept
from flow_server.store.nats.ledger import Ledger
from flow_server.store.nats.pasts import Past
from flow_server.store.nats.subjects import flow_id_of

READS_AT_ONCE = 32


class StaleRead(Exception):
    """A checkpoint is older than the manifest says; the next read may be better."""


async def recover(checkpoints: Checkpoints, ledger: Ledger, log: Log) -> list[Past]:
    """Bring the ledger to what the checkpoints hold, where they are ahead of it; the log's rest is to be
    followed from `ledger.applied` on. Returns what could be backfilled, the latest flows first.

    Raises `StaleRead`, and what `Checkpoints` does; then nothing was changed, or only whole flows.
    """
    manifest, _ = await checkpoints.read_manifest(ledger.epoch)
    if manifest is None:
        if ledger.applied:
            ledger.begin_anew(ledger.epoch)  # no checkpoint to go on from: read all of the log again
        return []
    bound = asyncio.Semaphore(READS_AT_ONCE)

    async def read(flow_id: str, last: int) -> tuple[str, Kept, int]:
        async with bound:
            found = await checkpoints.read(flow_id, epoch=ledger.epoch)
        if found is None or found[0].last < last:
            have = "none" if found is None else str(found[0].last)
            raise StaleRead(f"flow {flow_id!r}: expected a checkpoint up to entry {last}, found {have}")
        return flow_id, *found

    listed = {flow_id_of(token): last for token, last in manifest.flows.items()}
    wanted = [(flow_id, last) for flow_id, last in listed.items() if last > ledger.last_of(flow_id)]
    found = await asyncio.gather(*(read(flow_id, last) for flow_id, last in wanted))
    past: list[Past] = []
    for flow_id, kept, revision in found:
        if kept.last <= ledger.last_of(flow_id):
            continue
        restored = _without_past(kept.checkpoint)
        log.apply(Restored(flow_id=flow_id, checkpoint=restored, envelopes=()))
        ledger.restored(flow_id, last=kept.last, answers=recent_answers(kept.answers), revision=revision)
        if kept.checkpoint.base_sequence < kept.checkpoint.sequence:
            past.append(Past(flow_id=flow_id, last=kept.last, checkpoint=kept.checkpoint))
    for flow_id, record in ledger.records():
        if record.alive and flow_id not in listed and record.last <= manifest.covered:
            ledger.gone(flow_id, at=manifest.covered)
    ledger.begun_at = max(ledger.begun_at, manifest.covered)
    ledger.applied = max(ledger.applied, manifest.covered)
    return sorted(past, key=lambda each: -each.checkpoint.at_ms)


def _without_past(checkpoint: Checkpoint) -> Checkpoint:
    return replace(
        checkpoint,
        base_sequence=checkpoint.sequence,
        base_at_ms=checkpoint.at_ms,
        base=checkpoint.state,
    )
