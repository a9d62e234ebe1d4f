"""The moment that is shown is chosen on the timeline as by the slider below: one moment, two handles."""

import asyncio
import time
from typing import Any

from playwright.async_api import Page, expect

from .conftest import FlowServer, OpenPage, summary
from .flows import node, nodes


async def told_as_it_happens(server: FlowServer, flow_id: str) -> int:
    """Four releases, one after the other, each said when it begins and ends. Milliseconds it took in all."""
    at = first = await next_moment(0)
    ended = at
    for name in ("bp-a", "bp-b", "bp-c", "bp-d"):
        began = at
        await server.post(flow_id, [nodes(node(flow_id, name, "running", startedAt=began))])
        ended = await next_moment(at)
        await server.post(flow_id, [nodes(node(flow_id, name, "succeeded", startedAt=began, endedAt=ended))])
        at = await next_moment(ended)
    return ended - first


async def next_moment(before_ms: int) -> int:
    """Of what happens in one millisecond only the last is seen: let another one begin. Unix milliseconds."""
    await asyncio.sleep(max(0, (before_ms + 2) / 1000 - time.time()))
    return int(time.time() * 1000)


async def handle(page: Page) -> dict[str, Any]:
    """Where the line on the timeline is, and what it says."""
    line = page.get_by_label("moment shown, on the timeline")
    box = await line.bounding_box()
    assert box is not None
    return {
        "x": box["x"] + box["width"] / 2,
        "y": box["y"] + 40,
        "says": await line.get_attribute("aria-valuetext"),
    }


async def test_the_line_is_dragged_into_the_past_and_back(server: FlowServer, open_page: OpenPage) -> None:
    took_ms = await told_as_it_happens(server, "dragged")
    page = await open_page(server.url(flow="dragged", view="timeline"))
    await summary(page, "4 of 4 ready")
    live = await handle(page)
    assert live["says"] == "now"
    axis = await page.locator(".axis").bounding_box()
    assert axis is not None
    # Just before the last one ended; an axis is at least a second long.
    target = axis["x"] + axis["width"] * took_ms / max(took_ms, 1000) - 4
    await page.mouse.move(live["x"], live["y"])
    await page.mouse.down()
    await page.mouse.move(target, live["y"], steps=3)
    await page.mouse.up()
    await expect(page.locator(".past-word")).to_be_visible()
    await expect(page.locator(".connection b")).to_have_text("past")
    past = await handle(page)
    # The axis stays as it was, and the line stands where it was left.
    assert abs(past["x"] - target) < 3
    assert past["says"] == await page.get_by_label("moment shown", exact=True).get_attribute("aria-valuetext")
    await expect(page.locator(".summary")).not_to_have_text("4 of 4 ready")
    moment = page.url
    await page.mouse.move(past["x"], past["y"])
    await page.mouse.down()
    await page.mouse.move(axis["x"] + axis["width"] + 30, past["y"], steps=3)
    await page.mouse.up()
    await expect(page.locator(".past-word")).to_have_count(0)
    await summary(page, "4 of 4 ready")
    colleague = await open_page(moment)
    await expect(colleague.locator(".past-word")).to_be_visible()
    await expect(colleague.locator(".moment.on")).to_be_visible()


async def test_keys_move_the_line_from_happening_to_happening(
    server: FlowServer, open_page: OpenPage
) -> None:
    await told_as_it_happens(server, "stepped")
    page = await open_page(server.url(flow="stepped", view="timeline"))
    await summary(page, "4 of 4 ready")
    line = page.get_by_label("moment shown, on the timeline")
    slider = page.get_by_label("moment shown", exact=True)
    await line.focus()
    for ready in ("4 of 4", "3 of 4", "3 of 3", "2 of 3"):
        await page.keyboard.press("ArrowLeft")
        await expect(page.locator(".past-word")).to_be_visible()
        await summary(page, f"{ready} ready")
    await page.keyboard.press("Home")
    await summary(page, "0 of 1 ready")
    await slider.focus()
    await page.keyboard.press("ArrowRight")
    await summary(page, "1 of 1 ready")
    assert await line.get_attribute("aria-valuenow") == await slider.input_value()
    await line.focus()
    await page.keyboard.press("End")
    await summary(page, "4 of 4 ready")
    await expect(page.locator(".past-word")).to_have_count(0)
