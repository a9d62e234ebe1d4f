"""A real server process and one real Chromium for the page's tests.

The browser is shared by the session, so the tests run on the session's loop; each test has its own context,
and fails when the page logged an error, broke its content security policy or asked anybody but its server.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

CANVAS = Path(__file__).parents[2] / "packages" / "flow-server" / "canvas"
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
HAS_CHROMIUM = CHROMIUM.exists()
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 20_000
"""How long a condition may take: this machine may be busy with other things."""

# Of its own accord `expect` gives up after five seconds.
expect.set_options(timeout=PATIENCE_MS)

Message = dict[str, Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here that are coroutines share the session's loop, and with it the browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.browser)


class FlowServer:
    """`python -m flow_server` on a port of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, prefix: str = "") -> None:
        """A running process that listens on `port`."""
        self.process = process
        self.port = port
        self.base = f"http://127.0.0.1:{port}{prefix}"
        self.http = httpx.AsyncClient(base_url=f"{self.base}/", timeout=20)

    @classmethod
    async def start(cls, *, port: int = 0, **settings: str) -> "FlowServer":
        """Start one; `settings` are its variables without the prefix."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("FLOW_SERVER_")
        }
        environment |= {f"FLOW_SERVER_{name}": value for name, value in settings.items()}
        environment |= {"FLOW_SERVER_LISTEN_ADDR": f"127.0.0.1:{port}", "FLOW_SERVER_LOG_FORMAT": "json"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "flow_server", env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        said: list[bytes] = []
        async with asyncio.timeout(30):
            while line := await process.stdout.readline():
                said.append(line)
                event: dict[str, Any] = json.loads(line) if line.startswith(b"{") else {}
                if event.get("event") == "listening":
                    server = cls(process, event["port"], settings.get("PATH_PREFIX", ""))
                    server.drain = asyncio.create_task(_drain(process.stdout))
                    return server
        raise AssertionError(f"the server did not start: {b''.join(said)!r}")

    drain: "asyncio.Task[None]"

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process and wait for it."""
        await self.http.aclose()
        if self.process.returncode is None:
            self.process.send_signal(how)
        await asyncio.wait_for(self.process.wait(), 30)
        await self.drain

    async def post(self, flow_id: str, messages: Sequence[Message]) -> None:
        """Post messages, as many at a time as the server takes."""
        for start in range(0, len(messages), 100):
            await self._post_lines(
                flow_id, [json.dumps(message) for message in messages[start : start + 100]]
            )

    async def _post_lines(self, flow_id: str, lines: list[str]) -> None:
        body = "\n".join(lines).encode()
        if len(body) > 900_000 and len(lines) > 1:
            await self._post_lines(flow_id, lines[: len(lines) // 2])
            await self._post_lines(flow_id, lines[len(lines) // 2 :])
            return
        answer = await self.http.post(
            f"v1/flows/{quote(flow_id, safe='')}/events",
            content=body,
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert answer.status_code == 200, answer.text

    def url(self, **view: str) -> str:
        """The page's address with a view."""
        return f"{self.base}/?{urlencode(view)}" if view else f"{self.base}/"


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


@asynccontextmanager
async def a_server(**settings: Any) -> AsyncGenerator[FlowServer]:
    """A server of one test's own."""
    server = await FlowServer.start(**settings)
    try:
        yield server
    finally:
        await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[FlowServer]:
    """One server for all tests that do no harm to it; each uses flows of its own."""
    async with a_server() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium."""
    if not HAS_CHROMIUM:
        pytest.skip(f"no Chromium at {CHROMIUM}: set CHROMIUM to where it is")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        await chromium.close()


class Visit:
    """A page, and everything that it should not have done."""

    def __init__(self, page: Page) -> None:
        """Listen from the start."""
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _said(self, message: ConsoleMessage) -> None:
        # What the network does is the test's business; what the page or its policy says about itself is not.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")


VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error("policy", event.violatedDirective, event.blockedURI));
"""

OpenPage = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Opens pages of one context; at the end none of them may have complained."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    async def open_one(
        url: str | None = None,
        *,
        width: int = 1400,
        height: int = 850,
        theme: str = "dark",
        clock: bool = False,
    ) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="light" if theme == "light" else "dark",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await page.add_init_script(VIOLATIONS)
        if clock:
            await page.clock.install()
        visits.append(Visit(page))
        if url is not None:
            await page.goto(url)
        return page

    yield open_one
    for context in contexts:
        await context.close()
    for visit in visits:
        assert visit.complaints == []
        assert len(visit.hosts) <= 1, f"asked {visit.hosts}"


async def connection(page: Page, word: str) -> None:
    """Wait until the page says this about its connection."""
    await page.wait_for_selector(f'[data-connection="{word}"]', timeout=PATIENCE_MS)


async def summary(page: Page, text: str) -> None:
    """Wait until the header counts so many."""
    await page.wait_for_function(
        "text => document.querySelector('.summary')?.textContent === text", arg=text, timeout=PATIENCE_MS
    )
