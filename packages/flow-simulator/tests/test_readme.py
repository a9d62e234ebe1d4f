"""The README's tables are true."""

import re
from pathlib import Path
from typing import get_args

from flow_simulator.control import control_app
from flow_simulator.demo.options import options_from
from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes.faults import Fault

README = (Path(__file__).parents[1] / "README.md").read_text()


def section(title: str) -> str:
    return README.split(f"# {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_fault_is_listed() -> None:
    listed = set(re.findall(r"`([A-Z][A-Za-z]+)`", section("Faults").split("### The control API")[0]))
    assert {fault.__name__ for fault in get_args(Fault)} == listed


def test_every_endpoint_of_the_control_api_is_listed() -> None:
    routes = control_app(SimulatedCluster()).routes
    served = {
        (method, re.sub(r":\w+}", "}", route.path))
        for route in routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }
    listed = re.findall(r"^\| `(\w+) (/\S+)` \|", section("The control API"), flags=re.MULTILINE)
    assert set(listed) == served


def test_every_option_of_the_demo_is_listed_with_its_default() -> None:
    defaults = options_from([])
    rows = dict(re.findall(r"^\| `--(\w+)` \| ([^|]*) \|", section("flow-demo"), flags=re.MULTILINE))
    assert rows == {
        "speed": f"{defaults.speed:.1f}",
        "regions": f"`{','.join(defaults.regions)}`",
        "seed": str(defaults.seed),
        "port": str(defaults.port),
        "server": "",
        "flow": f"`{defaults.flow}`",
    }
