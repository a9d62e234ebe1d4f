"""The charts' settings are the programs': every name that is set is known, every value is accepted."""

from pathlib import Path

import pytest

from flow_adapter_flux.settings import settings_from as adapter_settings
from flow_server.settings import settings_from as server_settings

from . import known_settings
from .helm import EMITTER, SERVER, Helm, title_of, value_sets, values_of
from .manifests import all_of, environment

DISABLED = "disabled-values.yaml"
SERVER_FILES = [file for file in value_sets(SERVER) if file.name != DISABLED]
EMITTER_FILES = [file for file in value_sets(EMITTER) if file.name != DISABLED]

ANYBODYS = {"TZ", "SSL_CERT_FILE"}
"""What the value sets put in by `extraEnv`; not settings of ours."""

access = pytest.mark.skipif(
    not known_settings.SERVER_CHECKS_ACCESS, reason="this flow-server knows no grants file and no limits"
)


def environment_of(helm: Helm, file: Path) -> dict[str, str]:
    names = environment(helm.render(file.parents[1], values_of(file)))
    return {name: value for name, value in names.items() if name not in ANYBODYS}


@access
@pytest.mark.parametrize("file", SERVER_FILES, ids=title_of)
def test_the_server_knows_and_accepts_what_its_chart_sets(file: Path, helm: Helm) -> None:
    variables = environment_of(helm, file)
    assert variables.keys() <= known_settings.SERVER
    assert server_settings(variables).unknown == ()


@pytest.mark.parametrize("file", EMITTER_FILES, ids=title_of)
def test_the_adapter_knows_and_accepts_what_its_chart_sets(file: Path, helm: Helm) -> None:
    variables = environment_of(helm, file)
    assert variables.keys() <= known_settings.ADAPTER
    # The API server's names of pod and namespace stand in angle brackets here, which no name may have.
    given = {**variables, "POD_NAME": "openova-flow-emitter-x2x4z", "POD_NAMESPACE": "catalyst-system"}
    settings = adapter_settings(given)
    assert settings.leader_election == (variables["LEADER_ELECTION"] == "true")


@pytest.mark.parametrize("file", SERVER_FILES, ids=title_of)
def test_the_server_accepts_the_grants_that_its_chart_writes(file: Path, helm: Helm) -> None:
    grants_file = pytest.importorskip(
        "flow_server.access.grants_file", reason="this flow-server reads no grants"
    )
    for config in all_of(helm.render(SERVER, values_of(file)), "ConfigMap"):
        if text := config["data"].get("auth.yaml"):
            grants = grants_file.grants_in(text, source=Path("auth.yaml"))
            assert any(grant.publish for issuer in grants.issuers for grant in issuer.grants)


@access
def test_every_setting_of_the_server_can_be_set_by_its_chart(helm: Helm) -> None:
    can_be_set = set[str]().union(*(environment_of(helm, file) for file in SERVER_FILES))
    assert known_settings.SERVER - can_be_set == set()


def test_every_setting_of_the_adapter_can_be_set_by_its_chart(helm: Helm) -> None:
    can_be_set = set[str]().union(*(environment_of(helm, file) for file in EMITTER_FILES))
    assert known_settings.ADAPTER - can_be_set == set()
