"""A region whose emitter is silent for longer than is usual for it, by the page's own watching."""

import asyncio
import json
from typing import Any

from playwright.async_api import Page, Route, expect

from .conftest import PATIENCE_MS, FlowServer, OpenPage, summary
from .flows import failed_chain

LOOK_MS = 30_000
"""The page asks the server so often."""
GAP_MS = 300_000


class Emitters:
    """Answers for the server, by the page's clock: `hel1` speaks every five minutes, until it stops."""

    def __init__(self, page: Page) -> None:
        """Heard for the last time when the clock starts."""
        self.page = page
        self.looked = asyncio.Event()
        self.passed_ms = 0
        self.stopped_at_ms: int | None = None
        self.start_ms = 0

    async def answer(self, route: Route) -> None:
        """What the server would say at this moment."""
        heard = self.passed_ms if self.stopped_at_ms is None else self.stopped_at_ms
        answer = await route.fetch()
        body: dict[str, Any] = await answer.json()
        body["emitters"] = [{"name": "hel1", "lastHeardAt": self.start_ms + heard // GAP_MS * GAP_MS}]
        await route.fulfill(response=answer, body=json.dumps(body))
        self.looked.set()

    async def pass_time(self, ms: int) -> None:
        """So much later, with every look of the page in between."""
        for _ in range(ms // LOOK_MS):
            self.looked.clear()
            self.passed_ms += LOOK_MS
            await self.page.clock.fast_forward(LOOK_MS)
            async with asyncio.timeout(PATIENCE_MS / 1000):
                await self.looked.wait()


async def test_an_emitter_is_silent_after_three_of_its_own_gaps(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("own rhythm", failed_chain("own rhythm"))
    page = await open_page(clock=True)
    emitters = Emitters(page)
    emitters.start_ms = await page.evaluate("Date.now()")
    await page.route("**/v1/flows/own%20rhythm", emitters.answer)
    await page.goto(server.url(flow="own rhythm"))
    await summary(page, "6 of 10 ready")
    # Streams that are opened from now on hang: the server's clock does not jump as the page's does.
    await page.route("**/stream", _hang)
    await asyncio.wait_for(emitters.looked.wait(), PATIENCE_MS / 1000)
    await emitters.pass_time(12 * 60_000)
    emitters.stopped_at_ms = 10 * 60_000
    await emitters.pass_time(10 * 60_000)
    tile = page.locator('.tile[data-lane="hel1"]')
    await expect(tile).to_be_visible()
    await expect(tile).not_to_contain_text("silent")
    await emitters.pass_time(4 * 60_000)
    await expect(tile).to_contain_text("silent")
    await expect(page.locator(".attention")).to_contain_text("no word for 16m")


async def _hang(route: Route) -> None:
    """Never answered: Playwright drops it with the page."""
