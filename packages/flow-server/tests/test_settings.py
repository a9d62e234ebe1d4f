"""Settings from an environment, and the README's table of them."""

import re
from pathlib import Path

import pytest

from flow_contract.service.environment import SettingError
from flow_contract.service.listening import ListenAddress
from flow_server.settings import Settings, settings_from


def test_an_empty_environment_gives_the_defaults() -> None:
    assert settings_from({}) == Settings()


def test_every_setting_is_read() -> None:
    settings = settings_from(
        {
            "FLOW_SERVER_LISTEN_ADDR": "127.0.0.1:9000",
            "FLOW_SERVER_RING_CAPACITY": "10",
            "FLOW_SERVER_RING_BYTES": "1Mi",
            "FLOW_SERVER_MAX_BODY": "2Mi",
            "FLOW_SERVER_MAX_BATCH": "7",
            "FLOW_SERVER_HEARTBEAT": "1m30s",
            "FLOW_SERVER_STOP_GRACE": "500ms",
            "FLOW_SERVER_SEND_BUFFER": "64Ki",
            "FLOW_SERVER_PATH_PREFIX": "/a/b",
            "FLOW_SERVER_FRAME_ANCESTORS": "https://console.example",
            "FLOW_SERVER_LOG_FORMAT": "json",
            "FLOW_SERVER_ACCESS_LOG": "all",
        }
    )
    assert settings.listen == ListenAddress("127.0.0.1", 9000)
    assert (settings.ring.entries, settings.ring.size_bytes) == (10, 2**20)
    assert (settings.ingest.body_bytes, settings.ingest.batch_messages) == (2**21, 7)
    assert (settings.heartbeat_s, settings.stop_grace_s) == (90.0, 0.5)
    assert settings.send_buffer_bytes == 65536
    assert (settings.path_prefix, settings.frame_ancestors) == ("/a/b", "https://console.example")
    assert (settings.log_format, settings.access_log) == ("json", "all")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LISTEN_ADDR", "8080"),
        ("LISTEN_ADDR", ":99999"),
        ("STORE", "postgres"),
        ("RING_CAPACITY", "0"),
        ("RING_CAPACITY", "-1"),
        ("RING_CAPACITY", "1e3"),
        ("RING_BYTES", "8MB"),
        ("MAX_BATCH", "1025"),
        ("HEARTBEAT", "15"),
        ("HEARTBEAT", "1h1"),
        ("HEARTBEAT", "NaN"),
        ("STOP_GRACE", ""),
        ("PATH_PREFIX", "flow"),
        ("PATH_PREFIX", "/flow/"),
        ("LOG_FORMAT", "xml"),
        ("LOG_FORMAT", " "),
        ("ACCESS_LOG", "on"),
    ],
)
def test_a_bad_value_names_its_variable_and_what_was_expected(variable: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings_from({f"FLOW_SERVER_{variable}": value})
    assert caught.value.variable == f"FLOW_SERVER_{variable}"
    assert f"FLOW_SERVER_{variable}: expected " in str(caught.value)


@pytest.mark.parametrize(
    "sources",
    [
        "'none'",
        "'self'",
        "https:",
        "*",
        "console",
        "'self' https://console.example.org https://*.example.org:8443 http://localhost:*",
        "https://console.example.org/flows",
    ],
)
def test_whoever_may_show_the_page_is_told_as_the_directive_has_it(sources: str) -> None:
    assert settings_from({"FLOW_SERVER_FRAME_ANCESTORS": sources}).frame_ancestors == sources


def test_what_kubernetes_injects_is_ignored_and_the_rest_is_told() -> None:
    settings = settings_from(
        {
            "FLOW_SERVER_SERVICE_HOST": "10.0.0.1",
            "FLOW_SERVER_PORT": "tcp://10.0.0.1:80",
            "FLOW_SERVER_PORT_80_TCP": "tcp://10.0.0.1:80",
            "FLOW_SERVER_HARTBEAT": "1s",
        }
    )
    assert settings.unknown == ("FLOW_SERVER_HARTBEAT",)


def test_the_readme_lists_exactly_the_settings_that_exist() -> None:
    package = Path(__file__).parents[1]
    documented = set(
        re.findall(r"^\| `(FLOW_SERVER_\w+)`", (package / "README.md").read_text(), re.MULTILINE)
    )
    known: set[str] = set()

    class Everything(dict[str, str]):
        def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
            known.add(key)
            return default

        def __contains__(self, key: object) -> bool:
            known.add(str(key))
            return False

    settings_from(Everything())
    assert documented == {name for name in known if name.startswith("FLOW_SERVER_")}
