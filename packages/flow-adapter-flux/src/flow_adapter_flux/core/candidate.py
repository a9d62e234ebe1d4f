"""Whether a Lease may be taken and for how long its holder may speak, on one clock of our own.

Source: client-go's leader election. Its first rule: never compare the times in the record with our clock;
what counts is for how long we have seen the record unchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The numbers of an election, in seconds."""

    lease_s: float = 15.0
    """A Lease that did not change for this long may be taken, unless it says otherwise itself."""
    voice_s: float = 10.0
    """We speak for this long after the start of our last renewal that succeeded; less than `lease_s`."""
    renew_s: float = 2.0
    """A holder renews, and tries again, this often."""
    look_s: tuple[float, float] = (4.0, 6.0)
    """A follower looks again after a time drawn from here."""


@dataclass(frozen=True, kw_only=True)
class LeaseRecord:
    """A Lease as read: `version` changes with every write, an empty `holder` means nobody."""

    holder: str
    version: str
    duration_s: float
    transitions: int = 0


class Candidate:
    """One process that wants to hold the Lease. `identity` is its name in it; times are seconds."""

    def __init__(self, identity: str, terms: Terms) -> None:
        """Begin without having seen the Lease."""
        self.identity = identity
        self.terms = terms
        self.record: LeaseRecord | None = None
        self._unchanged_since = 0.0
        self._speak_until: float | None = None

    def saw(self, record: LeaseRecord | None, *, now: float) -> None:
        """The Lease was read; `None`: there is none."""
        if self.record is None or record is None or record.version != self.record.version:
            self._unchanged_since = now
        self.record = record
        if record is None or record.holder != self.identity:
            self._speak_until = None

    def wrote(self, record: LeaseRecord, *, began: float) -> None:
        """We wrote ourselves into the Lease with a request that began at `began`."""
        self.record = record
        self._unchanged_since = began
        self._speak_until = began + self.terms.voice_s

    def holds(self) -> bool:
        """Whether the Lease names us, as far as we know."""
        return self.record is not None and self.record.holder == self.identity

    def may_take(self, *, now: float) -> bool:
        """Whether the Lease is there to be taken: none, nobody's, ours, or unchanged for its duration.

        It is ours without our knowing when the answer to our own write was lost.
        """
        return self.record is None or self.record.holder in {"", self.identity} or now >= self._expires_at()

    def voice_s(self, *, now: float) -> float:
        """For how many seconds we may still speak; 0 when not."""
        return 0.0 if self._speak_until is None else max(self._speak_until - now, 0.0)

    def look_in_s(self, *, now: float, spread: Callable[[], float]) -> float:
        """When a follower looks again: at the next poll, or when the Lease runs out if that is sooner.

        Sooner too when it could be taken and that failed, but never at once.
        """
        least, most = self.terms.look_s
        poll_s = least + (most - least) * spread()
        if self.may_take(now=now):
            return self.terms.renew_s * (1 + spread()) / 2
        return min(poll_s, max(self._expires_at() - now, 0.1))

    def _expires_at(self) -> float:
        said_s = self.record.duration_s if self.record else 0.0
        return self._unchanged_since + (said_s if said_s > 0 else self.terms.lease_s)
