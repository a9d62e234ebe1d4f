"""What the page says of itself in every state it can be in: readable for everybody, and on a phone."""

import asyncio
import signal
from collections.abc import Callable

import pytest
from playwright.async_api import Page, Route, expect

from .accessibility import violations
from .conftest import FlowServer, OpenPage, a_server, connection, summary
from .flows import failed_chain

PHONE = {"width": 390, "height": 844}


async def silent(route: Route) -> None:
    """Never answered: Playwright drops it with the page."""


def refusing(status: int) -> Callable[[Route], object]:
    """Answers nothing but this status."""
    return lambda route: route.fulfill(status=status, headers={"Retry-After": "60"}, body="{}")


async def check(page: Page, state: str) -> None:
    """Whatever state it is: nobody is kept out, and a phone is not scrolled sideways."""
    assert await violations(page) == [], state
    before = page.viewport_size
    assert before is not None
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    widths = await page.evaluate(
        "[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
    )
    assert widths == [PHONE["width"]] * 3, state
    await page.set_viewport_size(before)


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_every_state_of_a_flow_keeps_nobody_out(open_page: OpenPage, theme: str) -> None:
    async with a_server() as own:
        await own.post("state", failed_chain("state"))
        page = await open_page(own.url(flow="state"), theme=theme)
        await summary(page, "6 of 10 ready")
        await page.get_by_role("button", name="export").click()
        await check(page, "a menu")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="cert-manager").first.click()
        await check(page, "details of a failure")
        await page.keyboard.press("g")
        await page.keyboard.press("t")
        await page.keyboard.press("[")
        await expect(page.locator(".past-word")).to_be_visible()
        await check(page, "the past, on the timeline")
        await page.keyboard.press("n")
        assert (await own.http.delete("v1/flows/state")).status_code == 204
        await expect(page.locator(".notice")).to_contain_text("This flow was removed")
        await check(page, "removed")
        await own.post("state", failed_chain("state"))
        await summary(page, "6 of 10 ready")
        await own.stop(signal.SIGKILL)
        await connection(page, "reconnecting")
        await expect(page.locator(".banner")).to_be_visible()
        await check(page, "reconnecting")


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_a_flow_that_cannot_be_read_says_why_and_keeps_nobody_out(
    server: FlowServer, open_page: OpenPage, theme: str
) -> None:
    await server.post("unread", failed_chain("unread"))
    page = await open_page(theme=theme)
    for status, word, said in (
        (503, "server full", "takes no more readers"),
        (403, "not allowed", "may not read this flow"),
        (404, "not found", "does not know this flow"),
        (500, "reconnecting", "does not answer"),
    ):
        await page.route("**/stream", refusing(status))
        await page.goto(server.url(flow="unread"))
        await connection(page, word)
        await expect(page.locator(".notice")).to_contain_text(said)
        await expect(page.locator(".summary")).to_have_count(0)  # nothing is known, so nothing is counted
        await check(page, word)
        await page.unroute("**/stream")
    # Who has the wrong token is not stuck with it.
    await page.evaluate("sessionStorage.setItem('flow-token', 'of-somebody-else')")
    await page.route("**/stream", refusing(403))
    await page.goto(server.url(flow="unread"))
    await page.get_by_role("button", name="Use another token").click()
    await page.unroute("**/stream")
    await page.get_by_label("Token").fill("a better one")
    await page.get_by_role("button", name="Use it").click()
    await summary(page, "6 of 10 ready")


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_a_stale_picture_keeps_nobody_out(server: FlowServer, open_page: OpenPage, theme: str) -> None:
    await server.post("stale", failed_chain("stale"))
    page = await open_page(theme=theme, clock=True)
    await page.goto(server.url(flow="stale"))
    await summary(page, "6 of 10 ready")
    await page.route("**/stream", silent)
    await page.clock.fast_forward(34_000)
    await page.clock.fast_forward(3_000)
    await connection(page, "stale")
    await expect(page.locator(".banner")).to_contain_text("old")
    await page.clock.resume()
    await check(page, "stale")


async def test_a_phone_is_not_scrolled_sideways_at_home_or_where_nothing_is(open_page: OpenPage) -> None:
    async with a_server() as own:
        names = ["x" * 120, "a name of many words " * 8, *(f"flow {at}" for at in range(8))]
        page = await open_page(own.url(), **PHONE)
        await expect(page.locator(".notice")).to_be_visible()
        await check(page, "no flow")
        await asyncio.gather(*(own.post(name, failed_chain(name)) for name in names))
        await page.goto(own.url())
        await expect(page.locator(".flow-card")).to_have_count(len(names))
        await check(page, "many flows")
        await page.goto(own.url(flow=names[0]))
        await summary(page, "6 of 10 ready")
        await check(page, "a long name")
        await page.goto(own.url(flow="nobody " * 20))
        await expect(page.locator(".notice")).to_be_visible()
        await check(page, "an empty flow")
        await page.keyboard.press("?")
        await expect(page.locator("dialog")).to_be_visible()
        await check(page, "help")
