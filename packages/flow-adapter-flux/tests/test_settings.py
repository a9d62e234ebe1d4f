import re
from pathlib import Path

import pytest

from flow_adapter_flux.settings import Settings, settings_from
from flow_contract.service.environment import SettingError
from flow_contract.service.listening import ListenAddress

REQUIRED = {"FLOW_SERVER_URL": "http://flow", "FLOW_ID": "f", "REGION_KEY": "fsn1"}
README = Path(__file__).parents[1] / "README.md"


def test_three_variables_are_enough() -> None:
    settings = settings_from(REQUIRED)
    assert settings == Settings(
        flow_server_url="http://flow", flow_id="f", region_key="fsn1", pod_name=settings.pod_name
    )
    assert settings.pod_name


def test_every_variable_is_read() -> None:
    settings = settings_from(
        {
            "FLOW_SERVER_URL": "https://flow.example/prefix/",
            "FLOW_ID": "a/b: ü",
            "REGION_KEY": " fsn1 ",
            "FLOW_SERVER_TOKEN_FILE": "/var/run/token",
            "NAMESPACE_FILTER": "",
            "EMIT_INTERVAL": "1s",
            "POST_TIMEOUT": "1m30s",
            "RESYNC_INTERVAL": "5m",
            "HEALTH_LISTEN_ADDR": "127.0.0.1:9",
            "LEADER_ELECTION": "true",
            "LEASE_NAME": "lease",
            "POD_NAME": "pod-1",
            "POD_NAMESPACE": "catalyst-system",
        }
    )
    assert settings == Settings(
        flow_server_url="https://flow.example/prefix",
        flow_id="a/b: ü",
        region_key="fsn1",
        token_file=Path("/var/run/token"),
        namespace_filter="",
        emit_interval_s=1.0,
        post_timeout_s=90.0,
        resync_interval_s=300.0,
        health_listen_addr=ListenAddress("127.0.0.1", 9),
        leader_election=True,
        lease_name="lease",
        pod_name="pod-1",
        pod_namespace="catalyst-system",
    )


@pytest.mark.parametrize("missing", sorted(REQUIRED))
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_or_blank_variable_stops_the_start_by_name(missing: str, value: str | None) -> None:
    variables = {name: text for name, text in REQUIRED.items() if name != missing}
    if value is not None:
        variables[missing] = value
    with pytest.raises(SettingError, match=missing):
        settings_from(variables)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FLOW_SERVER_URL", "flow-server:80"),
        ("FLOW_SERVER_URL", "ftp://flow"),
        ("FLOW_SERVER_URL", "http://"),
        ("FLOW_SERVER_URL", "http://flow:99999"),
        ("FLOW_SERVER_URL", "http://flow:0"),
        ("FLOW_SERVER_URL", "http://flow/?a=b"),
        ("FLOW_SERVER_URL", "http://fl ow"),
        ("FLOW_ID", "a\nb"),
        ("FLOW_ID", "x" * 254),
        ("REGION_KEY", "a/b"),
        ("REGION_KEY", "a\x00b"),
        ("REGION_KEY", "x" * 254),
        ("FLOW_SERVER_TOKEN_FILE", ""),
        ("NAMESPACE_FILTER", "a/b"),
        ("NAMESPACE_FILTER", "Flux-System"),
        ("NAMESPACE_FILTER", "flux-system,apps"),
        ("LEASE_NAME", "my_lease"),
        ("EMIT_INTERVAL", "200"),
        ("EMIT_INTERVAL", "-1s"),
        ("EMIT_INTERVAL", "1h1"),
        ("EMIT_INTERVAL", "NaN"),
        ("EMIT_INTERVAL", "2m"),
        ("POST_TIMEOUT", "0"),
        ("POST_TIMEOUT", "1h"),
        ("RESYNC_INTERVAL", "0"),
        ("RESYNC_INTERVAL", "100ms"),
        ("RESYNC_INTERVAL", "999999999h"),
        ("HEALTH_LISTEN_ADDR", "8081"),
        ("HEALTH_LISTEN_ADDR", ":70000"),
        ("LEADER_ELECTION", "yes"),
        ("LEADER_ELECTION", ""),
        ("LEASE_NAME", "a/b"),
        ("POD_NAME", ""),
        ("POD_NAMESPACE", " "),
    ],
)
def test_a_bad_value_stops_the_start_by_name(variable: str, value: str) -> None:
    with pytest.raises(SettingError, match=variable) as caught:
        settings_from({**REQUIRED, variable: value})
    assert caught.value.expected
    assert caught.value.found == value


def test_the_readme_s_table_has_every_variable_and_its_default() -> None:
    source = (Path(__file__).parents[1] / "src/flow_adapter_flux/settings.py").read_text()
    read = set(re.findall(r'"([A-Z_]+)", [A-Z_a-z]+', source))
    table = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", README.read_text(), flags=re.MULTILINE))
    assert set(table) == read
    stated = {name: default.strip().strip("`") for name, default in table.items()}
    assert {name for name, default in stated.items() if default == "required"} == set(REQUIRED)
    defaults = {
        name: value
        for name, value in stated.items()
        if value and value not in {"required", "the host's name", "the configuration's"}
    }
    changed = settings_from({**REQUIRED, **{k: "" if v == "empty" else v for k, v in defaults.items()}})
    assert changed == settings_from(REQUIRED)
