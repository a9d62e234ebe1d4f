import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from flow_contract.service.logs import CONSOLE, JSON, configure_logs


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_json_line_is_a_sentence_with_its_fields() -> None:
    out = io.StringIO()
    configure_logs(log_format=JSON, stream=out)
    structlog.get_logger("flow_server.hub").info("reader resynced", flow="a/b", behind=3)
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "reader resynced",
        "flow": "a/b",
        "behind": 3,
        "level": "info",
        "logger": "flow_server.hub",
    }


def test_lines_of_the_standard_library_look_the_same() -> None:
    out = io.StringIO()
    configure_logs(log_format=JSON, stream=out)
    logging.getLogger("uvicorn.error").warning("started on %s", ":8080", extra={"port": 8080})
    (line,) = lines(out)
    assert (line["event"], line["level"], line["logger"], line["port"]) == (
        "started on :8080",
        "warning",
        "uvicorn.error",
        8080,
    )


def test_lines_below_the_level_are_dropped_from_both() -> None:
    out = io.StringIO()
    configure_logs(log_format=JSON, stream=out, level=logging.WARNING)
    structlog.get_logger("a").info("no")
    logging.getLogger("b").info("no")
    structlog.get_logger("a").warning("yes")
    assert [line["event"] for line in lines(out)] == ["yes"]


@pytest.mark.parametrize("log_format", [JSON, CONSOLE])
@pytest.mark.parametrize("value", ["a\nb", "a\r\nb", "\x1b[2Ja", "a\x00", "\u2028b", "\x85b"])
def test_a_clients_value_cannot_forge_a_line(log_format: str, value: str) -> None:
    out = io.StringIO()
    configure_logs(log_format=log_format, stream=out)
    structlog.get_logger("a").info("message rejected", id=value)
    logging.getLogger("b").info("message rejected", extra={"id": value})
    assert len(out.getvalue().splitlines()) == 2
    assert "\x1b[2J" not in out.getvalue()
    assert "\x00" not in out.getvalue()


@pytest.mark.parametrize("log_format", [JSON, CONSOLE])
def test_an_exception_comes_with_its_traceback_and_without_the_values_of_locals(log_format: str) -> None:
    out = io.StringIO()
    configure_logs(log_format=log_format, stream=out)
    secret = "hunter" + "2"
    try:
        int(f"no number {len(secret)}")
    except ValueError:
        structlog.get_logger("a").exception("store failed", flow="f")
    assert "ValueError: invalid literal" in out.getvalue()
    assert "store failed" in out.getvalue()
    assert secret not in out.getvalue()


def test_without_a_format_it_is_json_when_nobody_watches() -> None:
    out = io.StringIO()
    configure_logs(stream=out)
    structlog.get_logger("a").info("hello")
    assert lines(out)[0]["event"] == "hello"


def test_on_a_terminal_it_is_for_people() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    configure_logs(stream=out)
    structlog.get_logger("a").info("hello", flow="f")
    assert "hello" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_configuring_again_replaces_the_handler() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logs(log_format=JSON, stream=first)
    configure_logs(log_format=JSON, stream=second)
    logging.getLogger("a").info("once")
    assert first.getvalue() == ""
    assert len(lines(second)) == 1


def test_bound_context_stands_in_every_line() -> None:
    out = io.StringIO()
    configure_logs(log_format=JSON, stream=out)
    with structlog.contextvars.bound_contextvars(region="fsn1"):
        structlog.get_logger("a").info("one")
        logging.getLogger("b").info("two")
    assert [line["region"] for line in lines(out)] == ["fsn1", "fsn1"]
