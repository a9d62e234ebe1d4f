"""The bill of materials of a service's image, as its workflow writes it from the lock file."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


class Component(NamedTuple):
    name: str
    version: str


def bill_of_materials(package: str) -> list[Component]:
    """What `uv export` lists when it is called as in .github/workflows/image.yml, offline."""
    workflow = yaml.safe_load(REPOSITORY.joinpath(".github/workflows/image.yml").read_text())
    (command,) = (
        step["run"] for step in workflow["jobs"]["image"]["steps"] if "uv export" in step.get("run", "")
    )
    words = command.replace('"$PACKAGE"', package).split()
    where = words.index("--output-file")
    done = subprocess.run(
        [*words[:where], *words[where + 2 :], "--offline"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["bomFormat"], report["specVersion"]) == ("CycloneDX", "1.5")
    components = [report["metadata"]["component"], *report["components"]]
    return [Component(entry["name"], entry.get("version", "")) for entry in components]
