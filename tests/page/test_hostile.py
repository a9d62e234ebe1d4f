"""Text from outside is text: whatever a label, an id, a status or `meta` says, nothing runs or leaves."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from .conftest import FlowServer, OpenPage, a_server, connection
from .flows import nodes

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script href=data:,alert(1) />",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//https://x",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='alert(1)",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<math><mtext><img src=x onerror=alert(1)></math>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><button>x",
    "<style>*{background:url(//evil.example)}</style>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)} `; alert(1)//",
    "https://evil.example/?q=<script>alert(1)</script>",
    "__proto__",
]

FIELDS = ["label", "id", "status", "family", "region", "meta", "key"]


def hostile(flow_id: str, field: str) -> list[dict[str, Any]]:
    """One node for each payload, with the payload in that field."""
    found: list[dict[str, Any]] = []
    for number, payload in enumerate(PAYLOADS):
        body: dict[str, Any] = {
            "id": f"n{number}", "flowId": flow_id, "label": f"n{number}", "status": "failed",
            "family": "f", "region": "r", "meta": {},
        }  # fmt: skip
        if field == "meta":
            body["meta"] = {
                "message": payload,
                "reason": payload,
                "namespace": payload,
                "source": "flux",
                "attempts": 2,
                "version": payload,
                "waitingFor": [payload],
                "conditions": [{"type": payload, "status": payload, "reason": payload, "message": payload}],
                "deep": {"in": [payload]},
            }
        elif field == "key":
            body["meta"] = {payload: "x"}
        else:
            body[field] = payload
        found.append(body)
    return found


def test_there_are_thirty_payloads() -> None:
    assert len(PAYLOADS) >= 30


@pytest.mark.parametrize("field", FIELDS)
async def test_no_payload_runs_or_leaves(server: FlowServer, open_page: OpenPage, field: str) -> None:
    flow_id = f"hostile {field}"
    bodies = hostile(flow_id, field)
    await server.post(flow_id, [nodes(*bodies)])
    page = await open_page(server.url(flow=flow_id, view="table"))
    await connection(page, "live")
    before = page.url
    count = await page.locator("tbody .c-name").count()
    assert count > 10
    for name in ("Graph", "Timeline", "Table"):
        await page.get_by_role("button", name=name, exact=True).click()
    for _ in bodies:
        await page.keyboard.press("j")
        await expect(page.locator(".detail h2")).to_be_visible()
    elements = await page.evaluate(
        "document.querySelectorAll('script, iframe, img, form, base, meta, object').length"
    )
    html = await page.evaluate(
        "document.querySelectorAll('head script, head meta, .panel').length"
    )  # what the page itself has
    assert elements == html
    assert page.url.split("?")[0] == before.split("?")[0]
    links = await page.evaluate("[...document.querySelectorAll('a[href]')].map((a) => a.protocol)")
    assert set(links) <= {"http:", "https:"}


async def own_elements(page: Page) -> None:
    """Only what the page itself is made of: no payload became an element, none was followed."""
    found = "'script, iframe, img, form, base, meta, object, embed, style'"
    elements = await page.evaluate(f"document.querySelectorAll({found}).length")
    assert elements == await page.evaluate("document.querySelectorAll('head > *:is(script, meta)').length")
    handlers = "[onerror], [onload], [onfocus], [ontoggle], [onmouseover]"
    assert await page.locator(handlers).count() == 0


async def test_an_address_is_text_too(server: FlowServer, open_page: OpenPage) -> None:
    body = {"id": "a", "flowId": "reflected", "label": "a", "status": "failed"}
    await server.post("reflected", [nodes(body)])
    page = await open_page()
    named = ["node", "q", "region", "in", "family", "sort", "at", "theme", "status", "view", "x", "y", "zoom"]
    for number, payload in enumerate(PAYLOADS):
        # Compared with a region, with a flow, or with nothing: each shows what was given in another place.
        against = ({"against": payload}, {"compare": payload}, {})[number % 3]
        address = server.url(flow="reflected", **dict.fromkeys(named, payload), **against)
        if number % 8 == 0:
            await page.goto(address)
            await connection(page, "live")
        else:  # the same reading of the address, without the page's beginning
            await page.evaluate(
                "to => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }",
                address,
            )
        await expect(page.locator(".detail .calm")).to_contain_text("is not part of this picture")
        await own_elements(page)


async def test_relationships_and_lists_of_flows_are_text_too(open_page: OpenPage) -> None:
    async with a_server() as own:
        for number, payload in enumerate(PAYLOADS):
            ends = {"fromId": "a", "toId": payload, "toFlowId": payload, "type": "triggers"}
            others = {"fromId": payload, "toId": "a", "type": "finish-to-start", "condition": "on-failure"}
            await own.post(
                payload if number < 20 else "rest",
                [
                    nodes(
                        {
                            "id": "a",
                            "flowId": payload if number < 20 else "rest",
                            "label": "a",
                            "status": "failed",
                        }
                    ),
                    {"type": "upsert-rels", "relationships": [ends, others]},
                ],
            )
        page = await open_page(own.url())
        await expect(page.locator(".flow-card")).to_have_count(21)
        await own_elements(page)
        assert {*PAYLOADS[:20], "rest"} == {*await page.locator(".flow-name bdi").all_text_contents()}
        await page.goto(own.url(flow="rest", node="a"))
        await expect(page.locator(".detail .node-line").first).to_be_visible()
        await own_elements(page)
        await page.get_by_role("button", name="compare").click()
        await expect(page.get_by_label("compare with").locator("option")).to_have_count(21)
        await own_elements(page)


@pytest.mark.parametrize("payload", PAYLOADS[::5])
async def test_a_flow_id_is_text_too(server: FlowServer, open_page: OpenPage, payload: str) -> None:
    await server.post(payload, [nodes({"id": "a", "flowId": payload, "label": "a", "status": "running"})])
    page = await open_page(server.url(flow=payload))
    await connection(page, "live")
    await expect(page.locator("h1")).to_have_text(payload)
    assert payload in await page.title()


async def test_characters_that_hide_or_reorder_are_made_visible(
    server: FlowServer, open_page: OpenPage
) -> None:
    label = "a\u202egnp.exe\u200b\u0007b"
    await server.post(
        "hidden letters", [nodes({"id": "a", "flowId": "hidden letters", "label": label, "status": "failed"})]
    )
    page = await open_page(server.url(flow="hidden letters", view="table"))
    await expect(page.locator("tbody .c-name bdi")).to_have_text("a\ufffdgnp.exe\ufffd\ufffdb")


async def test_a_command_to_paste_is_never_more_than_one_command(
    server: FlowServer, open_page: OpenPage
) -> None:
    name = "x; rm -rf / #$(id)'\""
    meta = {"source": "flux", "namespace": "flux-system"}
    body = {"id": "a", "flowId": "paste", "label": name, "status": "failed", "meta": meta}
    await server.post("paste", [nodes(body)])
    page = await open_page(server.url(flow="paste", view="table"))
    quoted = "'x; rm -rf / #$(id)'\\''\"'"
    await expect(page.locator(".attention code")).to_have_text(f"flux -n flux-system get hr {quoted}")
