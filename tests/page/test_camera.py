"""Where somebody looks in a graph is in the URL: a colleague's window shows the same, whatever its size."""

from typing import NamedTuple

from playwright.async_api import Page, expect

from .conftest import FlowServer, OpenPage
from .flows import node, nodes
from .sample import bootstrap, layered


class View(NamedTuple):
    """What is in the middle of the stage, in pixels of the layout, how near, and how tall it is drawn."""

    x: float
    y: float
    zoom: float
    tall: float


async def view(page: Page) -> View:
    """Where the page looks."""
    seen = await page.evaluate(
        """() => {
            const stage = document.querySelector('.region');
            const {a, e, f} = new DOMMatrix(getComputedStyle(stage.querySelector('.nodes')).transform);
            const middle = [(stage.clientWidth / 2 - e) / a, (stage.clientHeight / 2 - f) / a];
            return [...middle, a, Number(stage.style.getPropertyValue('--tall'))];
        }"""
    )
    return View(*seen)


async def a_region(server: FlowServer, open_page: OpenPage, flow_id: str) -> Page:
    """A graph of sixty releases, open."""
    await server.post(flow_id, [timed.message for timed in bootstrap(flow_id, layered(60), ["ash", "fsn1"])])
    page = await open_page(server.url(flow=flow_id, region="fsn1"))
    await expect(page.locator(".node")).to_have_count(60)
    return page


async def drag(page: Page, dx: float, dy: float) -> None:
    """Pan by so many pixels, from a corner that holds no box."""
    stage = await page.locator(".region").bounding_box()
    assert stage is not None
    x, y = stage["x"] + 8, stage["y"] + stage["height"] - 8
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + dx, y + dy, steps=40)
    await page.mouse.up()


async def settled(page: Page) -> str:
    """The page's address, once it has the place that the page shows."""
    await page.wait_for_function(
        """() => {
            const look = new URLSearchParams(location.search).get('look')?.split('_').map(Number);
            if (!look) return false;
            const stage = document.querySelector('.region');
            const {a, e, f} = new DOMMatrix(getComputedStyle(stage.querySelector('.nodes')).transform);
            const tall = (look[3] ?? 100) / 100;
            const [x, y] = [(stage.clientWidth / 2 - e) / a, (stage.clientHeight / 2 - f) / a / tall];
            const off = [look[0] - x, look[1] - y, (look[2] / 1000 - a) * 1000];
            return off.every((by) => Math.abs(by) < 0.6);
        }"""
    )
    return page.url


def assert_same(one: View, other: View) -> None:
    """The same but for what rounding to whole pixels of the layout takes."""
    assert abs(one.x - other.x) < 1
    assert abs(one.y - other.y) < 1.8
    assert abs(one.zoom - other.zoom) < 0.001
    assert one.tall == other.tall


async def test_a_link_shows_the_same_middle_as_near_in_a_window_of_another_size(
    server: FlowServer, open_page: OpenPage
) -> None:
    page = await a_region(server, open_page, "shared view")
    assert "look=" not in page.url, "all of the graph is the absence of a place"
    await page.get_by_role("button", name="zoom in").click()
    await page.get_by_role("button", name="zoom in").click()
    await drag(page, 130, -70)
    link = await settled(page)
    here = await view(page)
    for width, height in ((900, 620), (1800, 1000)):
        other = await open_page(link, width=width, height=height)
        await expect(other.locator(".node").first).to_be_visible()
        assert_same(await view(other), here)
        assert other.url == link, "a link that is opened says what it said"


async def test_the_place_is_one_entry_of_the_history_and_fit_takes_it_away(
    server: FlowServer, open_page: OpenPage
) -> None:
    page = await a_region(server, open_page, "one entry")
    fitted = await view(page)
    await page.evaluate(
        """() => {
            window.calls = 0;
            const replace = history.replaceState.bind(history);
            history.replaceState = (...all) => { window.calls += 1; replace(...all); };
        }"""
    )
    before = await page.evaluate("history.length")
    started = await page.evaluate("performance.now()")
    for _ in range(3):
        await drag(page, 60, -40)
    await settled(page)
    took = await page.evaluate("performance.now()") - started
    calls = await page.evaluate("calls")
    assert 1 <= calls <= took / 250 + 1, "120 movements are a few writes"
    assert await page.evaluate("history.length") == before
    here = await view(page)

    # Away and back: the reader's place is still theirs.
    await page.keyboard.press("g")
    await page.keyboard.press("l")
    await expect(page.locator("table")).to_be_visible()
    await page.go_back()
    await expect(page.locator(".node").first).to_be_visible()
    assert_same(await view(page), here)
    # Another region is seen whole.
    await page.locator(".regions").get_by_role("button", name="ash").click()
    await expect(page.locator('.node[data-key*="ash"]')).to_have_count(60)
    assert await view(page) == fitted
    assert "look=" not in page.url
    await page.go_back()
    await expect(page.locator('.node[data-key*="fsn1"]').first).to_be_visible()
    assert_same(await view(page), here)

    await page.get_by_role("button", name="fit").click()
    await page.wait_for_function("!new URLSearchParams(location.search).has('look')")
    await expect(page.locator(".node")).to_have_count(60)
    assert await view(page) == fitted


async def test_no_status_moves_a_place_that_a_link_gave(server: FlowServer, open_page: OpenPage) -> None:
    await a_region(server, open_page, "kept place")
    url = server.url(flow="kept place", region="fsn1", node="fsn1/bp-part-0001", look="600_200_1200_150")
    page = await open_page(url)
    await expect(page.locator(".node").first).to_be_visible()
    before = await view(page)
    assert (round(before.zoom, 3), before.tall) == (1.2, 1.5)
    releases = layered(60)
    for count, release in enumerate(releases):
        status = ("failed", "running", "succeeded")[count % 3]
        await server.post("kept place", [nodes(node("kept place", release.name, status))])
    await expect(page.locator(".chip.is-failed")).to_contain_text("20")
    assert await view(page) == before
    assert page.url == url
