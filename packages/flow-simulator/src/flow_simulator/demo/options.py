"""What `flow-demo` can be told on its command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flow_simulator.regions import REGIONS

BOOTSTRAP_S = 1200.0
"""How long a bootstrap takes at speed 1."""
SHOWN_IN_S = 90.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """All of it, checked."""

    speed: float
    regions: tuple[str, ...]
    seed: int
    port: int
    server: str | None
    flow: str


def _speed(text: str) -> float:
    speed = float(text)
    if not 0.1 <= speed <= 1000:
        raise ValueError(text)
    return speed


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _regions(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) != len(names) or any("/" in name for name in names):
        raise ValueError(text)
    return names


def _server(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(text)
    return text.rstrip("/")


def options_from(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; a mistake ends the process with a sentence and status 2."""
    parser = argparse.ArgumentParser(
        prog="flow-demo",
        description="Show the bootstrap of several simulated clusters live: a flow server, one simulated "
        "Kubernetes API with a Flux for each region, one adapter for each, and a page to look at.",
    )
    speed = BOOTSTRAP_S / SHOWN_IN_S
    parser.add_argument(
        "--speed", type=_speed, default=speed, help="Flux's seconds in a real one (%(default).1f)"
    )
    parser.add_argument("--regions", type=_regions, default=REGIONS, help="their names, with commas between")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same run (%(default)s)")
    parser.add_argument(
        "--port", type=_port, default=8080, help="of the page; 0 takes a free one (%(default)s)"
    )
    parser.add_argument("--server", type=_server, help="feed a flow server that runs elsewhere, at this URL")
    parser.add_argument("--flow", default="bootstrap", help="the flow's id (%(default)s)")
    found = parser.parse_args(arguments)
    return Options(
        speed=found.speed,
        regions=found.regions,
        seed=found.seed,
        port=found.port,
        server=found.server,
        flow=found.flow,
    )
