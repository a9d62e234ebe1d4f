"""The import contracts of pyproject.toml: each is broken here, in a copy, to see that it holds."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("flow-contract", "flow-server", "flow-adapter-flux", "flow-simulator")
CONTRACTS = tomllib.loads(REPOSITORY.joinpath("pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]


class Plant(NamedTuple):
    """An import that a contract forbids: `line` at the end of the module `where`, which may be a new one."""

    contract: str
    where: str
    line: str

    def __str__(self) -> str:
        return f"{self.contract}: {self.line} in {self.where}"


PLANTS = [
    Plant("server-layers", "flow_server.core.ring", "import flow_server.hub"),
    Plant("server-layers", "flow_server.flow", "import flow_server.hub"),
    Plant("server-layers", "flow_server.hub", "import flow_server.http.app"),
    Plant("server-layers", "flow_server.access", "import flow_server.serving"),
    Plant("server-layers", "flow_server.http.app", "import flow_server.serving"),
    Plant("server-layers", "flow_server.serving", "import flow_server.__main__"),
    Plant("server-layers", "flow_server.odds_and_ends", ""),
    Plant("server-stores", "flow_server.hub", "import flow_server.store.memory"),
    Plant("server-stores", "flow_server.http.app", "import flow_server.store.sqlite"),
    Plant("server-stores", "flow_server.serving", "import flow_server.store.nats"),
    Plant("adapter-layers", "flow_adapter_flux.core.mapper", "import flow_adapter_flux.reflector"),
    Plant("adapter-layers", "flow_adapter_flux.reflector", "import flow_adapter_flux.emitter"),
    Plant("adapter-layers", "flow_adapter_flux.emitter", "import flow_adapter_flux.reflector"),
    Plant("adapter-layers", "flow_adapter_flux.election", "import flow_adapter_flux.emitter"),
    Plant("adapter-layers", "flow_adapter_flux.reflector", "import flow_adapter_flux.election"),
    Plant("adapter-layers", "flow_adapter_flux.emitter", "import flow_adapter_flux.__main__"),
    Plant("adapter-layers", "flow_adapter_flux.odds_and_ends", ""),
    *(
        Plant("pure-cores", "flow_server.core.fold", f"import {name}")
        for name in ("asyncio", "time", "random")
    ),
    *(
        Plant("pure-cores", "flow_adapter_flux.core.mapper", f"import {name}")
        for name in ("os", "logging", "time")
    ),
    Plant("kubernetes-clients", "flow_adapter_flux.emitter", "import httpx2"),
    Plant("kubernetes-clients", "flow_adapter_flux.core.mapper", "from lightkube import Client"),
    Plant("http-client", "flow_adapter_flux.reflector", "import httpx"),
    Plant("contract-alone", "flow_contract.codec", "import flow_server.flow"),
    Plant("contract-alone", "flow_contract.service.logs", "import flow_adapter_flux.settings"),
    Plant("contract-proper", "flow_contract.codec", "import flow_contract.service.logs"),
    Plant("services-apart", "flow_server.hub", "import flow_adapter_flux.settings"),
    Plant("services-apart", "flow_adapter_flux.settings", "import flow_server.settings"),
    Plant("simulator-last", "flow_server.__main__", "import flow_simulator"),
    Plant("simulator-last", "flow_contract.codec", "import flow_simulator"),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the contracts are about, and of the contracts."""
    copy = tmp_path_factory.mktemp("sources")
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    for package in PACKAGES:
        source = REPOSITORY / "packages" / package / "src"
        shutil.copytree(source, copy / package, ignore=shutil.ignore_patterns("__pycache__", "canvas"))
    return copy


def _judge(sources: Path, *contracts: str) -> str:
    """What lint-imports says of the copy: `KEPT` or `BROKEN` for each contract."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--cache-dir", str(sources / "cache")]
    chosen = [argument for contract in contracts for argument in ("--contract", contract)]
    path = os.pathsep.join(str(sources / package) for package in PACKAGES)
    done = subprocess.run(
        [*command, *chosen],
        cwd=sources,
        env={**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Could not" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done.stdout


def test_the_sources_keep_every_contract(sources: Path) -> None:
    verdict = _judge(sources)
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in verdict, verdict


def test_every_contract_is_broken_here_at_least_once() -> None:
    assert {plant.contract for plant in PLANTS} == {contract["id"] for contract in CONTRACTS}


@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_a_forbidden_import_breaks_its_contract(plant: Plant, sources: Path) -> None:
    package, *inner = plant.where.split(".")
    place = sources / package.replace("_", "-") / package
    module = place.joinpath(*inner)
    file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
    before = file.read_text() if file.exists() else None
    try:
        file.write_text(f"{before or ''}\n{plant.line}\n")
        verdict = _judge(sources, plant.contract)
        assert "Contracts: 0 kept, 1 broken." in verdict, verdict
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
