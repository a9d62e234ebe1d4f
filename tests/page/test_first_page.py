"""The page as an operator first meets it: home, header, attention, table, and what it says about itself."""

import json
import signal
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from .conftest import FlowServer, OpenPage, a_server, connection, summary
from .flows import chain, failed_chain, node, nodes, region_node


async def rows(page: Page) -> list[str]:
    """The names in the table, in order."""
    return await page.locator("tbody .c-name").all_inner_texts()


async def test_the_header_counts_releases_and_leaves_out_containers_and_suspended_ones(
    server: FlowServer, open_page: OpenPage
) -> None:
    asleep = node("counting", "bp-asleep", meta={"suspended": True})
    await server.post("counting", [*failed_chain("counting"), nodes(asleep)])
    page = await open_page(server.url(flow="counting", view="table"))
    await connection(page, "live")
    await summary(page, "6 of 10 ready")
    chips = await page.locator(".chip").all_inner_texts()
    assert [chip.strip() for chip in chips] == ["1 failed", "0 running", "3 waiting", "1 suspended"]


async def test_what_failed_needs_attention_with_its_reason_and_the_next_command(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("attention", failed_chain("attention"))
    page = await open_page(server.url(flow="attention", view="table"))
    card = page.locator(".attention .card")
    await expect(card).to_have_count(1)
    await expect(card).to_contain_text("bp-cert-manager")
    await expect(card).to_contain_text("InstallFailed: context deadline exceeded")
    await expect(card).to_contain_text("blocks 3 others")
    await expect(card).to_contain_text("flux -n flux-system get hr bp-cert-manager")


async def test_a_message_changes_the_open_page(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("news", failed_chain("news"))
    page = await open_page(server.url(flow="news", view="table"))
    await summary(page, "6 of 10 ready")
    await server.post("news", [nodes(node("news", "bp-cert-manager", "succeeded"))])
    await summary(page, "7 of 10 ready")
    await expect(page.locator(".attention .card")).to_have_count(0)
    assert await page.title() == "7/10 · news"


async def test_the_only_flow_opens_at_once_and_home_stays_home(open_page: OpenPage) -> None:
    async with a_server() as own:
        await own.post("a/b: the only one", failed_chain("a/b: the only one"))
        page = await open_page(own.url())
        await expect(page.locator("h1")).to_have_text("a/b: the only one")
        await summary(page, "6 of 10 ready")
        await page.get_by_label("all flows").click()
        await expect(page.locator(".flow-card")).to_have_count(1)
        await page.go_back()
        await summary(page, "6 of 10 ready")


async def test_home_shows_failing_flows_first(open_page: OpenPage) -> None:
    async with a_server() as own:
        await own.post("well", [nodes(node("well", "bp-a", "succeeded"))])
        await own.post("burning", failed_chain("burning"))
        await own.post("going on", [nodes(node("going on", "bp-a", "running"))])
        page = await open_page(own.url())
        await expect(page.locator(".flow-name bdi")).to_have_text(["burning", "going on", "well"])
        await page.get_by_text("going on").click()
        await expect(page).to_have_url(f"{own.base}/?flow=going+on")


async def test_a_server_without_flows_says_what_to_post_and_where(open_page: OpenPage) -> None:
    async with a_server() as own:
        page = await open_page(own.url())
        await expect(page.locator(".notice")).to_contain_text(f"{own.base}/v1/flows/my-flow/events")


async def test_a_flow_nobody_feeds_waits_and_then_fills(server: FlowServer, open_page: OpenPage) -> None:
    page = await open_page(server.url(flow="späte/Flow", view="table"))
    await connection(page, "live")
    await expect(page.locator(".notice")).to_contain_text("Waiting for the first message")
    await expect(page.locator(".notice code")).to_contain_text("/v1/flows/sp%C3%A4te%2FFlow/events")
    await server.post("späte/Flow", failed_chain("späte/Flow"))
    await summary(page, "6 of 10 ready")


async def test_a_removed_flow_says_so(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("short-lived", failed_chain("short-lived"))
    page = await open_page(server.url(flow="short-lived", view="table"))
    await summary(page, "6 of 10 ready")
    assert (await server.http.delete("v1/flows/short-lived")).status_code == 204
    await expect(page.locator(".notice")).to_contain_text("This flow was removed")
    await server.post("short-lived", [nodes(node("short-lived", "bp-new", "running"))])
    await summary(page, "0 of 1 ready")


async def test_the_page_heals_when_its_server_is_killed_and_comes_back(open_page: OpenPage) -> None:
    first = await FlowServer.start()
    await first.post("killed", failed_chain("killed"))
    page = await open_page(first.url(flow="killed", view="table"))
    await summary(page, "6 of 10 ready")
    await first.stop(signal.SIGKILL)
    await connection(page, "reconnecting")
    await expect(page.locator(".banner")).to_contain_text("this picture is")
    await summary(page, "6 of 10 ready")  # the last picture is kept
    async with a_server(port=first.port) as second:
        await second.post("killed", [*failed_chain("killed"), nodes(node("killed", "bp-more", "succeeded"))])
        await connection(page, "live")
        await summary(page, "7 of 11 ready")


async def test_silence_for_35_seconds_is_stale(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("silent", failed_chain("silent"))
    page = await open_page(clock=True)
    await page.goto(server.url(flow="silent", view="table"))
    await summary(page, "6 of 10 ready")
    # From now on every attempt hangs, as behind a dead proxy.
    await page.route("**/stream", _hang)
    # The page's clock goes on by itself, too: on a busy machine some seconds pass between these lines.
    await page.clock.fast_forward(30_000)
    await connection(page, "live")
    await page.clock.fast_forward(7_000)
    await connection(page, "stale")
    await page.unroute("**/stream")
    await page.clock.fast_forward(20_000)
    await connection(page, "live")


async def _hang(route: Route) -> None:
    """Never answered: Playwright drops it with the page."""


async def test_a_full_server_is_named_and_tried_again(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("full", failed_chain("full"))
    page = await open_page()

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}")

    await page.route("**/stream", refuse)
    await page.goto(server.url(flow="full", view="table"))
    await connection(page, "server full")
    await page.unroute("**/stream")
    await connection(page, "live")
    await summary(page, "6 of 10 ready")


async def test_a_server_that_asks_for_a_token_gets_it_as_a_header_only(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("closed", failed_chain("closed"))
    page = await open_page()
    asked: list[tuple[str, str | None]] = []

    async def guard(route: Route) -> None:
        given = route.request.headers.get("authorization")
        asked.append((route.request.url, given))
        if given == "Bearer the secret":
            await route.continue_()
        else:
            await route.fulfill(status=401, headers={"WWW-Authenticate": "Bearer"}, body="{}")

    await page.route("**/v1/**", guard)
    await page.goto(server.url(flow="closed", view="table"))
    await page.get_by_label("Token").fill("a wrong one")
    await page.get_by_role("button", name="Use it").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("Token").fill("the secret")
    await page.get_by_role("button", name="Use it").click()
    await summary(page, "6 of 10 ready")
    assert not any("secret" in url for url, _ in asked)
    assert "secret" not in page.url
    assert await page.evaluate("[sessionStorage.getItem('flow-token'), JSON.stringify(localStorage)]") == [
        "the secret",
        "{}",
    ]


async def test_a_page_hidden_for_long_gives_its_connection_back_and_resumes(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("hidden", failed_chain("hidden"))
    page = await open_page(clock=True)
    await page.add_init_script(
        "let seen = 'visible';"
        "Object.defineProperty(document, 'visibilityState', {get: () => seen});"
        "window.becomes = (next) => { seen = next; document.dispatchEvent(new Event('visibilitychange')); };"
    )
    heads: list[str | None] = []
    page.on(
        "request",
        lambda request: (
            heads.append(request.headers.get("last-event-id")) if "/stream" in request.url else None
        ),
    )
    await page.goto(server.url(flow="hidden", view="table"))
    await summary(page, "6 of 10 ready")
    await page.evaluate("becomes('hidden')")
    await page.clock.fast_forward(5 * 60_000 + 1000)
    await connection(page, "paused")
    await server.post("hidden", [nodes(node("hidden", "bp-cert-manager", "succeeded"))])
    await page.evaluate("becomes('visible')")
    await connection(page, "live")
    await page.clock.run_for(1000)
    await summary(page, "7 of 10 ready")
    assert heads[0] is None
    assert heads[-1] is not None, "resumed by the last id, not from nothing"


async def test_a_region_whose_emitter_is_silent_is_named(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("emitters", failed_chain("emitters"))
    page = await open_page()

    async def old(route: Route) -> None:
        answer = await route.fetch()
        body: dict[str, Any] = await answer.json()
        body["emitters"] = [{"name": "hel1", "lastHeardAt": 1_000}]
        await route.fulfill(response=answer, body=json.dumps(body))

    await page.route("**/v1/flows/emitters", old)
    await page.goto(server.url(flow="emitters"))
    await expect(page.locator(".attention")).to_contain_text("no word for")
    await expect(page.locator('.tile[data-lane="hel1"]')).to_contain_text("silent")


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_the_page_follows_the_system_and_its_own_switch(
    server: FlowServer, open_page: OpenPage, theme: str
) -> None:
    await server.post("theme", failed_chain("theme"))
    page = await open_page(server.url(flow="theme"), theme=theme)
    shown = page.locator("html")
    await expect(shown).to_have_attribute("data-theme", theme)
    await page.get_by_role("button", name="theme").click()
    await expect(shown).to_have_attribute("data-theme", "dark")
    await page.get_by_role("button", name="theme").click()
    await page.reload()
    await expect(shown).to_have_attribute("data-theme", "light")


async def test_the_page_works_below_a_prefix(open_page: OpenPage) -> None:
    async with a_server(PATH_PREFIX="/sovereign/flow") as own:
        await own.post("below", failed_chain("below"))
        page = await open_page(f"{own.base}")
        await expect(page).to_have_url(f"{own.base}/?flow=below")
        await summary(page, "6 of 10 ready")


async def test_sorting_filtering_and_searching_the_table(server: FlowServer, open_page: OpenPage) -> None:
    messages = [
        nodes(
            region_node("table", "r"),
            node("table", "bp-a", "succeeded", region="r", startedAt=1000, endedAt=9000),
            node("table", "bp-b", "failed", region="r", startedAt=1000, endedAt=3000),
            node("table", "bp-c", "running", region="r"),
        ),
        chain("r", "bp-a", "bp-b", "bp-c"),
    ]
    await server.post("table", messages)
    page = await open_page(server.url(flow="table", view="table"))
    await expect(page.locator("tbody .c-name")).to_have_text(["bp-b", "bp-c", "bp-a"])
    await page.get_by_role("button", name="Took").click()
    await expect(page.locator("tbody .c-name")).to_have_text(["bp-b", "bp-a", "bp-c"])
    await page.get_by_role("button", name="Took").click()
    await expect(page.locator("tbody .c-name")).to_have_text(["bp-a", "bp-b", "bp-c"])
    await page.get_by_role("button", name="1 failed").click()
    await expect(page.locator("tbody .c-name")).to_have_text(["bp-b"])
    await page.get_by_role("button", name="1 failed").click()
    await page.get_by_role("searchbox").fill("BP-C")
    await expect(page.locator("tbody .c-name")).to_have_text(["bp-c"])
    assert await rows(page) == ["bp-c"]
    await page.reload()
    await expect(page.locator("tbody .c-name")).to_have_text(["bp-c"])
    await expect(page.get_by_role("searchbox")).to_have_value("BP-C")


async def test_five_thousand_rows_are_a_few_in_the_document(server: FlowServer, open_page: OpenPage) -> None:
    many = [node("rows", f"bp-{at:04d}", "succeeded") for at in range(5000)]
    await server.post("rows", [nodes(*many[start : start + 500]) for start in range(0, 5000, 500)])
    page = await open_page(server.url(flow="rows", view="table", sort="name"))
    await summary(page, "5000 of 5000 ready")
    assert await page.locator("tbody tr").count() < 120
    await expect(page.locator("table")).to_have_attribute("aria-rowcount", "5001")
    await page.locator(".table").evaluate("table => table.scrollTo(0, table.scrollHeight)")
    await expect(page.locator("tbody .c-name").last).to_have_text("bp-4999")
