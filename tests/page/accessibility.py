"""What keeps people out, as axe-core finds it."""

from typing import Any

from playwright.async_api import Page

from .conftest import CANVAS

AXE = CANVAS / "node_modules" / "axe-core" / "axe.min.js"


async def violations(page: Page) -> list[str]:
    """What axe-core finds, one line each."""
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate(
        "axe.run(document, {resultTypes: ['violations'], rules: {region: {enabled: false}}})"
    )
    return [
        f"{rule['id']}: {spot['html'][:200]} {spot['failureSummary']}"
        for rule in found["violations"]
        for spot in rule["nodes"]
    ]
