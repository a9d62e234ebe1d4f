"""The overview and one region's graph: where things stand, and what moves them."""

import random
from typing import Any

from playwright.async_api import Page, expect

from .conftest import FlowServer, OpenPage, summary
from .flows import chain, failed_chain, node, nodes
from .sample import Release, bootstrap, layered

Places = dict[str, list[float]]

STATUSES = ("pending", "running", "succeeded", "failed", "mending")


async def places(page: Page) -> Places:
    """Where each box is on the screen."""
    return await page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.node')].map((box) => {
            const {x, y, width, height} = box.getBoundingClientRect();
            return [box.dataset.key, [x, y, width, height]];
        }))"""
    )


async def feed(
    server: FlowServer, flow_id: str, releases: list[Release], regions: list[str], **more: Any
) -> None:
    await server.post(flow_id, [timed.message for timed in bootstrap(flow_id, releases, regions, **more)])


async def test_every_region_is_a_tile_in_order_of_name_and_opens(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("tiles", failed_chain("tiles", regions=("nbg1", "ash", "fsn1")))
    page = await open_page(server.url(flow="tiles"))
    await expect(page.locator(".tile-name")).to_have_text(["ash", "fsn1", "nbg1"])
    await expect(page.locator('.tile[data-lane="nbg1"]')).to_contain_text("✕ 1")
    await page.locator('.tile[data-lane="nbg1"] .tile-head').click()
    await expect(page.locator(".node")).to_have_count(5)
    await expect(page).to_have_url(server.url(flow="tiles", region="nbg1"))
    await page.go_back()
    await expect(page.locator(".tile")).to_have_count(3)


async def test_a_click_on_a_box_in_a_tile_selects_it_too(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("hit", failed_chain("hit"))
    page = await open_page(server.url(flow="hit"))
    picture = page.locator('.tile[data-lane="fsn1"] canvas')
    await expect(picture).to_be_visible()
    box = await picture.bounding_box()
    assert box is not None
    found = False
    for x in range(12, int(box["width"]), 8):
        await page.mouse.move(box["x"] + x, box["y"] + 14)
        if await page.locator(".tip").count() and "bp-flux" in await page.locator(".tip").inner_text():
            await page.mouse.click(box["x"] + x, box["y"] + 14)
            found = True
            break
    assert found
    await expect(page.locator(".detail h2")).to_have_text("bp-flux")
    await expect(page.locator(".node.selected")).to_have_text("flux")


async def test_two_hundred_random_statuses_move_no_box(server: FlowServer, open_page: OpenPage) -> None:
    releases = layered(60)
    await feed(server, "still", releases, ["fsn1"])
    page = await open_page(server.url(flow="still", region="fsn1"))
    await expect(page.locator(".node")).to_have_count(60)
    before = await places(page)
    draw = random.Random(4)
    for count in range(200):
        release = draw.choice(releases)
        status = draw.choice(STATUSES)
        meta = {"suspended": True} if draw.random() < 0.1 else {"message": f"said {count}"}
        await server.post("still", [nodes(node("still", release.name, status, meta=meta))])
    last = node("still", releases[0].name, "the last word")
    await server.post("still", [nodes(last)])
    await expect(page.locator(f'.node[aria-label="{releases[0].name}, the last word"]')).to_be_visible()
    assert await places(page) == before


async def test_a_new_release_leaves_the_selected_one_where_it_is(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("grows", failed_chain("grows", regions=("fsn1",)))
    page = await open_page(server.url(flow="grows", node="fsn1/bp-flux"))
    chosen = page.locator(".node.selected")
    await expect(chosen).to_be_visible()
    before = await chosen.bounding_box()
    more = [f"bp-new-{at}" for at in range(8)]
    between = [chain("fsn1", "bp-cert-manager", name, "bp-flux") for name in more]
    await server.post("grows", [nodes(*(node("grows", name) for name in more)), *between])
    await expect(page.locator(".node", has_text="new-3")).to_be_visible()
    await expect(chosen).to_be_visible()
    after = await chosen.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["x"] - after["x"]) < 1.5
    assert abs(before["y"] - after["y"]) < 1.5


async def test_a_release_stands_at_the_same_place_in_every_region(
    server: FlowServer, open_page: OpenPage
) -> None:
    await feed(server, "same", layered(40), ["fsn1", "hel1"])
    page = await open_page(server.url(flow="same", region="fsn1"))
    await expect(page.locator(".node")).to_have_count(40)
    first = {key.split("/")[-1]: place for key, place in (await places(page)).items()}
    await page.locator(".regions").get_by_role("button", name="hel1").click()
    await expect(page.locator('.node[data-key*="hel1"]')).to_have_count(40)
    await expect(page.locator('.node[data-key*="fsn1"]')).to_have_count(0)
    assert {key.split("/")[-1]: place for key, place in (await places(page)).items()} == first


async def test_zoom_pan_and_fit(server: FlowServer, open_page: OpenPage) -> None:
    await feed(server, "zoom", layered(60), ["fsn1"])
    page = await open_page(server.url(flow="zoom", region="fsn1"))
    await expect(page.locator(".node")).to_have_count(60)
    fitted = await places(page)
    stage = await page.locator(".region").bounding_box()
    assert stage is not None
    x, y = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.wheel(0, -400)
    await page.wait_for_function(
        "new DOMMatrix(getComputedStyle(document.querySelector('.nodes')).transform).a > 0.9"
    )
    key, nearer = next(iter((await places(page)).items()))
    assert nearer[2] > fitted[key][2] * 1.5
    # Between the boxes: one that is pressed has the focus, and is then kept however small.
    free_x, free_y = await page.evaluate(
        """([left, bottom]) => {
            for (let up = 8; up < 400; up += 4) {
                const free = [left + 8, bottom - up];
                if (!document.elementFromPoint(...free).closest('.node, .zoom')) return free;
            }
        }""",
        [stage["x"], stage["y"] + stage["height"]],
    )
    await page.mouse.move(free_x, free_y)
    await page.mouse.down()
    await page.mouse.move(free_x + 100, free_y - 50, steps=4)
    await page.mouse.up()
    await page.wait_for_function(
        "([box, x]) => Math.abs(document.querySelector(box).getBoundingClientRect().x - x) < 1",
        arg=[f"[data-key='{key}']", nearer[0] + 100],
    )
    await page.mouse.move(x, y)
    await page.mouse.wheel(0, 3000)
    await expect(page.locator(".node")).to_have_count(0)  # too small to read: painted
    await page.get_by_role("button", name="fit").click()
    await expect(page.locator(".node")).to_have_count(60)
    assert await places(page) == fitted


async def test_the_selected_one_says_why_it_waits_and_what_it_blocks(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("why", failed_chain("why"))
    page = await open_page(server.url(flow="why", node="fsn1/bp-harbor"))
    await expect(page.locator(".chain > p")).to_contain_text(
        "bp-harbor waits for bp-cnpg, which waits for bp-flux, which waits for bp-cert-manager: failed"
    )
    await page.locator(".chain li").last.click()
    await expect(page.locator(".detail h2")).to_have_text("bp-cert-manager")
    await expect(page.locator(".detail")).to_contain_text("Blocks 3 others")
    await expect(page.locator(".detail .siblings li")).to_have_count(2)
    await expect(page.locator(".detail")).to_contain_text("flux -n flux-system get hr bp-cert-manager")
    await expect(page).to_have_url(server.url(flow="why", node="fsn1/bp-cert-manager"))


async def test_following_a_release_into_another_region_opens_that_region(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("elsewhere", failed_chain("elsewhere"))
    page = await open_page(server.url(flow="elsewhere", region="fsn1", node="fsn1/bp-flux"))
    await page.locator(".siblings button", has_text="hel1").click()
    await expect(page.locator(".regions [aria-pressed=true]")).to_contain_text("hel1")
    await expect(page.locator('.node.selected[data-key*="hel1"]')).to_have_text("flux")


async def test_graphs_of_other_emitters_are_drawn(server: FlowServer, open_page: OpenPage) -> None:
    flow_id = "build"
    plain = [
        {"id": name, "flowId": flow_id, "label": name, "status": status}
        for name, status in (
            ("checkout", "done"), ("compile", "succeeded"), ("test", "running"), ("lint", "flaky"),
            ("package", "pending"), ("notify", "pending"), ("rollback", "pending"), ("stage", "running"),
        )
    ]  # fmt: skip

    def rel(before: str, after: str, kind: str, **more: Any) -> dict[str, Any]:
        return {"fromId": before, "toId": after, "type": kind, **more}

    relationships = [
        rel("checkout", "compile", "finish-to-start"),
        rel("compile", "test", "start-to-start", lag=5),
        rel("compile", "lint", "finish-to-finish"),
        rel("test", "package", "start-to-finish"),
        rel("package", "notify", "triggers"),
        rel("package", "rollback", "finish-to-start", condition="on-failure"),
        rel("notify", "rollback", "finish-to-start"),
        rel("rollback", "notify", "finish-to-start"),  # a ring
        rel("test", "test", "finish-to-start"),
        rel("compile", "stage", "contains"),
        rel("checkout", "stage", "finish-to-start"),
        rel("package", "far", "triggers", toFlowId="another flow"),
    ]
    await server.post(flow_id, [nodes(*plain), {"type": "upsert-rels", "relationships": relationships}])
    page = await open_page(server.url(flow=flow_id, node="package"))
    # Nobody names a region, so there is one graph; what contains others and has an order of its own is a box.
    await expect(page.locator(".node")).to_have_count(8)
    await expect(page.locator('.node[aria-label="lint, flaky"]')).to_be_visible()
    boxes = list((await places(page)).values())
    for at, (x, y, width, height) in enumerate(boxes):
        for other in boxes[at + 1 :]:
            apart = (
                x + width <= other[0]
                or other[0] + other[2] <= x
                or y + height <= other[1]
                or other[1] + other[3] <= y
            )
            assert apart, "no two boxes overlap"
    await expect(page.locator(".detail")).to_contain_text("start to finish")
    await expect(page.locator(".detail")).to_contain_text("on failure")
    await expect(page.locator(".detail")).to_contain_text("not reported")


async def test_five_thousand_nodes_are_tiles_that_open(server: FlowServer, open_page: OpenPage) -> None:
    regions = [f"r{at:02d}" for at in range(58)]
    await feed(server, "large", layered(86), regions, failing={"r07": "bp-part-0030"})
    page = await open_page(server.url(flow="large"))
    await expect(page.locator(".tile")).to_have_count(58)
    await expect(page.locator(".tile.is-failed")).to_have_count(1)
    await page.locator('.tile[data-lane="r07"]').focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".node.is-failed")).to_have_text("part-0030".removeprefix("part-"))
    await summary(page, await page.locator(".summary").inner_text())
