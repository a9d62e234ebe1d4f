"""The page behind a proxy that takes its prefix away: assets, lists, streams, the past, every link."""

from playwright.async_api import expect

from .conftest import OpenPage, a_server, connection, summary
from .flows import failed_chain, node, nodes
from .stripping_proxy import StrippingProxy


async def test_the_page_works_behind_a_proxy_that_strips_its_prefix(open_page: OpenPage) -> None:
    async with a_server() as own:
        await own.post("one", failed_chain("one"))
        await own.post("two/three", [nodes(node("two/three", "bp-a", "succeeded"))])
        proxy = StrippingProxy("/teams/flows", own.port)
        async with proxy.running() as address:
            page = await open_page(address)
            await expect(page).to_have_url(f"{address}/")
            await expect(page.locator(".flow-card")).to_have_count(2)
            # A link can be opened elsewhere too: it is an address below the prefix.
            links = await page.locator("a.flow-card").evaluate_all("all => all.map((a) => a.href)")
            assert sorted(links) == [f"{address}/?flow=one", f"{address}/?flow=two%2Fthree"]
            await page.get_by_text("one", exact=True).click()
            await expect(page).to_have_url(f"{address}/?flow=one")
            await connection(page, "live")
            await summary(page, "6 of 10 ready")
            await own.post("one", [nodes(node("one", "bp-cert-manager", "succeeded"))])
            await summary(page, "7 of 10 ready")  # the stream is handed on message by message
            await page.keyboard.press("[")
            await expect(page.locator(".past-word")).to_be_visible()
            await summary(page, "6 of 10 ready")
            await page.get_by_role("button", name="back to live").click()
            await page.get_by_role("button", name="compare").click()
            await page.get_by_label("compare with").select_option(label="two/three")
            await expect(page.locator(".compare tbody tr").first).to_be_visible()
            await page.reload()
            await expect(page.locator(".compare tbody tr").first).to_be_visible()
            await page.get_by_label("all flows").click()
            await page.get_by_text("two/three").click()
            await summary(page, "1 of 1 ready")
            await page.goto(f"{address}/?flow=nobody")
            await expect(page.locator(".notice code")).to_contain_text(f"{address}/v1/flows/nobody/events")
        paths = {path.split("?")[0].removeprefix("/teams/flows") for path in proxy.asked}
        assert {"", "/", "/v1/flows", "/v1/flows/one/stream", "/v1/flows/one/events"} <= paths
        assert all(path.startswith("/teams/flows") for path in proxy.asked), (
            "nothing is asked beside the prefix"
        )
