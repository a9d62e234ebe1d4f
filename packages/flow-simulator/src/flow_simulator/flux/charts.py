"""The source-controller of the simulated Flux: HelmCharts are made, pulled, and sometimes cannot be. Pure."""

from collections.abc import Callable

from flow_simulator.flux.agenda import Agenda
from flow_simulator.flux.release import Release
from flow_simulator.flux.writes import Create, Patch, SetStatus

STEP_S = 0.1


class Charts:
    """Pulls the chart of each release and tells when it changed."""

    def __init__(self, agenda: Agenda, *, changed: Callable[[Release], None]) -> None:
        """`changed`: somebody may look at the release again."""
        self._agenda = agenda
        self._changed = changed

    def ensure(self, release: Release) -> None:
        """Make the HelmChart, or bring it to the release's version; a release with `chartRef` has none."""
        if release.plan.chart_ref:
            return
        now_s = self._agenda.now_s
        if not release.chart_conditions.listed():
            self._agenda.write(Create(at_s=now_s, kind="helmcharts", body=release.chart_body()))
        elif release.chart_generation < release.generation:
            release.chart_generation = release.generation
            release.chart_ready = False
            self._agenda.write(
                Patch(
                    at_s=now_s,
                    kind="helmcharts",
                    namespace=release.plan.namespace,
                    name=release.chart_name,
                    patch={"spec": {"version": release.version}},
                )
            )
        else:
            return
        self._agenda.after(STEP_S, lambda: self._pull(release))

    def _pull(self, release: Release) -> None:
        plan = release.plan
        self._set(release, "Unknown", "Progressing", "reconciliation in progress")
        self._write_status(release)
        if plan.chart_failure_s and release.chart_generation == 1:
            self._agenda.after(plan.chart_pull_s, lambda: self._failed(release))
            self._agenda.after(plan.chart_pull_s + plan.chart_failure_s, lambda: self._pulled(release))
        else:
            self._agenda.after(plan.chart_pull_s, lambda: self._pulled(release))

    def _failed(self, release: Release) -> None:
        chart = release.plan.chart
        message = f"chart pull error: failed to download chart for remote reference '{chart}': not found"
        self._set(release, "False", "ChartPullError", message)
        self._set(release, "True", "ChartPullError", message, kind="FetchFailed")
        self._write_status(release)
        self._changed(release)

    def _pulled(self, release: Release) -> None:
        release.chart_ready = True
        release.chart_conditions.drop("FetchFailed")
        message = f"pulled '{release.plan.chart}' chart with version '{release.version}'"
        self._set(release, "True", "ChartPullSucceeded", message)
        self._write_status(release)
        self._changed(release)

    def _set(self, release: Release, status: str, reason: str, message: str, *, kind: str = "Ready") -> None:
        release.chart_conditions.set(
            kind, status, reason, message, at=self._agenda.time(), generation=release.chart_generation
        )

    def _write_status(self, release: Release) -> None:
        self._agenda.write(
            SetStatus(
                at_s=self._agenda.now_s,
                kind="helmcharts",
                namespace=release.plan.namespace,
                name=release.chart_name,
                status=release.chart_status(),
            )
        )
