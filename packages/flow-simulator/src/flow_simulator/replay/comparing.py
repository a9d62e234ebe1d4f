"""What counts as the same answer: everything but uids, times, managedFields and a build's names. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from flow_simulator.kubernetes.resources import is_object
from flow_simulator.replay.left_out import is_left_out
from flow_simulator.replay.recording import Exchange
from flow_simulator.replay.wire_client import WireAnswer

COMPARED_HEADERS = ("Content-Type", "Retry-After", "Cache-Control", "X-Content-Type-Options", "Warning")
_OF_ONE_RUN = ("uid", "creationTimestamp", "deletionTimestamp", "managedFields", "serverAddress")
_OF_ONE_BUILD = ("gitCommit", "buildDate", "goVersion", "compiler", "platform", "storageVersionHash")


def differences(expected: Any, found: Any, path: str = "$") -> Iterator[str]:
    """Where two bodies differ, as sentences; values of one run need only be there on both sides."""
    if is_object(expected) and is_object(found):
        names: set[str] = set(expected) | set(found)
        for name in sorted(names):
            if name == "managedFields":
                continue
            if name not in found or name not in expected:
                yield f"{path}.{name}: only {'recorded' if name in expected else 'simulated'}"
            elif name in _OF_ONE_RUN or name in _OF_ONE_BUILD:
                if type(expected[name]) is not type(found[name]):
                    yield f"{path}.{name}: another type"
            else:
                yield from differences(expected[name], found[name], f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(found, list):
        one, other = cast("list[Any]", expected), cast("list[Any]", found)
        if len(one) != len(other):
            yield f"{path}: {len(one)} entries recorded, {len(other)} simulated"
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from differences(left, right, f"{path}[{index}]")
    elif expected != found:
        yield f"{path}: recorded {_shown(expected)}, simulated {_shown(found)}"


def text_differences(expected: str, found: str) -> Iterator[str]:
    """As `differences` for plain text: of a list of checks, the form of its lines and the last one."""
    if "[+]" not in expected:
        yield from differences(expected, found)
        return
    form = re.compile(r"\[[+-]\]\S+ (ok|failed: reason withheld)")
    *checks, last = found.strip().splitlines()
    if not all(form.fullmatch(check) for check in checks):
        yield f"a line that is no check in {found!r}"
    if last != expected.strip().splitlines()[-1]:
        yield f"last line: recorded {expected.strip().splitlines()[-1]!r}, simulated {last!r}"


def header_differences(expected: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    """Headers that a client may act on."""
    for name in COMPARED_HEADERS:
        if expected.get(name) != found.get(name):
            yield f"{name}: recorded {expected.get(name)!r}, simulated {found.get(name)!r}"


def decoded(body: bytes) -> Any:
    """JSON where it is JSON, else text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 200 else text[:200] + "..."


def answer_differences(exchange: Exchange, answer: WireAnswer) -> Iterator[str]:
    """Where an answer differs from the recorded one, watches line by line."""
    if exchange.response is None:
        yield f"answered {answer.status}, recorded {exchange.error}"
        return
    if exchange.response.status != answer.status:
        yield f"status: recorded {exchange.response.status}, simulated {answer.status}"
    yield from header_differences(exchange.response.headers, answer.headers)
    if exchange.watch is not None:
        yield from _compared_lines(exchange, answer)
        return
    expected = exchange.response.body
    if isinstance(expected, str):
        if not is_left_out(expected):
            yield from text_differences(expected, answer.body.decode())
        return
    yield from differences(expected, decoded(answer.body))


def _compared_lines(exchange: Exchange, answer: WireAnswer) -> Iterator[str]:
    recorded = [seen.line for seen in exchange.watch or ()]
    yield from differences(recorded, [decoded(line) for _, line in answer.lines], "$lines")
    if exchange.end is not None and exchange.end != answer.ended:
        yield f"end: recorded {exchange.end}, simulated {answer.ended}"
