"""Which environment variables the programs know: they are let to read an environment that takes note."""

from collections.abc import Callable, Iterator, Mapping

from flow_adapter_flux.settings import settings_from as adapter_settings
from flow_server.settings import settings_from as server_settings


class _Noting(Mapping[str, str]):
    """An environment that remembers which names it was asked for."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.asked: set[str] = set()
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._variables[name]

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return name in self._variables

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def _known(read: Callable[[Mapping[str, str]], object], *environments: Mapping[str, str]) -> frozenset[str]:
    asked: set[str] = set()
    for variables in environments:
        noting = _Noting(variables)
        read(noting)
        asked |= noting.asked
    return frozenset(asked)


SERVER = _known(
    server_settings,
    {},
    {"FLOW_SERVER_STORE": "sqlite"},
    {"FLOW_SERVER_STORE": "nats", "FLOW_SERVER_NATS_URLS": "nats://nats"},
)
"""Every variable that flow-server reads, whatever its store."""

ADAPTER = _known(
    adapter_settings, {"FLOW_SERVER_URL": "http://flow-server", "FLOW_ID": "a", "REGION_KEY": "b"}
)
"""Every variable that flow-adapter-flux reads."""

SERVER_CHECKS_ACCESS = "FLOW_SERVER_AUTH_FILE" in SERVER
"""Whether this server reads grants at all."""
