"""What the terminal shows: a line for each region, drawn in place; elsewhere printed now and then."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes.resources import JsonObject

DRAWN_EVERY_S = 0.25
PRINTED_EVERY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Count:
    """One region's releases; suspended ones are left out of all but `suspended`."""

    region: str
    ready: int
    running: int
    waiting: int
    failed: int
    suspended: int

    @property
    def expected(self) -> int:
        """How many are to become ready."""
        return self.ready + self.running + self.waiting + self.failed

    @property
    def sentence(self) -> str:
        """For a log."""
        return (
            f"{self.region}: {self.ready} of {self.expected} ready, {self.running} running, "
            f"{self.waiting} waiting, {self.failed} failed"
        )


def _kind(status: JsonObject) -> str:
    conditions: list[JsonObject] = status.get("conditions") or []
    by_type = {condition["type"]: condition for condition in conditions}
    ready = by_type.get("Ready", {})
    if "Stalled" in by_type or ready.get("reason") == "InstallFailed":
        return "failed"
    if ready.get("status") == "True":
        return "ready"
    return "running" if ready.get("status") == "Unknown" else "waiting"


def count(region: str, cluster: SimulatedCluster) -> Count:
    """Look at a region's releases as they are in its API."""
    kinds = [
        "suspended" if release["spec"].get("suspend") else _kind(release.get("status", {}))
        for release in cluster.objects()
    ]
    return Count(
        region=region,
        ready=kinds.count("ready"),
        running=kinds.count("running"),
        waiting=kinds.count("waiting"),
        failed=kinds.count("failed"),
        suspended=kinds.count("suspended"),
    )


def _table(counts: Sequence[Count]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("region", "", "ready", "running", "waiting", "failed"):
        table.add_column(title, justify="left" if title in ("region", "") else "right")
    for found in counts:
        table.add_row(
            found.region,
            ProgressBar(total=max(found.expected, 1), completed=found.ready, width=30),
            f"{found.ready} of {found.expected}",
            str(found.running),
            str(found.waiting),
            f"[red]{found.failed}[/red]" if found.failed else "0",
        )
    return table


async def show_progress(clusters: dict[str, SimulatedCluster]) -> None:
    """Until cancelled: a table that is drawn in place, or a few lines every 5 s that something changed."""
    console = Console()
    if console.is_terminal:
        with Live(console=console, refresh_per_second=1 / DRAWN_EVERY_S, transient=False) as live:
            while True:
                live.update(_table([count(region, cluster) for region, cluster in clusters.items()]))
                await asyncio.sleep(DRAWN_EVERY_S)
    began, shown = time.monotonic(), ""
    while True:
        await asyncio.sleep(PRINTED_EVERY_S)
        counts = [count(region, cluster) for region, cluster in clusters.items()]
        text = "; ".join(found.sentence for found in counts)
        if text != shown:
            shown = text
            sys.stdout.write(f"{time.monotonic() - began:5.0f} s  {text}\n")
            sys.stdout.flush()
