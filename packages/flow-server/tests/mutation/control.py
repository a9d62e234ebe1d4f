"""How a mutation run looks at the server: over a connection of its own, with requests that are good."""

import http.client
import json
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from .wire import ANSWER_S, Answer


class Wrong(Exception):
    """Something that must not be."""


class HistoryLine(Struct, frozen=True):
    """A line of a flow's history."""

    seq: int
    at: int
    message: msgspec.Raw


_line_decoder = msgspec.json.Decoder(HistoryLine)


class Control:
    """Asks the server, and takes no error for an answer."""

    def __init__(self, port: int) -> None:
        """Not connected yet."""
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by their names in lower case, and body. Raises `Wrong`."""
        try:
            self._connection.request(method, path, body)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Wrong(f"{method} {path}: {type(error).__name__}: {error}") from error
        if answer.status >= 500:
            raise Wrong(f"{method} {path}: {answer.status} {content!r:.500}")
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def flows(self) -> dict[str, int]:
        """The newest sequence of each flow."""
        _, _, body = self.request("GET", "/v1/flows")
        return {flow["id"]: flow["seq"] for flow in json.loads(body)["flows"]}

    def history(self, path: str) -> list[HistoryLine]:
        """Lines of a flow's history."""
        status, _, body = self.request("GET", path)
        if status != 200:
            raise Wrong(f"GET {path}: {status} {body!r:.500}")
        return [_line_decoder.decode(line) for line in body.splitlines()]

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()


def flow_path(flow: str) -> str:
    """Where a flow is, whatever its id."""
    return "/v1/flows/" + quote(flow, safe="").replace(".", "%2E")


def check_error(answer: Answer) -> None:
    """An error is of our form and of a kind that a client may see. Raises `Wrong`."""
    if answer.status >= 500 and answer.status not in (503, 505):
        raise Wrong(f"{answer.status} {answer.body!r:.500}")
    try:
        told: dict[str, Any] = json.loads(answer.body)
        form = told["status"] == answer.status and bool(told["error"])
    except (ValueError, KeyError, TypeError):
        form = False
    if not form:
        raise Wrong(f"{answer.status} in another form than ours: {answer.body!r:.500}")
