"""Connections as the event loop takes them."""

import asyncio
import socket
from collections import Counter
from typing import Any

import uvloop
from litestar.types import ASGIApp

from flow_contract.service.listening import ListenAddress, listening_socket
from flow_server.serving.server import Server

from ..real_server import until

COMING = 64


async def no_app(scope: Any, receive: Any, send: Any) -> None:
    """Nobody asks for anything here."""
    raise AssertionError


def server_of(app: ASGIApp) -> Server:
    """A server with nothing but an app."""
    return Server(app, on_stop=lambda: None, grace_s=5.0, rejected=Counter())


async def turns_to_take(coming: int) -> int:
    """How many turns of the loop a server needs to take so many connections that wait for it."""
    server = server_of(no_app)
    with listening_socket(ListenAddress("127.0.0.1", 0), backlog=4096) as listener:
        serving = asyncio.create_task(server.serve_at(listener))
        await until(lambda: server.started)
        # The kernel completes these; until the next await, the server does not get a turn.
        clients = [socket.create_connection(listener.getsockname()) for _ in range(coming)]
        turns = 0
        while len(server.server_state.connections) < coming and turns < 10 * coming:
            await asyncio.sleep(0)
            turns += 1
        for client in clients:
            client.close()
        server.should_exit = True
        await serving
    return turns


def test_many_who_connect_at_once_need_few_turns_of_the_loop() -> None:
    # The command's loop; asyncio's own takes all that wait in one turn anyway.
    assert uvloop.run(turns_to_take(COMING)) <= COMING // 8


async def test_a_server_that_stops_takes_nobody_even_while_a_request_has_its_grace() -> None:
    asked, done = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await done.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    server = server_of(slow)
    with listening_socket(ListenAddress("127.0.0.1", 0), backlog=4096) as listener:
        address = listener.getsockname()
        serving = asyncio.create_task(server.serve_at(listener))
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await asked.wait()
        server.should_exit = True
        await until(lambda: refused(address))
        done.set()
        assert (await reader.readline()).startswith(b"HTTP/1.1 204 ")
        writer.close()
        await serving


def refused(address: Any) -> bool:
    """Whether the kernel takes no connection for this address."""
    try:
        socket.create_connection(address).close()
    except ConnectionRefusedError:
        return True
    return False
