"""Whether the stream takes writes, judged by writes alone: a server that has lost its quorum still answers
questions as if nothing had happened.
"""

import asyncio
from collections.abc import Callable


class Health:
    """The outcome of the last write, and why it failed."""

    def __init__(self) -> None:
        """Nothing was written yet."""
        self.is_fine = False
        self.fatal: str | None = None
        """Why nothing is to be written to this stream any more; no later success changes that."""
        self.problem = "no write was answered yet"
        self._succeeded_at_s = 0.0
        self._clock_s: Callable[[], float] = asyncio.get_running_loop().time

    def stored(self, sequence: int, *, applied: int, stream: str) -> None:
        """A new entry was stored with this sequence; before it was written, entries up to `applied` were."""
        if sequence <= applied and self.fatal is None:
            self.fatal = (
                f"stream {stream} went back: it stored a new entry as {sequence}, up to {applied} was "
                "applied here; acknowledged messages were lost, or an older backup was restored"
            )
        self.is_fine = True
        self._succeeded_at_s = self._clock_s()

    def failed(self, problem: str) -> None:
        """A write was not answered, or refused for the server's own reasons."""
        self.is_fine = False
        self.problem = f"a write was not stored: {problem}"

    def begin_anew(self) -> None:
        """The stream is another one."""
        self.fatal = None

    @property
    def quiet_s(self) -> float:
        """Seconds since a write was stored."""
        return self._clock_s() - self._succeeded_at_s
