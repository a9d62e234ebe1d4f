"""Which store the environment chooses, and with what."""

from pathlib import Path

import pytest

from flow_contract.service.environment import Environment, SettingError
from flow_server.store.settings import MemorySettings, NatsSettings, SqliteSettings, store_settings_from

PREFIX = "FLOW_SERVER_"


def settings(**variables: str) -> MemorySettings | SqliteSettings | NatsSettings:
    environment = {f"{PREFIX}{name}": value for name, value in variables.items()}
    return store_settings_from(Environment(environment), prefix=PREFIX)


def test_by_itself_it_is_memory() -> None:
    assert settings() == MemorySettings()


def test_sqlite_has_its_file() -> None:
    assert settings(STORE="sqlite") == SqliteSettings()
    assert settings(STORE="sqlite", SQLITE_PATH="/x/y.db") == SqliteSettings(path=Path("/x/y.db"))


def test_nats_has_all_its_settings() -> None:
    found = settings(
        STORE="nats",
        NATS_URLS="nats://a:4222, tls://[::1]:4223",
        NATS_CREDS_FILE="/creds",
        NATS_CA_FILE="/ca.pem",
        NATS_CERT_FILE="/cert.pem",
        NATS_KEY_FILE="/key.pem",
        NATS_STREAM="FLOWS-2",
        NATS_REPLICAS="5",
        STORE_TIMEOUT="1m30s",
    )
    assert found == NatsSettings(
        urls=("nats://a:4222", "tls://[::1]:4223"),
        creds_file=Path("/creds"),
        ca_file=Path("/ca.pem"),
        cert_file=Path("/cert.pem"),
        key_file=Path("/key.pem"),
        stream="FLOWS-2",
        replicas=5,
        timeout_s=90.0,
    )


def test_nats_needs_to_know_where() -> None:
    with pytest.raises(SettingError, match="FLOW_SERVER_NATS_URLS"):
        settings(STORE="nats")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NATS_URLS", "a:4222"),
        ("NATS_URLS", "http://a:4222"),
        ("NATS_URLS", "nats://a:4222,"),
        ("NATS_URLS", "nats://"),
        ("NATS_STREAM", "a.b"),
        ("NATS_STREAM", "a b"),
        ("NATS_STREAM", ">"),
        ("NATS_STREAM", ""),
        ("NATS_STREAM", "x" * 65),
        ("NATS_REPLICAS", "0"),
        ("NATS_REPLICAS", "6"),
        ("NATS_REPLICAS", "three"),
        ("STORE_TIMEOUT", "10"),
        ("STORE_TIMEOUT", "0"),
        ("NATS_CREDS_FILE", " "),
    ],
)
def test_a_bad_value_stops_the_start_with_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingError) as refused:
        settings(**({"STORE": "nats", "NATS_URLS": "nats://a:4222"} | {name: value}))
    assert refused.value.variable == f"{PREFIX}{name}"


def test_an_unknown_store_stops_the_start() -> None:
    with pytest.raises(SettingError, match="memory or sqlite or nats"):
        settings(STORE="postgres")


@pytest.mark.parametrize(
    ("store", "name", "owner"),
    [
        ("memory", "SQLITE_PATH", "sqlite"),
        ("memory", "NATS_URLS", "nats"),
        ("memory", "STORE_TIMEOUT", "nats"),
        ("sqlite", "NATS_CREDS_FILE", "nats"),
        ("nats", "SQLITE_PATH", "sqlite"),
    ],
)
def test_a_setting_of_another_store_stops_the_start(store: str, name: str, owner: str) -> None:
    with pytest.raises(SettingError) as refused:
        settings(**{"STORE": store, name: "/x"})
    assert refused.value.variable == f"{PREFIX}{name}"
    assert f"FLOW_SERVER_STORE={owner}" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "missing"), [("NATS_CERT_FILE", "NATS_KEY_FILE"), ("NATS_KEY_FILE", "NATS_CERT_FILE")]
)
def test_a_certificate_and_its_key_go_together(given: str, missing: str) -> None:
    with pytest.raises(SettingError) as refused:
        settings(STORE="nats", NATS_URLS="nats://a:4222", **{given: "/x"})
    assert refused.value.variable == f"{PREFIX}{missing}"
