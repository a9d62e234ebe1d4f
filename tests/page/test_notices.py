"""Notices beyond the page: the browser's own, on a failure and at the end, only for those who asked."""

from typing import Any

from playwright.async_api import Page, expect

from .conftest import FlowServer, OpenPage, summary
from .flows import node, nodes

# The browser's own notices, each written down as it is made; and a tab that can be put aside.
WATCHED = """
window.asked = 0;
window.told = [];
const Real = window.Notification;
window.Notification = class extends Real {
  constructor(title, options) {
    super(title, options);
    window.told.push([title, options.body]);
  }
  static requestPermission(...rest) {
    window.asked += 1;
    return Real.requestPermission(...rest);
  }
};
let seen = "visible";
Object.defineProperty(document, "visibilityState", {get: () => seen});
window.becomes = (next) => { seen = next; document.dispatchEvent(new Event("visibilitychange")); };
"""


async def watched(server: FlowServer, open_page: OpenPage, flow_id: str, *, allowed: bool) -> Page:
    """A page with one running release, whose notices are written down."""
    await server.post(flow_id, [nodes(node(flow_id, "bp-a", "running"))])
    page = await open_page()
    if allowed:
        await page.context.grant_permissions(["notifications"], origin=server.base)
    await page.add_init_script(WATCHED)
    await page.goto(server.url(flow=flow_id, view="table"))
    await summary(page, "0 of 1 ready")
    return page


async def told(page: Page, count: int) -> list[Any]:
    """What was said, once so much was."""
    await page.wait_for_function("count => told.length >= count", arg=count)
    return await page.evaluate("told")


async def test_who_asked_for_notices_is_told_of_a_failure_and_of_the_end(
    server: FlowServer, open_page: OpenPage
) -> None:
    page = await watched(server, open_page, "noticed", allowed=True)
    assert await page.evaluate("asked") == 0, "nobody is asked before they ask"
    await page.get_by_role("button", name="notices off").click()
    await expect(page.get_by_role("button", name="notices on")).to_be_visible()
    assert await page.evaluate("asked") == 1
    await page.evaluate("becomes('hidden')")
    await server.post("noticed", [nodes(node("noticed", "bp-a", "failed"))])
    assert await told(page, 1) == [["noticed", "bp-a in fsn1 failed"]]
    await server.post("noticed", [nodes(node("noticed", "bp-a", "succeeded"))])
    assert (await told(page, 2))[1][1].startswith("all 1 ready")
    # What was chosen holds in the next tab, and asks nobody again.
    await page.reload()
    await expect(page.get_by_role("button", name="notices on")).to_be_visible()
    assert await page.evaluate("[asked, told]") == [0, []]
    await page.get_by_role("button", name="notices on").click()
    await page.reload()
    await expect(page.get_by_role("button", name="notices off")).to_be_visible()


async def test_failures_of_one_moment_are_one_notice(server: FlowServer, open_page: OpenPage) -> None:
    page = await watched(server, open_page, "together", allowed=True)
    await page.get_by_role("button", name="notices off").click()
    await expect(page.get_by_role("button", name="notices on")).to_be_visible()
    await page.evaluate("becomes('hidden')")
    broken = [node("together", f"bp-{at}", "failed") for at in range(5)]
    await server.post("together", [nodes(*broken)])
    assert await told(page, 1) == [["together", "bp-0 in fsn1 failed, and 4 others"]]


async def test_who_looks_at_the_page_or_never_asked_gets_no_notice(
    server: FlowServer, open_page: OpenPage
) -> None:
    page = await watched(server, open_page, "unasked", allowed=True)
    await page.evaluate("becomes('hidden')")
    await server.post("unasked", [nodes(node("unasked", "bp-a", "failed"))])
    # The announcement is made at the same place, and shows that the notice would have been.
    await expect(page.locator('[role="status"]')).to_have_text("unasked: bp-a in fsn1 failed")
    assert await page.evaluate("[asked, told]") == [0, []]
    await page.evaluate("becomes('visible')")
    await page.get_by_role("button", name="notices off").click()
    await expect(page.get_by_role("button", name="notices on")).to_be_visible()
    await server.post("unasked", [nodes(node("unasked", "bp-b", "failed"))])
    await expect(page.locator('[role="status"]')).to_have_text("unasked: bp-b in fsn1 failed")
    assert await page.evaluate("told") == []


async def test_where_notices_are_not_allowed_the_page_says_so(
    server: FlowServer, open_page: OpenPage
) -> None:
    page = await watched(server, open_page, "refused", allowed=False)
    await page.get_by_role("button", name="notices off").click()
    await expect(page.locator('[role="status"]')).to_have_text("this browser does not allow notices here")
    await expect(page.get_by_role("button", name="notices off")).to_be_visible()
