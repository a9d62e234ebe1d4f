"""The control API: faults, clock and state of one simulated cluster, as HTTP on a port of its own.

| method and path | what |
| --- | --- |
| `POST /faults` | one fault or a list of them (`kubernetes/faults.py`), applied in order; 204 |
| `DELETE /faults` | end everything that lasts; 204 |
| `GET /state` | version, open watches, rules in force, requests by verb, resource and status, the clock |
| `GET /objects/{resource}` | all objects of a kind, as a JSON array |
| `PUT /clock` | `{"speed": 13.3}`: Flux's seconds in a real one, 0 stands still; 204 |

A mistake is 400 with a sentence that names it.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, Request, delete, get, post, put
from litestar.exceptions import ClientException
from litestar.params import FromPath

from flow_contract.service.listening import ListenAddress, listening_socket
from flow_simulator.flux.driver import FluxDriver
from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes.faults import Fault
from flow_simulator.kubernetes.problems import Problem
from flow_simulator.kubernetes.resources import resource_named

_ONE: msgspec.json.Decoder[Fault] = msgspec.json.Decoder(Fault)
_MANY = msgspec.json.Decoder(list[Fault])


def _faults(body: bytes) -> list[Fault]:
    """One fault or many. Raises msgspec.MsgspecError."""
    return _MANY.decode(body) if body.lstrip().startswith(b"[") else [_ONE.decode(body)]


class Clock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fast Flux runs."""

    speed: float


_CLOCK = msgspec.json.Decoder(Clock)


def control_app(cluster: SimulatedCluster, flux: FluxDriver | None = None) -> Litestar:
    """The ASGI application; without a Flux `PUT /clock` is 400."""

    @post("/faults", status_code=204)
    async def inject(request: Request[Any, Any, Any]) -> None:
        try:
            await cluster.inject(*_faults(await request.body()))
        except (msgspec.MsgspecError, ValueError, Problem) as error:
            raise ClientException(str(error)) from error

    @delete("/faults")
    async def lift() -> None:
        await cluster.lift_faults()

    @get("/state")
    async def state() -> dict[str, Any]:
        requests = [
            {"verb": verb, "resource": resource, "status": status, "count": count}
            for (verb, resource, status), count in sorted(cluster.request_counts.items())
        ]
        return {
            "url": cluster.url,
            "version": cluster.store.version,
            "watches": cluster.watches,
            "rules": cluster.server.rules.active(),
            "requests": requests,
            "clock": {"speed": flux.speed, "elapsedSeconds": flux.elapsed_s()} if flux else None,
        }

    @get("/objects/{resource:str}")
    async def objects(resource: FromPath[str]) -> list[dict[str, Any]]:
        try:
            return cluster.objects(resource_named(resource))
        except ValueError as error:
            raise ClientException(str(error)) from error

    @put("/clock", status_code=204)
    async def clock(request: Request[Any, Any, Any]) -> None:
        if flux is None:
            raise ClientException("there is no Flux here whose clock could be set")
        try:
            flux.set_speed(_CLOCK.decode(await request.body()).speed)
        except (msgspec.MsgspecError, ValueError) as error:
            raise ClientException(str(error)) from error

    return Litestar([inject, lift, state, objects, clock], openapi_config=None)


class _Guest(uvicorn.Server):
    """A server in a loop that belongs to somebody else: signals are not its business."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serving_control(
    cluster: SimulatedCluster, flux: FluxDriver | None = None, *, address: ListenAddress | None = None
) -> AsyncGenerator[str]:
    """Serve the control API (on a free port of 127.0.0.1) and give its URL."""
    with listening_socket(address or ListenAddress("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(control_app(cluster, flux), log_config=None, access_log=False, lifespan="off")
        server = _Guest(config)
        serving = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
        try:
            host, port = listener.getsockname()[:2]
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            await serving
