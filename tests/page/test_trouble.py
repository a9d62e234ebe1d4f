"""What the Flux adapter knows beyond a condition: mistakes, a missing chart, all that is waited for."""

from playwright.async_api import expect

from .conftest import FlowServer, OpenPage
from .flows import NOW_MS, chain, node, nodes, region_node

ABSENT = (
    "It depends on flux-system/bp-keycloak, and there is no HelmRelease of that name in flux-system."
    " There is one of that name in default."
)
ITSELF = "It depends on itself, so it can never start."
SAID = "chart pull error: failed to download chart for remote reference"
PULL = {"reason": "ChartPullError", "message": SAID, "since": NOW_MS}


async def trouble(server: FlowServer, flow_id: str) -> None:
    """One release without a chart, one that can never start, and one that waits for both and for a third."""
    waiting = ["fsn1/bp-cnpg", "fsn1/bp-gitea", "fsn1/bp-keycloak"]
    await server.post(
        flow_id,
        [
            nodes(
                region_node(flow_id, "fsn1"),
                node(flow_id, "bp-cnpg", meta={"chartProblem": PULL}),
                node(
                    flow_id,
                    "bp-gitea",
                    "running",
                    meta={
                        "reason": "DependencyNotReady",
                        "mistakes": [ABSENT, ITSELF],
                        "waitingFor": waiting[2:],
                    },
                ),
                node(
                    flow_id,
                    "bp-harbor",
                    "running",
                    meta={"reason": "DependencyNotReady", "waitingFor": waiting},
                ),
            ),
            chain("fsn1", "bp-cnpg", "bp-gitea", "bp-harbor"),
        ],
    )


async def test_mistakes_and_a_missing_chart_need_attention(server: FlowServer, open_page: OpenPage) -> None:
    await trouble(server, "trouble seen")
    page = await open_page(server.url(flow="trouble seen"))
    cards = page.locator(".attention .card")
    await expect(cards).to_have_count(2)
    await expect(cards.nth(0)).to_contain_text("bp-gitea")
    await expect(cards.nth(0)).to_contain_text("cannot start")
    await expect(cards.nth(0)).to_contain_text(ABSENT)
    await expect(cards.nth(1)).to_contain_text("bp-cnpg")
    await expect(cards.nth(1)).to_contain_text("trying again")
    await expect(cards.nth(1)).to_contain_text("no chart: ChartPullError: chart pull error")


async def test_each_mistake_is_a_sentence_and_a_chart_says_since_when(
    server: FlowServer, open_page: OpenPage
) -> None:
    await trouble(server, "trouble told")
    page = await open_page(server.url(flow="trouble told", node="fsn1/bp-gitea"))
    await expect(page.locator(".mistakes li")).to_have_text([ABSENT, ITSELF])
    await expect(page.locator(".chain > p").first).not_to_contain_text("depends on itself")
    await expect(page.locator(".meta")).not_to_contain_text("mistakes")
    await page.goto(server.url(flow="trouble told", node="fsn1/bp-cnpg"))
    problem = page.locator(".chart-problem")
    await expect(problem).to_contain_text("The chart cannot be had: ChartPullError for ")
    await expect(problem.locator("p")).to_have_text(SAID)
    await expect(page.locator(".meta")).not_to_contain_text("chartProblem")


async def test_everything_waited_for_can_be_followed(server: FlowServer, open_page: OpenPage) -> None:
    await trouble(server, "trouble followed")
    page = await open_page(server.url(flow="trouble followed", node="fsn1/bp-harbor"))
    awaited = page.locator(".meta .awaited li")
    await expect(awaited).to_have_count(3)
    await expect(awaited.nth(2)).to_contain_text("fsn1/bp-keycloak")
    await expect(awaited.nth(2)).to_contain_text("not reported")
    await expect(page.locator(".chain")).to_contain_text("It waits for 2 others besides:")
    await awaited.nth(0).get_by_role("button").click()
    await expect(page.locator(".detail h2")).to_have_text("bp-cnpg")
    await expect(page).to_have_url(server.url(flow="trouble followed", node="fsn1/bp-cnpg"))
