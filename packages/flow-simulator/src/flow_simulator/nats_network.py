"""A NATS cluster with a breakable network: a proxy on each route and between each replica and each server."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from flow_simulator.nats_servers import (
    START_S,
    NatsServer,
    cluster_config,
    free_port,
    wait_for_leader,
    wait_until_healthy,
)
from flow_simulator.proxy import Faults, Proxy

STALLED = Faults(stall=True)
"""Nothing goes through and nobody is told."""

REFUSED = Faults(refuse=True)
"""What tries to connect is turned away at once."""


class NatsNetwork:
    """Servers by index, and for each replica the URLs that are its own way to them."""

    def __init__(
        self,
        servers: list[NatsServer],
        routes: dict[tuple[int, int], Proxy],
        ways: dict[tuple[int, int], Proxy],
    ) -> None:
        """`routes`: (from, to) server; `ways`: (replica, server)."""
        self.servers = servers
        self._routes = routes
        self._ways = ways

    def urls_of(self, replica: int) -> tuple[str, ...]:
        """Where this replica finds the servers."""
        return tuple(
            f"nats://127.0.0.1:{proxy.port}" for (who, _), proxy in self._ways.items() if who == replica
        )

    def isolate_server(self, server: int, faults: Faults) -> None:
        """Cut a server off from the others and from all replicas."""
        self._break(self._proxies_of_server(server), faults)

    def isolate_replica(self, replica: int, faults: Faults) -> None:
        """Cut a replica off from all servers."""
        self._break((proxy for (who, _), proxy in self._ways.items() if who == replica), faults)

    def heal_server(self, server: int) -> None:
        """Undo `isolate_server`."""
        self._break(self._proxies_of_server(server), Faults())

    def heal_replica(self, replica: int) -> None:
        """Undo `isolate_replica`."""
        self.isolate_replica(replica, Faults())

    async def healthy(self, *, within_s: float = START_S * 2) -> None:
        """Wait until every server has all that the others have. Raises TimeoutError."""
        for server in self.servers:
            await wait_until_healthy(server, within_s=within_s)

    def _proxies_of_server(self, server: int) -> list[Proxy]:
        routes = [proxy for ends, proxy in self._routes.items() if server in ends]
        return routes + [proxy for (_, to), proxy in self._ways.items() if to == server]

    def _break(self, proxies: Iterable[Proxy], faults: Faults) -> None:
        for proxy in proxies:
            proxy.faults = faults
            if faults.refuse:
                proxy.cut()


@asynccontextmanager
async def nats_network(
    folder: Path, *, servers: int = 3, replicas: int = 3, sync: str = ""
) -> AsyncGenerator[NatsNetwork]:
    """A cluster with a leader behind its proxies, ended afterwards."""
    async with AsyncExitStack() as stack:
        indexes = range(servers)
        route_ports = [free_port() for _ in indexes]
        routes = {
            (one, other): await stack.enter_async_context(Proxy(("127.0.0.1", route_ports[other])))
            for one in indexes
            for other in indexes
            if one != other
        }
        nodes: list[NatsServer] = []
        for one in indexes:
            ways_out = [f"nats://127.0.0.1:{routes[one, other].port}" for other in indexes if other != one]
            config = cluster_config(port=route_ports[one], routes=ways_out)
            node = NatsServer(folder, name=f"n{one}", sync=sync, more=config)
            stack.callback(node.kill)
            stack.callback(node.resume)
            nodes.append(node)
            node.start()
        ways = {
            (replica, server): await stack.enter_async_context(Proxy(("127.0.0.1", nodes[server].port)))
            for replica in range(replicas)
            for server in indexes
        }
        for node in nodes:
            await node.listening()
        await wait_for_leader([node.url for node in nodes])
        yield NatsNetwork(nodes, routes, ways)
