"""`/healthz`, `/readyz` and `/metrics` over a real socket."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from flow_adapter_flux.health import HealthApp, HealthServer
from flow_adapter_flux.metrics import Metrics
from flow_contract.service.listening import ListenAddress, listening_socket

README = Path(__file__).parents[1] / "README.md"


class Silence:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def served(silence: Silence, metrics: Metrics) -> AsyncGenerator[httpx.AsyncClient]:
    listener = listening_socket(ListenAddress("127.0.0.1", 0))
    server = HealthServer(HealthApp(silence_s=silence, metrics=metrics))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
        yield client
    server.should_exit = True
    await serving


async def test_ready_tells_of_an_api_that_says_nothing_and_healthy_does_not() -> None:
    silence = Silence()
    async with served(silence, Metrics()) as client:
        for seconds, status in ((0.0, 200), (120.0, 200), (121.0, 503), (5.0, 200)):
            silence.seconds = seconds
            assert (await client.get("/readyz")).status_code == status
            assert (await client.get("/healthz")).status_code == 200
        silence.seconds = 300.0
        assert "300 s" in (await client.get("/readyz")).text


async def test_other_paths_and_methods_are_refused() -> None:
    async with served(Silence(), Metrics()) as client:
        assert (await client.get("/")).status_code == 404
        assert (await client.post("/healthz")).status_code == 405
        head = await client.head("/healthz")
        assert (head.status_code, head.text) == (200, "")


async def test_metrics_are_all_there_from_the_start_and_the_readme_names_them() -> None:
    async with served(Silence(), Metrics()) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    exposed = set(
        re.findall(r"^# TYPE (flow_adapter_\w+) (?:counter|gauge)$", answer.text, flags=re.MULTILINE)
    )
    exposed = {name for name in exposed if not name.endswith("_created")}
    documented = set(re.findall(r"^\| `(flow_adapter_\w+)", README.read_text(), flags=re.MULTILINE))
    assert documented == exposed
