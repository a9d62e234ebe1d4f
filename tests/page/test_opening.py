"""The first script of the page asks for the stream, and the rest of the page takes the answer over."""

import asyncio

from playwright.async_api import Request, Route, expect

from .conftest import PATIENCE_MS, FlowServer, OpenPage, connection, summary
from .flows import failed_chain


async def test_the_stream_is_asked_for_once_and_before_the_page_has_its_code(
    server: FlowServer, open_page: OpenPage
) -> None:
    await server.post("opening", failed_chain("opening"))
    page = await open_page()
    asked: list[Request] = []
    streaming = asyncio.Event()

    def note(request: Request) -> None:
        if request.url.endswith("/stream"):
            asked.append(request)
            streaming.set()

    async def code(route: Route) -> None:
        await asyncio.wait_for(streaming.wait(), PATIENCE_MS / 1000)
        await route.continue_()

    page.on("request", note)
    await page.route("**/assets/index-*.js", code)
    await page.goto(server.url(flow="opening"))
    await connection(page, "live")
    await summary(page, "6 of 10 ready")
    assert [request.headers["accept"] for request in asked] == ["text/event-stream"]


async def test_the_first_question_has_the_token_of_this_tab(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("opening again", failed_chain("opening again"))
    page = await open_page()
    given: list[str | None] = []

    async def guard(route: Route) -> None:
        given.append(route.request.headers.get("authorization"))
        if given[-1] == "Bearer the secret":
            await route.continue_()
        else:
            await route.fulfill(status=401, headers={"WWW-Authenticate": "Bearer"}, body="{}")

    await page.route("**/stream", guard)
    await page.goto(server.url(flow="opening again"))
    await page.get_by_label("Token").fill("the secret")
    await page.get_by_role("button", name="Use it").click()
    await summary(page, "6 of 10 ready")
    await page.reload()
    await summary(page, "6 of 10 ready")
    assert given == [None, "Bearer the secret", "Bearer the secret"]


async def test_a_first_question_that_fails_is_asked_again(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("opening fails", failed_chain("opening fails"))
    page = await open_page()
    await page.route("**/stream", lambda route: route.abort(), times=1)
    await page.goto(server.url(flow="opening fails"))
    await connection(page, "live")
    await summary(page, "6 of 10 ready")


async def test_the_list_of_flows_asks_for_no_stream(server: FlowServer, open_page: OpenPage) -> None:
    await server.post("opening one", failed_chain("opening one"))
    await server.post("opening two", failed_chain("opening two"))
    page = await open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(server.url())
    await expect(page.locator(".flow-card", has_text="opening two")).to_be_visible()
    assert not [url for url in asked if url.endswith("/stream")]
