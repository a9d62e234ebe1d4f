"""Answers by idempotency key as they are kept: in checkpoints, and in the tombstone of a deleted flow."""

import msgspec

from flow_server.core.idempotency import RecentAnswers
from flow_server.store import IDEMPOTENCY_AGE_MS, IDEMPOTENCY_KEYS, Accepted

KeptAnswers = tuple[tuple[str, int, Accepted], ...]
"""Key, when it was answered in Unix ms, and the answer; oldest first."""

_decoder = msgspec.json.Decoder(KeptAnswers)


def recent_answers(kept: KeptAnswers = ()) -> RecentAnswers[Accepted]:
    """What a flow remembers, bounded as the protocol says."""
    answers: RecentAnswers[Accepted] = RecentAnswers(entries=IDEMPOTENCY_KEYS, age_ms=IDEMPOTENCY_AGE_MS)
    for key, at_ms, answer in kept:
        answers.put(key, answer, now_ms=at_ms)
    return answers


def kept_answers(answers: RecentAnswers[Accepted]) -> KeptAnswers:
    """What to keep of them."""
    return tuple(answers.remembered())


def tombstone_of(answers: RecentAnswers[Accepted]) -> bytes:
    """The payload of a tombstone: a batch whose answer got lost may be sent again after the flow has gone."""
    return msgspec.json.encode(kept_answers(answers))


def answers_in(tombstone: bytes) -> RecentAnswers[Accepted]:
    """What a tombstone remembers. Raises ValueError."""
    return recent_answers(_decoder.decode(tombstone))
