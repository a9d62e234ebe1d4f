"""What a real server refuses, and what the page makes of it: no token, a wrong one, too many readers."""

import hashlib
import json
from pathlib import Path

from playwright.async_api import expect

from .conftest import OpenPage, a_server, connection, summary
from .flows import failed_chain

SECRET = "the-night-shift-may-look"


async def test_a_closed_server_opens_with_a_token_and_with_no_other(
    open_page: OpenPage, tmp_path: Path
) -> None:
    grants = tmp_path / "grants.json"
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    grants.write_text(
        json.dumps(
            {"tokens": [{"name": "night", "sha256": digest, "read": ["*"], "publish": ["*"], "own": ["*"]}]}
        )
    )
    async with a_server(AUTH_FILE=str(grants)) as closed:
        closed.http.headers["Authorization"] = f"Bearer {SECRET}"
        await closed.post("closed", failed_chain("closed"))
        page = await open_page(closed.url(flow="closed", view="table"))
        await page.get_by_label("Token").fill("not-the-one")
        await page.get_by_role("button", name="Use it").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.get_by_label("Token").fill(SECRET)
        await page.get_by_role("button", name="Use it").click()
        await connection(page, "live")
        await summary(page, "6 of 10 ready")
        await page.reload()  # the tab remembers it
        await summary(page, "6 of 10 ready")
        await page.get_by_label("all flows").click()
        await expect(page.locator(".flow-card")).to_have_count(1)


async def test_one_reader_too_many_waits_for_its_place(open_page: OpenPage) -> None:
    async with a_server(MAX_READERS="1") as small:
        await small.post("small", failed_chain("small"))
        first = await open_page(small.url(flow="small", view="table"))
        await summary(first, "6 of 10 ready")
        second = await open_page(small.url(flow="small", view="table"))
        await connection(second, "server full")
        await first.close()
        await connection(second, "live")
        await summary(second, "6 of 10 ready")
