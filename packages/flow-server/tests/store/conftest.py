"""One NATS server for all tests of a session, each with a stream of its own."""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flow_simulator.nats_servers import NatsServer, nats_server

from .sites import SITES, Site


@pytest.fixture(scope="session")
def shared_nats(tmp_path_factory: pytest.TempPathFactory) -> Generator[Callable[[], NatsServer]]:
    """The session's server, started when it is first asked for."""
    servers: list[NatsServer] = []
    with ExitStack() as stack:

        def started() -> NatsServer:
            if not servers:
                servers.append(stack.enter_context(nats_server(tmp_path_factory.mktemp("nats"))))
            return servers[0]

        yield started


@pytest.fixture(params=list(SITES))
def site(request: pytest.FixtureRequest, tmp_path: Path, shared_nats: Callable[[], NatsServer]) -> Site:
    """The log of each store in turn."""
    return SITES[request.param](tmp_path, shared_nats)


@pytest.fixture
def keeping_site(site: Site) -> Site:
    """The log of each store that keeps it."""
    if not site.keeps:
        pytest.skip("this store keeps nothing")
    return site


@pytest.fixture
def shared_site(site: Site) -> Site:
    """The log of each store that replicas share."""
    if not site.shares:
        pytest.skip("this store is for one replica")
    return site
