"""Connections as the event loop takes them."""

import asyncio
import socket
from collections import Counter
from typing import Any

import uvloop

from flow_contract.service.listening import ListenAddress, listening_socket
from flow_server.serving.server import HANDLES, Server

from ..real_server import until

COMING = 4 * HANDLES


async def no_app(scope: Any, receive: Any, send: Any) -> None:
    """Nobody asks for anything here."""
    raise AssertionError


def server_alone() -> Server:
    """A server without anything behind it."""
    return Server(no_app, on_stop=lambda: None, grace_s=5.0, rejected=Counter())


async def turns_to_take(coming: int) -> int:
    """How many turns of the loop a server needs to take so many connections that wait for it."""
    server = server_alone()
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
    assert uvloop.run(turns_to_take(COMING)) <= COMING // HANDLES + 4


async def test_the_listening_socket_stays_its_owners_to_close() -> None:
    server = server_alone()
    with listening_socket(ListenAddress("127.0.0.1", 0), backlog=4096) as listener:
        server.should_exit = True
        await server.serve_at(listener)
        assert listener.fileno() != -1
