"""Threats that need the whole server: a process with grants, its log, its memory.

SECURITY.md says which test is about which threat.
"""

import asyncio
import json
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from flow_server.access.authority import Authority
from flow_server.access.tokens import digest_of, index_of, new_token
from flow_server.http.ingest import IngestBounds
from flow_server.limits import Limits

from ..real_process import server_process
from ..real_server import DEADLINE_S, Serve, Served, nodes

ODD = "a\u202eb\u2028c"
"""Allowed in an id, and troublesome for whoever reads a log."""


class World:
    """A grants file with an owner, a reader with a troublesome name, and a token that is over."""

    def __init__(self, folder: Path) -> None:
        (self.owner, owner), (self.reader, reader), (self.over, over) = (new_token() for _ in range(3))
        everything = {"read": ["*"], "publish": ["*"], "own": ["*"]}
        entries = [
            {"name": "owner", "sha256": owner, **everything},
            {"name": f"reader\r\n\x1b[2J{ODD}" + "x" * 1000, "sha256": reader, "read": ["*"]},
            {"name": "over", "sha256": over, "not_after": "2020-01-01", **everything},
        ]
        self.file = folder / "grants.json"
        self.file.write_text(json.dumps({"tokens": entries}))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class Log:
    """What a process says, read as it comes: a full pipe would hold it up."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        self._lines.extend(self._process.stderr)

    def whole(self) -> list[str]:
        """All lines, without their ends; the process is stopped for it."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(DEADLINE_S) == 0
        self._reading.join(DEADLINE_S)
        return [line.removesuffix("\n") for line in self._lines]


ROUTES = [
    ("GET", "/"),
    ("GET", "/favicon.ico"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/schema/openapi.json"),
    ("GET", "/v1/nothing"),
    ("GET", "/v1/flows"),
    ("GET", "/v1/flows/{flow}"),
    ("PUT", "/v1/flows/{flow}"),
    ("OPTIONS", "/v1/flows/{flow}"),
    ("GET", "/v1/flows/{flow}/events"),
    ("POST", "/v1/flows/{flow}/events"),
    ("GET", "/v1/flows/{flow}/snapshot"),
    ("HEAD", "/v1/flows/{flow}/snapshot"),
    ("GET", "/v1/flows/{flow}/stream"),
    ("DELETE", "/v1/flows/{flow}"),
]


def _ask_everything(client: httpx.Client, token: str, flow: str) -> list[str]:
    """Every route, with a token where it belongs and where it does not; all answers."""
    header = {"id": flow, "status": "s\r\n\x1b[2Jforged", "startedAt": 1}
    said: list[str] = []
    for method, route in ROUTES:
        path = route.format(flow=quote(flow))
        body = json.dumps({"type": "snapshot", "flow": header}) if method == "POST" else None
        for authorization, query in (
            (f"Bearer {token}", f"?token={token}"),
            (f"Bearer {token}", f"?access_token={token}"),
            (token, ""),
        ):
            headers = {"Authorization": authorization, "Content-Type": "application/json"}
            with client.stream(method, path + query, content=body, headers=headers) as answer:
                whole = not path.endswith("/stream") or answer.status_code != 200
                text = answer.read().decode() if whole else next(answer.iter_text())
                said.append(f"{method} {path} {answer.status_code} {answer.headers} {text}")
    return said


def test_whatever_is_asked_no_token_and_no_forged_line_is_in_the_log(world: World) -> None:
    settings = {"AUTH_FILE": str(world.file), "ACCESS_LOG": "all"}
    tokens = (world.owner, world.reader, world.over, "nobodys-token")
    said: list[str] = []
    with server_process(**settings) as (process, address):
        log = Log(process)
        with httpx.Client(base_url=address, timeout=DEADLINE_S) as client:
            for token in tokens:
                said += _ask_everything(client, token, f"f{ODD}")
            metrics = client.get("/metrics", headers={"Authorization": f"Bearer {world.owner}"}).text
        lines = log.whole()
    assert {"200", "204", "400", "401", "403", "404", "405"} <= {line.split(" ")[2] for line in said}
    assert not [line for line in [*said, metrics, *lines] if any(token in line for token in tokens)]
    assert len(lines) > 170
    for line in lines:
        assert line.isascii()
        assert line.isprintable()
        entry = json.loads(line)
        assert entry["level"] in {"info", "warning"}
        assert all(len(value) <= 600 for value in entry.values() if isinstance(value, str))


async def test_every_route_has_the_headers_that_browsers_heed(serve: Serve, world: World) -> None:
    authority = Authority(world.file)
    authority.load()
    server = await serve(authority=authority)
    await _post(server, world.owner, "f", nodes("a"))
    for token in (world.owner, world.reader, None):
        for method, route in ROUTES:
            path = route.format(flow="f")
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            async with server.client.stream(method, path, headers=headers) as answer:
                shown = answer.headers
            where = f"{method} {path} {answer.status_code}"
            policy = shown["content-security-policy"]
            assert "default-src 'none'" in policy, where
            assert "frame-ancestors 'none'" in policy, where
            assert "require-trusted-types-for 'script'" in policy, where
            assert shown["x-content-type-options"] == "nosniff", where
            assert shown["referrer-policy"] == "no-referrer", where
            assert "set-cookie" not in shown, where
            assert "server" not in shown, where
            assert "access-control-allow-origin" not in shown, where
            if path.startswith(("/v1", "/metrics")) and method != "OPTIONS":
                assert shown["cache-control"] == "no-store", where
                assert "Authorization" in shown["vary"], where


async def _post(server: Served, token: str, flow: str, body: Any) -> int:
    answer = await server.post(flow, body, authorization=f"Bearer {token}")
    return answer.status_code


async def test_while_one_floods_the_others_posts_are_taken_in(serve: Serve, tmp_path: Path) -> None:
    (loud, loud_digest), (quiet, quiet_digest) = new_token(), new_token()
    file = tmp_path / "grants.json"
    entries = [
        {"name": name, "sha256": digest, "read": ["*"], "publish": ["*"]}
        for name, digest in (("loud", loud_digest), ("quiet", quiet_digest))
    ]
    file.write_text(json.dumps({"tokens": entries}))
    authority = Authority(file)
    authority.load()
    server = await serve(authority=authority, bounds=IngestBounds(messages_per_s=20))
    statuses: Counter[int] = Counter()

    async def flood() -> None:
        while True:
            statuses[await _post(server, loud, "f", [nodes("a")] * 10)] += 1

    flooding = [asyncio.create_task(flood()) for _ in range(8)]
    try:
        for number in range(15):
            assert await _post(server, quiet, "f", nodes(f"quiet-{number}")) == 200
    finally:
        for task in flooding:
            task.cancel()
        await asyncio.gather(*flooding, return_exceptions=True)
    assert statuses[429] > statuses[200] > 0
    assert set(statuses) == {200, 429}


async def test_ten_times_as_many_flows_and_readers_as_allowed_are_turned_away_and_room_comes_back(
    serve: Serve,
) -> None:
    server = await serve(limits=Limits(flows=10, readers=12, readers_per_flow=8))
    held = [await server.post(f"f{number}", nodes("a", flow_id=f"f{number}")) for number in range(100)]
    assert Counter(answer.status_code for answer in held) == {200: 10, 503: 90}
    assert {answer.headers["retry-after"] for answer in held if answer.status_code == 503} == {"5"}
    async with httpx.AsyncClient(
        base_url=server.client.base_url, timeout=DEADLINE_S, limits=httpx.Limits(max_connections=400)
    ) as client:
        # Of one flow, of a second, and of flows that nobody has fed.
        paths = ["f0"] * 40 + ["f1"] * 40 + [f"unknown-{number}" for number in range(40)]
        requests = [client.build_request("GET", f"/v1/flows/{flow}/stream") for flow in paths]
        answers = [await client.send(request, stream=True) for request in requests]
        assert Counter(answer.status_code for answer in answers) == {200: 12, 503: 108}
        assert server.hub.readers() == 12
        assert server.hub.flow("unknown-0") is None
        assert (await server.client.get("/healthz")).status_code == 200
        for answer in answers:
            await answer.aclose()
    rejected = server.hub.stats.rejected
    assert (rejected["MAX_FLOWS"], server.hub.stats.requests["/v1/flows/{flow_id}/stream", 503]) == (90, 108)
    await server.client.delete("/v1/flows/f0")
    await server.fed("one-more", nodes("a", flow_id="one-more"))
    async with server.reading("one-more") as reader:
        await reader.take(1)


def test_a_token_is_found_wherever_its_hash_stands_in_the_file() -> None:
    digests = [digest_of(b"%d" % number) for number in range(6)]
    assert [index_of(digest, digests[:5]) for digest in digests] == [0, 1, 2, 3, 4, None]
