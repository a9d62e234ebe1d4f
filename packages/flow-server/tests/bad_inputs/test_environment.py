"""What the environment may say: a value that is none stops the start and names its variable."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flow_contract.service.environment import SettingError
from flow_server.settings import settings_from

BLANK = ("", " ", "\t", "\n")
NUMBERS = (*BLANK, "-1", "+1", "1.5", "1e3", "0x10", "1_000", " 1", "NaN", "inf", "9" * 30, "\u0661", "many")
DURATIONS = (*BLANK, "15", "-1s", "1h1", "1d", "NaN", "infs", "1s ", "s", "1,5s", "9" * 20 + "s", "\u0661s")
SIZES = (*BLANK, "-1", "1.5Mi", "8MB", "8mi", "8 Mi", "NaN", "Mi", "9" * 30)
PATHS = BLANK
CASES: dict[str, tuple[str, ...]] = {
    "LISTEN_ADDR": (*BLANK, "8080", ":", ":-1", ":99999", ":x", "host", "[::1", "::1:8080", "http://x:80"),
    "STORE": (*BLANK, "Memory", "memory ", "postgres"),
    "RING_CAPACITY": (*NUMBERS, "0"),
    "RING_BYTES": (*SIZES, "0", "1"),
    "MAX_BODY": (*SIZES, "0", "100Gi"),
    "MAX_BATCH": (*NUMBERS, "0", "1025"),
    "MAX_BYTES_IN_FLIGHT": (*SIZES, "0"),
    "MAX_NODES": (*NUMBERS, "0"),
    "MAX_RELATIONSHIPS": (*NUMBERS, "0"),
    "MAX_FLOWS": (*NUMBERS, "0"),
    "MAX_READERS": (*NUMBERS, "0"),
    "MAX_READERS_PER_FLOW": (*NUMBERS, "0"),
    "RATE": NUMBERS,
    "RATE_BYTES": SIZES,
    "IDLE_TTL": DURATIONS,
    "HEARTBEAT": (*DURATIONS, "0", "1ms", "2h"),
    "STOP_GRACE": (*DURATIONS, "0", "2h"),
    "SEND_BUFFER": (*SIZES, "0"),
    "PATH_PREFIX": (
        *BLANK,
        "flow",
        "/flow/",
        "/",
        "/fl%6fw",
        "/fl\u00f6w",
        "/a//b",
        "/a/../b",
        "/./a",
        "/a b",
        "//a",
    ),
    "FRAME_ANCESTORS": (
        *BLANK,
        "none",
        "self",
        "'none' https://a",
        "'self'; script-src *",
        "https://a,https://b",
        "https://",
        "'unsafe-inline'",
        "https://a\r\nx: y",
        "https://a  https://b",
    ),
    "AUTH_FILE": PATHS,
    "METRICS_OPEN": (*BLANK, "True", "1", "yes", " true"),
    "CORS_ORIGINS": (
        *BLANK,
        "*",
        "null",
        "https://x/",
        "https://x/y",
        "x",
        "ftp://x",
        "https://x,",
        "https://*.x",
        "https://x:99999",
        "https://x:0",
        "https://x:",
        "https://[::1",
    ),
    "TRUSTED_PROXIES": (*BLANK, "x", "10.0.0.0/33", "10.0.0.1/8", "10.0.0", "::g", "10.0.0.1,", "*"),
    "LOG_FORMAT": (*BLANK, "xml", "JSON"),
    "ACCESS_LOG": (*BLANK, "off", "ALL", "false"),
}


def test_there_are_as_many_cases_as_promised_and_every_setting_has_some() -> None:
    assert sum(map(len, CASES.values())) >= 40
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    settings = set(re.findall(r"^\| `FLOW_SERVER_(\w+)`", readme, re.MULTILINE))
    of_stores = {name for name in settings if name.startswith(("NATS_", "SQLITE_", "STORE_"))}
    assert settings - of_stores == set(CASES), "the stores' settings have a table of their own"


@pytest.mark.parametrize("name", CASES)
def test_a_value_that_is_none_names_its_variable_and_what_was_expected(name: str) -> None:
    variable = f"FLOW_SERVER_{name}"
    for value in CASES[name]:
        with pytest.raises(SettingError) as caught:
            settings_from({variable: value})
        assert caught.value.variable == variable
        text = str(caught.value)
        assert text.startswith(f"{variable}: expected "), text
        assert text.isprintable(), "what was found stands there escaped"


def _start(folder: Path, *, language: str = "C.UTF-8", **settings: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")}
    environment |= {"FLOW_SERVER_LISTEN_ADDR": "127.0.0.1:0", "LANG": language, "LC_ALL": language}
    environment |= {f"FLOW_SERVER_{name}": value for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "flow_server"],
        env=environment,
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.decode()


def test_a_bad_value_ends_the_process_with_status_2_whatever_the_language(tmp_path: Path) -> None:
    status, said = _start(tmp_path, language="C", PATH_PREFIX="/fl\u00f6w")
    assert status == 2
    assert said.startswith("flow-server: FLOW_SERVER_PATH_PREFIX: expected a path")
    assert said.isascii()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"AUTH_FILE": "/nowhere/grants.yaml"}, "/nowhere/grants.yaml"),
        ({"AUTH_FILE": "/"}, "Is a directory"),
        ({"AUTH_FILE": "/dev/null"}, "expected an object"),
        ({"STORE": "sqlite", "SQLITE_PATH": "/nowhere/flows.db"}, "/nowhere"),
        ({"STORE": "sqlite", "SQLITE_PATH": "/dev/full"}, "/dev/full"),
        ({"LISTEN_ADDR": "192.0.2.1:80"}, "192.0.2.1"),
    ],
)
def test_what_is_not_to_be_had_ends_the_process_with_status_1_and_is_named(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    status, said = _start(tmp_path, **settings)
    assert status == 1, said
    [line] = [entry for entry in map(json.loads, said.splitlines()) if entry["level"] == "error"]
    assert line["event"] == "cannot start"
    assert named in line["problem"]
