"""Real Helm, as a command: renders a chart or says why it would not."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from .manifests import Manifest, parsed

PLATFORM = Path(__file__).parents[2]
SERVER = PLATFORM / "openova-flow-server" / "chart"
EMITTER = PLATFORM / "openova-flow-emitter" / "chart"
CHARTS = (SERVER, EMITTER)

Values = Mapping[str, Any]

NAMESPACE = "catalyst-system"


class Refused(Exception):
    """Helm would not: its own words."""


def value_sets(chart: Path) -> list[Path]:
    """The files with values for trial renderings, by name."""
    return sorted((chart / "ci").glob("*-values.yaml"))


def values_of(file: Path) -> dict[str, Any]:
    """The values in a file."""
    return yaml.safe_load(file.read_text())


def title_of(file: Path) -> str:
    """How a value set is called in a test's name: the chart's part and the file's."""
    return f"{file.parents[2].name.removeprefix('openova-flow-')}-{file.name.removesuffix('-values.yaml')}"


@dataclass(frozen=True)
class Helm:
    """A Helm binary, kept away from the configuration and cache of whoever runs the tests."""

    binary: Path
    home: Path

    @cached_property
    def version(self) -> str:
        """Such as `v4.3.1`."""
        return self.run("version", "--template", "{{.Version}}")

    def run(self, *arguments: str) -> str:
        """What the command prints. Raises `Refused`."""
        folders = {f"HELM_{kind}_HOME": str(self.home) for kind in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [str(self.binary), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.home), **folders},
        )
        if done.returncode:
            raise Refused(done.stderr + done.stdout)
        return done.stdout

    def text(self, chart: Path, values: Values, *, release: str = "any", namespace: str = NAMESPACE) -> str:
        """The manifests as Helm writes them. Raises `Refused`."""
        with tempfile.NamedTemporaryFile("w", suffix=".json", dir=self.home) as file:
            # JSON is YAML in which text stays text.
            json.dump(dict(values), file)
            file.flush()
            return self.run("template", release, str(chart), "--namespace", namespace, "--values", file.name)

    def render(
        self, chart: Path, values: Values, *, release: str = "any", namespace: str = NAMESPACE
    ) -> list[Manifest]:
        """The manifests, parsed. Raises `Refused`."""
        return parsed(self.text(chart, values, release=release, namespace=namespace))
