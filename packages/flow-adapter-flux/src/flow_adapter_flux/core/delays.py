"""How long to wait before the next try: exponential, capped, full jitter, never less than was asked for."""

from collections.abc import Callable, Generator
from typing import Protocol, runtime_checkable


@runtime_checkable
class Failure(Protocol):
    """What a failed try may tell about the next: `retry_after_s` as the other side asked (0: it did not),
    `healthy_s` how long things went well before it failed."""

    retry_after_s: float
    healthy_s: float


def delays(
    *,
    base_s: float,
    max_s: float,
    spread: Callable[[], float],
    healthy_after_s: float = 120.0,
    asked_max_s: float = 300.0,
) -> Generator[float, object, None]:
    """A wait generator for the `backoff` library: seconds before try 2, 3, ...; it is sent each failure.

    The n-th wait is `spread()`, a number from 0 up to 1, times `base_s * 2**n`, at most `max_s` (full
    jitter). A failure's `retry_after_s`, capped at `asked_max_s`, is the least wait, plus jitter of its own
    so that not everybody who was told the same comes at once. After `healthy_after_s` it begins anew.
    """
    failure: object = yield 0.0  # the library's first `send(None)`; this value is not used
    tries = 0
    while True:
        asked_s = 0.0
        if isinstance(failure, Failure):
            asked_s = min(failure.retry_after_s, asked_max_s)
            tries = 0 if failure.healthy_s >= healthy_after_s else tries
        ceiling_s = min(base_s * 2 ** min(tries, 32), max_s)
        tries += 1
        failure = yield asked_s + ceiling_s * spread()
