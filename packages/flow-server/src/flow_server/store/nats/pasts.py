"""What restored flows still lack: the history from before their checkpoints. No I/O.

A flow is restored without its past, so that the start need not wait for it. Until the past is there, the
flow's own base is where its checkpoint stood, and a checkpoint made of it as it is would lose the past for
whoever starts from that one: so the base that the past begins with goes into it instead.
"""

import asyncio

from msgspec import Struct
from msgspec.structs import replace

from flow_server.store import Checkpoint


class Past(Struct, frozen=True, kw_only=True):
    """What a flow was restored without: the base of its history, and the messages from there on."""

    flow_id: str
    last: int
    """The stream's sequence of the checkpoint's newest entry."""
    checkpoint: Checkpoint


class Pasts:
    """The pasts that are still to be fetched, the first to be fetched first; one for each flow."""

    def __init__(self) -> None:
        """Nothing is lacking."""
        self._of: dict[str, Past] = {}
        self._has_some = asyncio.Event()

    def add(self, past: Past) -> None:
        """A flow was restored, perhaps again; what it lacked before does not fit any more."""
        self._of.pop(past.flow_id, None)
        self._of[past.flow_id] = past
        self._has_some.set()

    async def first(self) -> Past:
        """The one to be fetched next; it stays until it is done."""
        await self._has_some.wait()
        return next(iter(self._of.values()))

    def postpone(self, past: Past) -> None:
        """Fetch the others first."""
        if self._of.get(past.flow_id) is past:
            self.add(past)

    def done(self, past: Past) -> None:
        """It is there, or nobody has it any more."""
        if self._of.get(past.flow_id) is past:
            del self._of[past.flow_id]
        if not self._of:
            self._has_some.clear()

    def completed(self, flow_id: str, checkpoint: Checkpoint) -> Checkpoint:
        """A checkpoint of the flow as it is, with the base of the past that it still lacks."""
        past = self._of.get(flow_id)
        if past is None or checkpoint.base_sequence != past.checkpoint.sequence:
            return checkpoint  # messages have left the ring since: the past would not fit any more
        return replace(
            checkpoint,
            base_sequence=past.checkpoint.base_sequence,
            base_at_ms=past.checkpoint.base_at_ms,
            base=past.checkpoint.base,
        )
