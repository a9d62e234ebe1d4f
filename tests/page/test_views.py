"""What all views share: one selection, one address, one past; and what everybody must be able to use."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from .accessibility import violations
from .conftest import FlowServer, OpenPage, a_server, connection, summary
from .flows import NOW_MS, chain, failed_chain, node, nodes

VIEWS = {
    "overview": {},
    "region": {"region": "fsn1"},
    "timeline": {"view": "timeline"},
    "table": {"view": "table", "sort": "region"},
    "selected": {"view": "table", "node": "fsn1/bp-harbor"},
    "compared": {"against": "hel1"},
    "filtered to nothing": {"view": "table", "q": "nothing is called so"},
    "wall": {"embed": "1"},
    "nobody there": {"node": "no such node"},
}


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_axe_finds_nothing_in_any_view(server: FlowServer, open_page: OpenPage, theme: str) -> None:
    flow_id = f"axe {theme}"
    await server.post(flow_id, [*failed_chain(flow_id), nodes(node(flow_id, "bp-odd", "mending"))])
    page = await open_page(theme=theme)
    for name, view in VIEWS.items():
        await page.goto(server.url(flow=flow_id, **view))
        await connection(page, "live")
        await page.locator(".tile, .node, .table, .timeline-labels button").first.wait_for()
        assert await violations(page) == [], name
    await page.keyboard.press("?")
    await expect(page.locator("dialog")).to_be_visible()
    assert await violations(page) == [], "help"


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_axe_finds_nothing_at_home_and_in_empty_states(open_page: OpenPage, theme: str) -> None:
    async with a_server() as own:
        page = await open_page(own.url(), theme=theme)
        await expect(page.locator(".notice")).to_be_visible()
        assert await violations(page) == [], "no flow"
        await own.post("one", failed_chain("one"))
        await own.post("two", [nodes(node("two", "bp-a", "succeeded"))])
        await page.goto(own.url())
        await expect(page.locator(".flow-card")).to_have_count(2)
        assert await violations(page) == [], "home"
        await page.goto(own.url(flow="nobody"))
        await expect(page.locator(".notice")).to_be_visible()
        assert await violations(page) == [], "empty flow"
        await page.goto(own.url(flow="two"))
        await expect(page.locator(".done")).to_be_visible()
        assert await violations(page) == [], "done"
        await page.route("**/v1/**", lambda route: route.fulfill(status=401, body="{}"))
        await page.goto(own.url(flow="one"))
        await expect(page.get_by_label("Token")).to_be_visible()
        assert await violations(page) == [], "token"


@pytest.mark.parametrize("view", ["overview", "region", "timeline", "table", "selected", "compared"])
async def test_a_phone_is_never_scrolled_sideways(server: FlowServer, open_page: OpenPage, view: str) -> None:
    await server.post("phone", failed_chain("phone"))
    page = await open_page(
        server.url(flow="phone", **{"view": "graph", **VIEWS[view]}), width=390, height=844
    )
    await summary(page, "6 of 10 ready")
    widths = await page.evaluate(
        "[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
    )
    assert widths == [390, 390, 390]


async def test_a_phone_starts_with_what_needs_attention_and_the_table(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("small", failed_chain("small"))
    page = await open_page(server.url(flow="small"), width=390, height=844)
    await expect(page.locator("tbody .c-name").first).to_be_visible()
    card, table = (
        await page.locator(".attention .card").bounding_box(),
        await page.locator("table").bounding_box(),
    )
    assert card is not None
    assert table is not None
    assert card["y"] < table["y"]
    await page.get_by_role("button", name="Graph", exact=True).click()
    await expect(page.locator(".tile")).to_have_count(2)


async def test_a_selection_is_the_same_in_all_views_and_in_the_address(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("shared", failed_chain("shared"))
    page = await open_page(server.url(flow="shared", region="fsn1"))
    await page.locator(".node", has_text="flux").click()
    await expect(page.locator(".detail h2")).to_have_text("bp-flux")
    await page.get_by_role("button", name="Table", exact=True).click()
    await expect(page.locator("tr.selected .c-name")).to_have_text("bp-flux")
    await page.get_by_role("button", name="Timeline", exact=True).click()
    await expect(page.locator(".detail h2")).to_have_text("bp-flux")
    # A colleague who is sent the address sees the same.
    colleague = await open_page(page.url)
    await expect(colleague.locator(".timeline-labels")).to_be_visible()
    await expect(colleague.locator(".detail h2")).to_have_text("bp-flux")


async def test_a_key_right_after_the_help_is_gone_counts(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("keys", failed_chain("keys"))
    page = await open_page(server.url(flow="keys"))
    await summary(page, "6 of 10 ready")
    await page.keyboard.press("?")
    await expect(page.locator("dialog")).to_be_visible()
    # In one task: the dialog is hidden, and will tell so in the next.
    await page.evaluate(
        """() => {
          document.querySelector("dialog").close();
          dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
        }"""
    )
    await expect(page.locator(".detail h2")).to_have_text("bp-cert-manager")


async def test_the_whole_job_with_the_keyboard_alone(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("keys", failed_chain("keys"))
    page = await open_page(server.url(flow="keys"))
    await summary(page, "6 of 10 ready")
    press = page.keyboard.press
    title = page.locator(".detail h2")
    await press("?")
    await expect(page.locator("dialog")).to_be_visible()
    await press("Escape")
    await expect(page.locator("dialog")).to_be_hidden()
    await press("j")  # what failed comes first
    await expect(title).to_have_text("bp-cert-manager")
    await press("j")
    await press("k")
    await expect(title).to_have_text("bp-cert-manager")
    await press("Enter")
    await expect(page.locator(".node.selected")).to_have_text("cert-manager")
    await page.locator(".region").focus()
    for _ in range(3):
        await press("ArrowRight")
    await expect(title).to_have_text("bp-harbor")
    await expect(page.locator(".node.selected")).to_be_focused()
    await press("w")  # what it waits for
    await expect(title).to_have_text("bp-cert-manager")
    await press("g")
    await press("l")
    await expect(page.locator("table")).to_be_visible()
    await press("g")
    await press("t")
    await expect(page.locator(".timeline-labels")).to_be_visible()
    await press("g")
    await press("b")
    await press("Escape")  # the details
    await expect(title).to_have_count(0)
    await press("/")
    await page.keyboard.type("cnpg")
    await press("Enter")
    await expect(title).to_have_text("bp-cnpg")
    await press("Escape")
    await press("Escape")  # the search
    await expect(page.get_by_role("searchbox")).to_have_value("")
    await press("Escape")  # the region
    await expect(page.locator(".tile")).to_have_count(2)
    # By tab alone every control is reached, and the focus can be seen.
    seen: set[str] = set()
    for _ in range(60):
        await press("Tab")
        said: list[str] = await page.evaluate(
            "(() => { const at = document.activeElement;"
            "const { outlineStyle, outlineWidth } = getComputedStyle(at);"
            "return [at.tagName, at.ariaLabel ?? at.textContent.trim(), outlineStyle, outlineWidth]; })()"
        )
        if said[0] == "BODY":
            continue
        assert said[2:] == ["solid", "2px"] or said[0] == "INPUT", f"{said} shows no focus"
        seen.add(said[1])
    for control in (
        "all flows",
        "Graph",
        "Table",
        "compare",
        "export",
        "help",
        "moment shown",
        "copy: command",
    ):
        assert control in seen, control
    await press("g")
    await press("h")
    await expect(page.locator(".flow-card").first).to_be_visible()


async def test_the_past_is_shown_marked_and_left_again(server: FlowServer, open_page: OpenPage) -> None:
    first = node("past", "bp-a", "running")
    await server.post("past", [nodes(first)])
    await server.post("past", [nodes(node("past", "bp-a", "failed"))])
    await server.post("past", [nodes(node("past", "bp-b", "succeeded"), node("past", "bp-a", "succeeded"))])
    page = await open_page(server.url(flow="past", view="table"))
    await summary(page, "2 of 2 ready")
    await page.keyboard.press("[")
    await expect(page.locator(".past-word")).to_be_visible()
    await summary(page, "0 of 1 ready")
    await expect(page.locator(".attention .card")).to_contain_text("bp-a")
    await page.keyboard.press("[")
    await expect(page.locator(".attention .card")).to_have_count(0)
    await page.get_by_role("button", name="Graph", exact=True).click()
    await expect(page.locator(".node.is-running")).to_have_count(1)
    there = page.url
    # What happens meanwhile does not disturb the past, and is there on return.
    await server.post("past", [nodes(node("past", "bp-c", "succeeded"))])
    await summary(page, "0 of 1 ready")
    await page.get_by_role("button", name="back to live").click()
    await summary(page, "3 of 3 ready")
    await expect(page.locator(".past-word")).to_have_count(0)
    colleague = await open_page(there)
    await summary(colleague, "0 of 1 ready")
    await expect(colleague.locator(".past-word")).to_be_visible()


async def test_two_regions_and_two_flows_are_compared(server: FlowServer, open_page: OpenPage) -> None:
    def timed(flow_id: str, name: str, region: str, seconds: int) -> dict[str, Any]:
        return node(
            flow_id, name, "succeeded", region=region, startedAt=NOW_MS, endedAt=NOW_MS + seconds * 1000
        )  # fmt: skip

    await server.post("today", [
        nodes(timed("today", "bp-a", "r1", 10), timed("today", "bp-b", "r1", 50)),
        nodes(timed("today", "bp-a", "r2", 40), timed("today", "bp-c", "r2", 5)),
    ])  # fmt: skip
    await server.post(
        "yesterday", [nodes(timed("yesterday", "bp-a", "r1", 4), timed("yesterday", "bp-b", "r1", 50))]
    )
    page = await open_page(server.url(flow="today", region="r2", against="r1"))
    lines = page.locator(".compare tbody tr")
    await expect(lines).to_have_count(3)
    await expect(lines.nth(0)).to_contain_text("bp-b")
    await expect(lines.nth(0)).to_contain_text("missing here")
    await expect(lines.nth(1)).to_contain_text("new here")
    await expect(lines.nth(2)).to_contain_text("30s slower")
    await page.get_by_label("compare with").select_option(label="yesterday")
    await expect(page.locator(".compare tbody tr", has_text="6s slower")).to_be_visible()
    await page.get_by_role("button", name="stop comparing").click()
    await expect(page.locator(".compare")).to_have_count(0)


async def test_when_all_is_done_the_page_sums_up(server: FlowServer, open_page: OpenPage) -> None:
    names = [f"bp-{letter}" for letter in "abcdefg"]
    bodies = [
        node("over", name, "succeeded", startedAt=NOW_MS + at * 10_000, endedAt=NOW_MS + (at + 1) * 10_000)
        for at, name in enumerate(names)
    ]
    await server.post("over", [nodes(*bodies), chain("fsn1", *names)])
    page = await open_page(server.url(flow="over"))
    await expect(page.locator(".done h2")).to_have_text("All done in 1m10s")
    await expect(page.locator(".done")).to_contain_text("Critical path, 1m10s")
    assert await page.title() == "✓ 7/7 · over"
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.locator(".done .copy").click()
    await expect(page.locator(".done .copy")).to_have_text("copied")
    text = await page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("## over\n\n7 of 7 ready, in **1m10s**.")


@pytest.mark.parametrize(
    ("choice", "ending", "holds"),
    [
        ("JSON, the whole state", "json", '"type": "snapshot"'),
        ("CSV, the table as filtered", "csv", "fsn1/bp-cilium,bp-cilium,fsn1"),
        ("SVG, the graph", "svg", "bp-cert-manager"),
    ],
)
async def test_what_is_shown_can_be_taken_away(
    server: FlowServer, open_page: OpenPage, tmp_path: Path, choice: str, ending: str, holds: str
) -> None:
    await server.post("taken", failed_chain("taken"))
    page = await open_page(server.url(flow="taken"))
    await expect(page.locator(".tile")).to_have_count(2)
    await page.get_by_role("button", name="export").click()
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name=choice).click()
    download = await downloading.value
    assert download.suggested_filename == f"taken.{ending}"
    target = tmp_path / "taken"
    await download.save_as(target)
    text = target.read_text()
    assert holds in text
    if ending == "json":
        assert len(json.loads(text)["nodes"]) == 12


async def test_the_live_region_says_what_failed_and_when_it_is_over(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("said", [nodes(node("said", "bp-a", "running"))])
    page = await open_page(server.url(flow="said"))
    await summary(page, "0 of 1 ready")
    region = page.locator('[role="status"]')
    await server.post("said", [nodes(node("said", "bp-a", "failed"))])
    await expect(region).to_have_text("said: bp-a in fsn1 failed", timeout=10_000)
    await server.post("said", [nodes(node("said", "bp-a", "succeeded"))])
    await expect(region).to_contain_text("said: all 1 ready", timeout=15_000)


async def test_the_icon_carries_the_state(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("icon", [nodes(node("icon", "bp-a", "running"))])
    page = await open_page(server.url(flow="icon"))
    await summary(page, "0 of 1 ready")
    icon = page.locator("link[rel=icon]")
    await expect(icon).to_have_attribute("href", re.compile("^data:image/png"))
    running = await icon.get_attribute("href")
    assert running is not None
    await server.post("icon", [nodes(node("icon", "bp-a", "failed"))])
    await expect(icon).not_to_have_attribute("href", running)


async def test_a_wall_screen_has_no_controls(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("wall", failed_chain("wall"))
    page = await open_page(server.url(flow="wall", embed="1"))
    await expect(page.locator(".tile")).to_have_count(2)
    await expect(page.locator(".toolbar, .past, .home")).to_have_count(0)
    await expect(page.locator(".attention .card")).to_have_count(1)


async def test_the_timeline_marks_the_critical_path_and_folds_idle_time(
    server: FlowServer, open_page: OpenPage
) -> None:
    names = ["bp-a", "bp-b", "bp-c"]
    starts = [0, 60_000, 7_200_000]
    bodies = [
        node("line", name, "succeeded", startedAt=NOW_MS + at, endedAt=NOW_MS + at + 50_000)
        for name, at in zip(names, starts, strict=True)
    ]
    await server.post("line", [nodes(*bodies), chain("fsn1", *names)])
    page = await open_page(server.url(flow="line", view="timeline"))
    await expect(page.locator(".bar-label")).to_have_text(names)
    await expect(page.locator(".critical")).to_contain_text("bp-a 50s → (10s) bp-b 50s → (1h58m) bp-c 50s")
    picture = "document.querySelector('.timeline-space canvas').toDataURL()"
    before = await page.evaluate(picture)
    await page.get_by_label("fold idle time").check()
    await page.wait_for_function(f"before => {picture} !== before", arg=before)
    await page.locator(".bar-label", has_text="bp-b").click()
    await expect(page.locator(".detail h2")).to_have_text("bp-b")
    axis = await page.locator(".axis").bounding_box()
    assert axis is not None
    await page.mouse.move(axis["x"] + 10, axis["y"] + 10)
    await page.mouse.down()
    await page.mouse.move(axis["x"] + 200, axis["y"] + 10, steps=4)
    await page.mouse.up()
    await page.get_by_role("button", name="show all").click()
    await expect(page.get_by_role("button", name="show all")).to_have_count(0)
