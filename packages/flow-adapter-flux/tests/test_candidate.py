"""The rules of the election, with processes that freeze, die and are slow, on a clock that only grows."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from flow_adapter_flux.core.candidate import Candidate, LeaseRecord, Terms

TERMS = Terms()


@dataclass
class Store:
    """A Lease that is replaced only by who knows its version."""

    record: LeaseRecord | None = None
    writes: int = 0

    def replace(self, seen: LeaseRecord | None, holder: str) -> LeaseRecord | None:
        if (seen.version if seen else None) != (self.record.version if self.record else None):
            return None
        self.writes += 1
        self.record = LeaseRecord(holder=holder, version=str(self.writes), duration_s=15.0)
        return self.record


@dataclass
class Process:
    candidate: Candidate
    asked_at: float | None = None
    written: LeaseRecord | None = None
    spoke: list[float] = field(default_factory=list[float])

    def step(self, store: Store, now: float) -> None:
        """What a process does when it gets to run: take in a late answer, else look, take or renew."""
        if self.written is not None and self.asked_at is not None:
            self.candidate.wrote(self.written, began=self.asked_at)
            self.written = None
            return
        if not self.candidate.holds():
            self.candidate.saw(store.record, now=now)
        if self.candidate.holds() or self.candidate.may_take(now=now):
            self.asked_at = now
            self.written = store.replace(self.candidate.record, self.candidate.identity)
            if self.written is None:
                self.candidate.saw(store.record, now=now)


@settings(max_examples=500)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([0.1, 1.0, 2.0, 5.0, 9.9, 10.0, 14.9, 15.0, 40.0])),
        max_size=120,
    )
)
def test_however_processes_freeze_and_answers_are_late_there_is_never_a_second_voice(
    turns: list[tuple[int, float]],
) -> None:
    store = Store()
    processes = [Process(Candidate(f"p{number}", TERMS)) for number in range(3)]
    now = 100.0
    for which, pause_s in turns:
        now += pause_s
        processes[which].step(store, now)
        voices = [process for process in processes if process.candidate.voice_s(now=now) > 0]
        assert len(voices) <= 1
        assert all(process.candidate.identity == (store.record and store.record.holder) for process in voices)


@given(st.floats(0, 1, exclude_max=True))
def test_a_follower_looks_at_least_every_six_seconds_and_wakes_when_the_lease_runs_out(spread: float) -> None:
    candidate = Candidate("a", TERMS)
    held = LeaseRecord(holder="b", version="1", duration_s=15.0)
    candidate.saw(held, now=0.0)
    assert 4 <= candidate.look_in_s(now=0.0, spread=lambda: spread) <= 6
    candidate.saw(held, now=13.0)
    assert candidate.look_in_s(now=13.0, spread=lambda: spread) == 2.0
    assert not candidate.may_take(now=14.9)
    assert candidate.may_take(now=15.0)


def test_what_counts_is_how_long_the_record_was_seen_unchanged() -> None:
    candidate = Candidate("a", TERMS)
    held = LeaseRecord(holder="b", version="1", duration_s=15.0)
    candidate.saw(held, now=0.0)
    candidate.saw(replace(held, version="2"), now=14.0)
    assert not candidate.may_take(now=28.9)
    assert candidate.may_take(now=29.0)


def test_one_s_own_lease_is_taken_at_once_when_the_answer_to_the_write_was_lost() -> None:
    candidate = Candidate("a", TERMS)
    candidate.saw(LeaseRecord(holder="a", version="1", duration_s=15.0), now=0.0)
    assert candidate.may_take(now=0.0)
    assert candidate.voice_s(now=0.0) == 0.0


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 100))
def test_a_lease_that_cannot_be_taken_is_no_busy_loop(spread: float, now: float) -> None:
    candidate = Candidate("a", TERMS)
    candidate.saw(LeaseRecord(holder="b", version="1", duration_s=1.0), now=0.0)
    assert candidate.look_in_s(now=now, spread=lambda: spread) >= 0.1
    assert candidate.look_in_s(now=now + 1.0, spread=lambda: spread) >= 1.0


def test_nobody_s_lease_may_be_taken_at_once() -> None:
    candidate = Candidate("a", TERMS)
    assert candidate.may_take(now=0.0)
    candidate.saw(LeaseRecord(holder="", version="1", duration_s=1.0), now=0.0)
    assert candidate.may_take(now=0.0)


def test_a_lease_without_a_duration_has_ours() -> None:
    candidate = Candidate("a", TERMS)
    candidate.saw(LeaseRecord(holder="b", version="1", duration_s=0.0), now=0.0)
    assert not candidate.may_take(now=14.9)
    assert candidate.may_take(now=15.0)


def test_the_voice_lasts_from_the_start_of_the_renewal_and_is_lost_with_the_lease() -> None:
    candidate = Candidate("a", TERMS)
    candidate.wrote(LeaseRecord(holder="a", version="1", duration_s=15.0), began=100.0)
    assert candidate.voice_s(now=103.0) == 7.0
    assert candidate.voice_s(now=110.0) == 0.0
    candidate.saw(LeaseRecord(holder="b", version="2", duration_s=15.0), now=104.0)
    assert candidate.voice_s(now=104.0) == 0.0
