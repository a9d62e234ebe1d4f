"""Measures the canvas in a real Chromium beside the same flow drawn as plain SVG, in the same run.

    uv run python benchmarks/page.py [--seconds 6] [--nodes 430,4988] [--rate 1000] [--loads 9]

For each size: first paint and time until the flow is on the screen (medians of several loads, both pages in
turn, each in a process and with a cache of its own), frames under a steady stream of status changes (still
and while panning), and the heap after garbage collection; then its growth over a simulated hour.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from playwright.async_api import Browser, Page, Route, async_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.page.conftest import CHROMIUM, FLAGS, FlowServer
from tests.page.sample import Release, bootstrap, layered

RELEASES = 86
FRAMES = """
(seconds) => new Promise((resolve) => {
  const times = [];
  const end = performance.now() + seconds * 1000;
  const step = (now) => { times.push(now); if (now < end) requestAnimationFrame(step); else resolve(times); };
  requestAnimationFrame(step);
})
"""
SVG_PAGE = (Path(__file__).parent / "page_as_svg.html").read_text()


def quantile(values: list[float], part: float) -> float:
    """The value below which a part of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class Publisher:
    """Status changes of random nodes, one message each, at a steady rate until told to stop."""

    def __init__(
        self, server: FlowServer, flow_id: str, releases: list[Release], regions: list[str], rate: int
    ) -> None:
        """Nothing is sent yet."""
        self.server, self.flow_id, self.releases, self.regions, self.rate = (
            server,
            flow_id,
            releases,
            regions,
            rate,
        )
        self.sent = 0
        self.draw = random.Random(11)

    def change(self) -> dict[str, Any]:
        """One random status."""
        release, region = self.draw.choice(self.releases), self.draw.choice(self.regions)
        node = {
            "id": f"{region}/{release.name}", "flowId": self.flow_id, "label": release.name, "region": region,
            "status": self.draw.choice(("pending", "running", "succeeded", "succeeded", "failed")),
            "family": release.name, "startedAt": 1_764_000_000_000,
            "meta": {"source": "flux", "namespace": "flux-system", "message": f"change {self.sent}"},
        }  # fmt: skip
        return {"type": "upsert-nodes", "nodes": [node]}

    async def run(self, seconds: float) -> float:
        """Send for so long; the rate that was reached, messages a second."""
        began, before = time.perf_counter(), self.sent
        while (passed := time.perf_counter() - began) < seconds:
            due = int(passed * self.rate) - (self.sent - before)
            if due >= 20:
                batch = [self.change() for _ in range(min(due, 200))]
                await self.server.post(self.flow_id, batch)
                self.sent += len(batch)
            await asyncio.sleep(0.01)
        return (self.sent - before) / (time.perf_counter() - began)


async def drawn(page: Page) -> tuple[float, float]:
    """First contentful paint, and when the flow was on the screen; milliseconds after navigation."""
    await page.wait_for_function(
        "() => performance.getEntriesByName('flow drawn').length > 0", timeout=60_000
    )
    await page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
    paint, ready = await page.evaluate(
        "() => ['first-contentful-paint', 'flow drawn']"
        ".map((name) => performance.getEntriesByName(name)[0].startTime)"
    )
    return paint, ready


async def heap_mb(page: Page) -> float:
    """Used heap after a garbage collection, in MB."""
    session = await page.context.new_cdp_session(page)
    # The driver's own annotations leave out what a command answers.
    send = cast("Callable[[str], Awaitable[dict[str, Any]]]", cast("Any", session).send)
    await send("HeapProfiler.collectGarbage")
    usage = await send("Runtime.getHeapUsage")
    await session.detach()
    return usage["usedSize"] / 1e6


async def pan(page: Page, seconds: float) -> None:
    """Drag to and fro."""
    end = time.perf_counter() + seconds
    await page.mouse.move(500, 600)
    await page.mouse.down()
    side = 1
    while time.perf_counter() < end:
        await page.mouse.move(500 + 60 * side, 600 + 20 * side, steps=12)
        side = -side
    await page.mouse.up()


async def frames(
    page: Page, publisher: Publisher, seconds: float, *, panning: bool
) -> tuple[list[float], float]:
    """Lengths of all frames in that time, milliseconds, and the rate of messages."""
    async with asyncio.TaskGroup() as work:
        sending = work.create_task(publisher.run(seconds))
        if panning:
            work.create_task(pan(page, seconds - 0.5))
        times: list[float] = await page.evaluate(FRAMES, seconds)
    rate = sending.result()
    return [after - before for before, after in pairwise(times)], rate


@asynccontextmanager
async def page_at(browser: Browser, url: str, *, svg: bool) -> AsyncGenerator[Page]:
    """A page of its own context; for `svg` the plain page stands at the canvas's address."""
    context = await browser.new_context(viewport={"width": 1400, "height": 850})
    page = await context.new_page()
    if svg:

        async def plain(route: Route) -> None:
            await route.fulfill(content_type="text/html", body=SVG_PAGE)

        await page.route(lambda address: "/v1/" not in address, plain)
    await page.goto(url)
    yield page
    await context.close()


KINDS = ("canvas", "svg")


async def first_looks(
    browser: Browser, url: str, loads: int
) -> tuple[dict[str, tuple[float, float]], list[float]]:
    """First paint and time until drawn of both pages, medians; and all times until drawn of the canvas."""
    seen: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for _ in range(loads):
        for kind in KINDS:
            async with page_at(browser, url, svg=kind == "svg") as page:
                seen[kind].append(await drawn(page))
    medians = {
        kind: (statistics.median(paint for paint, _ in times), statistics.median(ready for _, ready in times))
        for kind, times in seen.items()
    }
    return medians, sorted(ready for _, ready in seen["canvas"])


async def measure(browser: Browser, server: FlowServer, count: int, arguments: argparse.Namespace) -> None:
    """One size: both pages, still and panning."""
    releases = layered(RELEASES)
    regions = [f"r{number:02d}" for number in range(round(count / RELEASES))]
    flow_id = f"bench {count}"
    await server.post(flow_id, [timed.message for timed in bootstrap(flow_id, releases, regions)])
    publisher = Publisher(server, flow_id, releases, regions, arguments.rate)
    print(f"\n{len(regions)} regions, {len(regions) * RELEASES} nodes, {arguments.rate} messages/s asked for")
    print(
        f"{'page':8}{'view':18}{'paint':>7}{'drawn':>7}{'frames/s':>10}"
        f"{'p50':>7}{'p95':>7}{'p99':>7}{'msg/s':>8}{'heap MB':>9}"
    )
    speed: dict[tuple[str, bool], float] = {}
    for view, more in (("overview", {}), ("region, panning", {"region": regions[0]})):
        url = server.url(flow=flow_id, **more)
        medians, all_ready = await first_looks(browser, url, arguments.loads)
        panning = "panning" in view
        for kind in KINDS:
            paint, ready = medians[kind]
            async with page_at(browser, url, svg=kind == "svg") as page:
                await drawn(page)
                await asyncio.sleep(0.5)
                lengths, rate = await frames(page, publisher, arguments.seconds, panning=panning)
                speed[kind, panning] = 1000 / statistics.mean(lengths)
                p50, p95, p99 = (quantile(lengths, part) for part in (0.5, 0.95, 0.99))
                print(
                    f"{kind:8}{view:18}{paint:7.0f}{ready:7.0f}{speed[kind, panning]:10.1f}"
                    f"{p50:7.1f}{p95:7.1f}{p99:7.1f}{rate:8.0f}{await heap_mb(page):9.1f}"
                )
        print(f"        canvas drawn, all loads: {' '.join(f'{ready:.0f}' for ready in all_ready)}")
    for panning in (False, True):
        ratio = speed["canvas", panning] / speed["svg", panning]
        print(f"frames, canvas : SVG, {'panning' if panning else 'still'}: {ratio:.2f}")


async def simulated_hour(browser: Browser, server: FlowServer, arguments: argparse.Namespace) -> None:
    """An hour at ten messages a second, as fast as they go; the heap must not grow with what went by."""
    releases, regions, flow_id = layered(RELEASES), ["fsn1", "hel1", "nbg1", "ash1", "sin1"], "bench hour"
    await server.post(flow_id, [timed.message for timed in bootstrap(flow_id, releases, regions)])
    publisher = Publisher(server, flow_id, releases, regions, arguments.rate)
    messages = 36_000
    print(
        f"\na simulated hour: {messages} messages over {len(regions) * RELEASES} nodes; heap in MB, collected"
    )
    async with page_at(browser, server.url(flow=flow_id), svg=False) as page:
        await drawn(page)
        marks: list[float] = []
        for _ in range(4):
            await publisher.run(messages / 4 / arguments.rate)
            await asyncio.sleep(1)
            marks.append(await heap_mb(page))
        print("  ".join(f"{mark:.1f}" for mark in marks))


async def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--nodes", default="430,4988")
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--loads", type=int, default=9)
    parser.add_argument("--no-hour", action="store_true")
    arguments = parser.parse_args()
    server = await FlowServer.start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            load = os.getloadavg()[0]
            print(
                json.dumps({"chromium": browser.version, "seconds": arguments.seconds, "load before": load})
            )
            for count in filter(None, arguments.nodes.split(",")):
                await measure(browser, server, int(count), arguments)
            if not arguments.no_hour:
                await simulated_hour(browser, server, arguments)
            await browser.close()
    finally:
        await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
