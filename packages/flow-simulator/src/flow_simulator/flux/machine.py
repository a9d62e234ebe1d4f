"""Flux as a state machine in virtual time: a queue of events, four workers, and writes as output. Pure.

helm-controller takes releases one by one (`--concurrent` workers), looks at suspension, dependencies and
chart, and runs Helm; source-controller pulls charts on the side. Every status write that the real ones make
is one write here, in the same order; `run_until` gives those up to a moment. Source: helm-controller 1.6.
"""

from collections import deque
from collections.abc import Callable
from random import Random

from flow_simulator.flux.agenda import Agenda
from flow_simulator.flux.charts import Charts
from flow_simulator.flux.plan import INTERVAL_S, Plan
from flow_simulator.flux.release import Release
from flow_simulator.flux.writes import Create, Patch, SetStatus, Write

FINALIZER = "finalizers.fluxcd.io"
STEP_S = 0.1
"""How long a worker is busy with a look that changes nothing."""
UNDO_S = (6.0, 15.0)
NEXT_VERSION = "-next"
NOT_RECONCILED = "latest generation of object has not been reconciled"


class Flux:
    """One region's Flux. Time is seconds since the run began and moves only in `run_until`."""

    def __init__(self, plan: Plan, *, stamp: Callable[[float], str]) -> None:
        """`stamp` writes a moment as the API does (`2026-11-24T07:28:19Z`); it is asked as time passes."""
        self._plan = plan
        self._agenda = Agenda(stamp=stamp)
        self._charts = Charts(self._agenda, changed=self._enqueue)
        self._random = Random(plan.seed ^ 0x5EED)
        self._waiting: deque[Release] = deque()
        self._free_workers = plan.concurrent
        self.releases = {
            (release.namespace, release.name): Release(plan=release, version=release.version)
            for release in plan.releases
        }
        for release in self.releases.values():
            self._agenda.at(release.plan.created_s, lambda r=release: self._create(r))

    # Time

    @property
    def now_s(self) -> float:
        """Seconds since the run began."""
        return self._agenda.now_s

    def next_at_s(self) -> float | None:
        """When the next thing happens."""
        return self._agenda.next_at_s()

    def run_until(self, moment_s: float) -> list[Write]:
        """Let time pass up to and including a moment; the writes that were made, oldest first."""
        return self._agenda.run_until(moment_s)

    def forget(self, namespace: str, name: str) -> None:
        """A release was deleted by somebody: nothing is written for it any more."""
        release = self.releases.pop((namespace, name), None)
        if release is not None and release in self._waiting:
            self._waiting.remove(release)

    # Writing

    def _known(self, release: Release) -> bool:
        return self.releases.get(release.key) is release

    def _write_status(self, release: Release) -> None:
        if self._known(release):
            self._agenda.write(
                SetStatus(
                    at_s=self.now_s,
                    kind="helmreleases",
                    namespace=release.plan.namespace,
                    name=release.plan.name,
                    status=release.status(),
                )
            )

    def _patch(self, release: Release, patch: dict[str, object]) -> None:
        if self._known(release):
            self._agenda.write(
                Patch(
                    at_s=self.now_s,
                    kind="helmreleases",
                    namespace=release.plan.namespace,
                    name=release.plan.name,
                    patch=patch,
                )
            )

    # A release appears (rows 0 and 1 of a life)

    def _create(self, release: Release) -> None:
        self._agenda.write(Create(at_s=self.now_s, kind="helmreleases", body=release.body()))
        self._agenda.after(STEP_S, lambda: self._add_finalizer(release))
        if release.plan.upgrade_s is not None:
            self._agenda.at(release.plan.upgrade_s, lambda: self._bump(release))

    def _add_finalizer(self, release: Release) -> None:
        self._patch(release, {"metadata": {"finalizers": [FINALIZER]}})
        if release.plan.suspended:
            release.observed = release.generation
            self._write_status(release)
            return
        self._enqueue(release)

    def _bump(self, release: Release) -> None:
        release.generation += 1
        release.version = release.plan.version + NEXT_VERSION
        spec = {"chart": {"spec": {"version": release.version}}}
        self._patch(release, {"spec": spec})
        self._enqueue(release)

    # Workers

    def _enqueue(self, release: Release) -> None:
        if not release.queued and not release.busy and self._known(release):
            release.queued = True
            self._waiting.append(release)
        self._hand_out()

    def _hand_out(self) -> None:
        while self._free_workers and self._waiting:
            release = self._waiting.popleft()
            release.queued, release.busy = False, True
            self._free_workers -= 1
            self._agenda.after(STEP_S, lambda r=release: self._reconcile(r))

    def _done(self, release: Release, *, again_s: float | None = None) -> None:
        release.busy = False
        self._free_workers += 1
        if again_s is not None:
            self._agenda.after(again_s, lambda: self._enqueue(release))
        self._hand_out()

    def _reconcile(self, release: Release) -> None:
        """One look of a worker at a release (rows 2 to 4)."""
        if release.is_ready or release.conditions.is_true("Stalled"):
            self._look_again(release)
            return
        progressing = release.conditions.get("Reconciling")
        if progressing is None:
            release.picked_up = True
            text = "Fulfilling prerequisites"
            release.set("Reconciling", "True", "Progressing", text, at=self._agenda.time())
            self._write_status(release)
            self._charts.ensure(release)
        blocker = self._blocker(release)
        if blocker is not None:
            self._wait(release, "DependencyNotReady", blocker)
            self._done(release, again_s=self._plan.poll_s)
        elif not release.chart_ready and not release.plan.chart_ref:
            message = (release.chart_conditions.get("Ready") or {}).get("message", NOT_RECONCILED)
            chart = f"{release.plan.namespace}/{release.chart_name}"
            self._wait(release, "SourceNotReady", f"HelmChart '{chart}' is not ready: {message}")
            # The chart's own change brings the release back.
            self._done(release)
        else:
            self._start(release)

    def _blocker(self, release: Release) -> str | None:
        """The message about the first dependency that is not ready; `None`: all are."""
        for name in release.plan.depends_on:
            dependency = self.releases.get((release.plan.namespace, name))
            full = f"{release.plan.namespace}/{name}"
            if dependency is None or dependency.plan.created_s > self.now_s:
                missing = f'helmreleases.helm.toolkit.fluxcd.io "{name}" not found'
                return f"unable to get '{full}' dependency: {missing}"
            if not dependency.is_ready:
                return f"dependency '{full}' is not ready"
        return None

    def _wait(self, release: Release, reason: str, message: str) -> None:
        ready = release.conditions.get("Ready") or {}
        if (ready.get("reason"), ready.get("message")) != (reason, message):
            release.set("Ready", "False", reason, message, at=self._agenda.time())
            self._write_status(release)

    # Helm (rows 5 to 11)

    def _start(self, release: Release) -> None:
        release.attempted = "upgrade" if release.revision and release.history else "install"
        release.attempts += 1
        message = f"Running '{release.attempted}' action with timeout of {release.timeout}"
        at = release.action_began = self._agenda.time()
        release.set("Ready", "Unknown", "Progressing", message, at=at)
        release.set("Reconciling", "True", "Progressing", message, at=at)
        self._write_status(release)
        if release.attempted == "install" and release.attempts <= release.plan.failing_attempts:
            self._agenda.after(release.plan.timeout_s, lambda: self._failed(release))
        else:
            self._agenda.after(release.plan.install_s, lambda: self._succeeded(release))

    def _succeeded(self, release: Release) -> None:
        release.revision = release.revision + 1 if release.attempted == "upgrade" else 1
        at = self._agenda.time()
        release.remember(status="deployed")
        action = release.attempted or "install"
        message = (
            f"Helm {action} succeeded for release {release.released_as} with chart "
            f"{release.plan.chart}@{release.version}"
        )
        for kind in ("Ready", "Released"):
            release.set(kind, "True", f"{action.capitalize()}Succeeded", message, at=at)
        release.conditions.drop("Remediated")
        self._write_status(release)
        self._agenda.after(STEP_S / 2, lambda: self._settle(release))

    def _settle(self, release: Release) -> None:
        """The second write of a success: only now may dependents start."""
        release.failures = release.install_failures = release.upgrade_failures = 0
        release.conditions.drop("Reconciling")
        release.observed = release.generation
        self._write_status(release)
        self._done(release, again_s=self._interval_s(release))

    def _failed(self, release: Release) -> None:
        release.failures += 1
        release.install_failures += 1
        release.revision = 1
        at = self._agenda.time()
        release.remember(status="failed")
        where = f"{release.plan.target_namespace}/{release.plan.name}"
        chart = f"{release.plan.chart}@{release.version}"
        message = f"Helm install failed for release {where} with chart {chart}: context deadline exceeded"
        for kind in ("Ready", "Released"):
            release.set(kind, "False", "InstallFailed", message, at=at)
        self._write_status(release)
        if release.attempts > release.plan.retries:
            self._agenda.after(STEP_S / 10, lambda: self._stall(release))
        else:
            self._agenda.after(STEP_S, lambda: self._undo(release))

    def _stall(self, release: Release) -> None:
        text = f"Failed to install after {release.attempts} attempt(s)"
        release.conditions.drop("Reconciling")
        release.set("Stalled", "True", "RetriesExceeded", text, at=self._agenda.time())
        release.observed = release.generation
        self._write_status(release)
        self._done(release)

    def _undo(self, release: Release) -> None:
        message = f"Running 'uninstall' action with timeout of {release.timeout}"
        release.set("Reconciling", "True", "Progressing", message, at=self._agenda.time())
        self._write_status(release)
        self._agenda.after(self._random.uniform(*UNDO_S), lambda: self._undone(release))

    def _undone(self, release: Release) -> None:
        chart = f"{release.plan.chart}@{release.version}"
        message = f"Helm uninstall remediation for release {release.released_as} with chart {chart} succeeded"
        at = self._agenda.time()
        release.set("Ready", "False", "UninstallSucceeded", message, at=at)
        release.set("Remediated", "True", "UninstallSucceeded", message, at=at)
        release.set("Reconciling", "True", "ProgressingWithRetry", message, at=at)
        release.history[0] = release.history[0] | {"status": "uninstalled"}
        release.revision = 0
        self._write_status(release)
        self._agenda.after(1.0, lambda: self._start(release))

    # Noise

    def _interval_s(self, release: Release) -> float:
        return INTERVAL_S * (1 + release.plan.noise_jitter)

    def _look_again(self, release: Release) -> None:
        """A healthy release, every interval: two writes that mean nothing."""
        if not release.is_ready:
            self._done(release)
            return
        release.set("Reconciling", "True", "Progressing", "Fulfilling prerequisites", at=self._agenda.time())
        self._write_status(release)
        self._agenda.after(STEP_S * 5, lambda: self._looked(release))

    def _looked(self, release: Release) -> None:
        release.conditions.drop("Reconciling")
        self._write_status(release)
        self._done(release, again_s=self._interval_s(release))
