"""Only one process speaks for a cluster: it holds a Lease, all others wait for it.

A convenience, not a fence: two voices would send the same picture, and comparisons heal. Still there are
never two for longer than the Lease: who cannot renew is quiet before another may take over.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from flow_adapter_flux.core.candidate import Candidate, Terms
from flow_adapter_flux.kubernetes.failures import ApiFailure
from flow_adapter_flux.kubernetes.lease import LeaseApi, LeaseConflictError
from flow_adapter_flux.metrics import Metrics
from flow_adapter_flux.vitals import Vitals

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Speak = Callable[[Callable[[], float]], Coroutine[Any, Any, None]]
"""The work of the one that speaks; it is given a function that tells for how many seconds it still may."""


class Election:
    """Takes part in the election of a cluster's voice until cancelled.

    `clock` gives seconds and must go on while the machine sleeps (CLOCK_BOOTTIME).
    """

    def __init__(
        self,
        *,
        lease: LeaseApi,
        identity: str,
        clock: Callable[[], float],
        spread: Callable[[], float],
        vitals: Vitals,
        metrics: Metrics,
        terms: Terms | None = None,
    ) -> None:
        """Wire it up; nothing runs before `run`. `vitals` hears each answer about the Lease."""
        self._lease = lease
        self._candidate = Candidate(identity, terms or Terms())
        self._clock = clock
        self._spread = spread
        self._vitals = vitals
        self._metrics = metrics
        self._said: str | None = None

    @property
    def leading(self) -> bool:
        """Whether this process may speak now."""
        return self._voice_s() > 0

    async def run(self, speak: Speak) -> None:
        """Wait for the Lease, speak while it is ours, and again; returns only by cancellation."""
        while True:
            await self._acquire()
            log.info("speaking for this cluster", identity=self._candidate.identity)
            self._metrics.leader.set(1)
            try:
                await self._lead(speak)
            finally:
                self._metrics.leader.set(0)
                log.info("no longer speaking for this cluster", identity=self._candidate.identity)

    async def _acquire(self) -> None:
        """Follow until the Lease is ours."""
        while True:
            try:
                await self._look()
                if self._candidate.may_take(now=self._clock()) and await self._take():
                    return
            except ApiFailure as failure:
                self._log_failure(failure)
            await asyncio.sleep(self._candidate.look_in_s(now=self._clock(), spread=self._spread))

    async def _look(self) -> None:
        record = await self._lease.read()
        self._heard("get", "ok")
        self._candidate.saw(record, now=self._clock())

    async def _take(self) -> bool:
        """Write ourselves into the Lease as last seen; false when somebody was faster."""
        began = self._clock()
        try:
            record = await self._lease.hold(self._candidate.record, holder=self._candidate.identity)
        except LeaseConflictError:
            self._heard("write", "conflict")
            return False
        self._heard("write", "ok")
        self._candidate.wrote(record, began=began)
        return True

    async def _lead(self, speak: Speak) -> None:
        """Speak until the Lease is lost; given back when we are cancelled."""
        work = asyncio.create_task(speak(self._voice_s), name="speak")
        renewing = asyncio.create_task(self._renew_until_lost(), name="renew")
        try:
            await asyncio.wait({work, renewing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            renewing.cancel()
            work.cancel()  # a POST in flight is finished; it is bounded by the voice
            outcomes = await asyncio.gather(work, renewing, return_exceptions=True)
            await self._give_back()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _renew_until_lost(self) -> None:
        terms = self._candidate.terms
        while True:
            await asyncio.sleep(terms.renew_s)
            try:
                if not await self._take():
                    await self._look()  # the answer to an earlier renewal may have been lost
                    if not self._candidate.holds():
                        return
            except ApiFailure as failure:
                self._log_failure(failure)
            if self._voice_s() == 0.0:
                return

    async def _give_back(self) -> None:
        """Let the next one begin at once. A failure is logged: the Lease then runs out by itself."""
        record = self._candidate.record
        if record is None or not self._candidate.holds() or self._voice_s() == 0.0:
            return
        try:
            await self._lease.give_back(record)
        except (ApiFailure, LeaseConflictError) as error:
            log.warning("the Lease was not given back", problem=str(error))
        self._candidate.saw(None, now=self._clock())

    def _voice_s(self) -> float:
        return self._candidate.voice_s(now=self._clock())

    def _heard(self, verb: str, outcome: str) -> None:
        self._said = None
        self._vitals.sign()
        self._metrics.api_requests.labels("Lease", verb, outcome).inc()

    def _log_failure(self, failure: ApiFailure) -> None:
        """One line for each kind of trouble until something was heard again."""
        self._metrics.api_requests.labels("Lease", "any", failure.trouble.value).inc()
        repeated = self._said == failure.trouble.value
        self._said = failure.trouble.value
        (log.debug if repeated else log.warning)(
            "the Lease cannot be had", trouble=failure.trouble.value, problem=failure.problem
        )
