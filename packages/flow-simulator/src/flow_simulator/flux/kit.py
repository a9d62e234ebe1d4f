"""The bootstrap graph as data: 67 releases of the real kit, and which of them a region suspends."""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from flow_simulator.flux.roles import SUBSTITUTIONS, Role


class KitRelease(msgspec.Struct, frozen=True, rename="camel"):
    """One HelmRelease of the kit, as its file states it; `suspend` may be a substitution."""

    name: str
    namespace: str
    target_namespace: str
    chart: str
    version: str | None
    labels: dict[str, str]
    depends_on: list[str]
    suspend: str = "false"

    def suspended(self, role: Role) -> bool:
        """Whether a region of that role creates it suspended."""
        if not self.suspend.startswith("${"):
            return self.suspend == "true"
        variable, _, default = self.suspend.strip("${}").partition(":=")
        return SUBSTITUTIONS[role].get(variable, default) == "true"


@cache
def bootstrap_kit() -> tuple[KitRelease, ...]:
    """The releases in the order of their files."""
    content: dict[str, Any] = yaml.safe_load(
        files("flow_simulator.flux").joinpath("bootstrap-kit.yaml").read_text()
    )
    return tuple(msgspec.convert(content["releases"], list[KitRelease]))
