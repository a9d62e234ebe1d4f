"""Flow ids in paths, as they are written on the wire: which are the same id, which are none."""

import asyncio
import json

from ..real_server import Served, nodes, raw_exchange

SAME = {
    # What is written -> the id that it is.
    "a": "a",
    "%61": "a",
    "a%2Fb": "a/b",
    "a%2fb": "a/b",
    "%2F": "/",
    "%2Fa%2F%2Fb%2F": "/a//b/",
    "a%252Fb": "a%2Fb",
    "%25": "%",
    "%2525": "%25",
    "%25zz": "%zz",
    "a:b": "a:b",
    "a%3Ab": "a:b",
    "a;b": "a;b",
    "a;b=c,d": "a;b=c,d",
    "a+b": "a+b",
    "a%20b": "a b",
    "%20": " ",
    ".": ".",
    "..": "..",
    "%2E": ".",
    "%2e%2E": "..",
    "...": "...",
    "~a!$&'()*@": "~a!$&'()*@",
    "%3F": "?",
    "%23": "#",
    "caf%C3%A9": "caf\u00e9",
    "cafe%CC%81": "cafe\u0301",  # the other form of the same letters: another id, nothing is normalised
    "%F0%9F%9A%80": "\U0001f680",
    "%E2%80%AE": "\u202e",
    "%C2%A0": "\u00a0",
    "%EF%BF%BD": "\ufffd",
    "stream": "stream",
    "snapshot": "snapshot",
    "events": "events",
    "v1": "v1",
    "x" * 253: "x" * 253,
    "%C3%BC" * 253: "\u00fc" * 253,
}
BAD = [
    "%",
    "%z",
    "%zz",
    "%2",
    "a%",
    "%%",
    "%u0041",
    "%ff",
    "%C3",
    "%C3%28",
    "%ED%A0%80",  # a surrogate
    "%F4%90%80%80",  # beyond Unicode
    "%C0%AF",  # a slash, too long
    "%00",
    "%0a",
    "%0d%0a",
    "%1b",
    "%7F",
    "%C2%85",
    "x" * 254,
    "%C3%BC" * 254,
    "",
]
ELSEWHERE = [
    "f/snapshot/x",
    "f/events/1",
    "f/nothing",
    "f//snapshot",
    "f/snapshot//",
    "/f",
    "f/%2e%2e/snapshot",
]


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(SAME) + len(BAD) + len(ELSEWHERE) >= 40


async def _status(server: Served, method: str, rest: str, body: str = "") -> tuple[int, bytes]:
    head = f"{method} /v1/flows/{rest} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    received = await raw_exchange(
        server.port, f"{head}content-length: {len(body)}\r\n\r\n{body}".encode("latin-1")
    )
    return int(received.split(b" ", 2)[1]), received.split(b"\r\n\r\n", 1)[1]


async def test_a_segment_is_decoded_exactly_once_for_every_endpoint(server: Served) -> None:
    wrong: list[str] = []
    for written, flow_id in SAME.items():
        message = json.dumps(nodes("n", flow_id="other"))
        posted, _ = await _status(server, "POST", f"{written}/events", message)
        flow = server.hub.flow(flow_id)
        shot, body = await _status(server, "GET", f"{written}/snapshot")
        if posted != 200 or flow is None or shot != 200 or json.loads(body)["flow"]["id"] != flow_id:
            wrong.append(f"{written}: {posted} {shot} {[flow.id for flow in server.hub.flows()]}")
        if (await _status(server, "DELETE", written))[0] != 204 or server.hub.flow(flow_id) is not None:
            wrong.append(f"{written}: not deleted")
    assert not wrong, "\n".join(wrong)


async def test_a_segment_that_is_no_id_is_400_and_says_why(server: Served) -> None:
    wrong: list[str] = []
    for written in BAD:
        for method, rest in (("POST", "/events"), ("GET", "/snapshot"), ("GET", "/stream"), ("DELETE", "")):
            if not written and not rest:
                continue  # that is the list of flows, with a slash
            status, body = await _status(server, method, written + rest, json.dumps(nodes("n")))
            if status != 400 or not json.loads(body)["error"]:
                wrong.append(f"{method} {written!r}: {status} {body!r}")
    assert not wrong, "\n".join(wrong)
    assert not list(server.hub.flows())


async def test_a_path_that_leads_nowhere_is_refused(server: Served) -> None:
    await server.fed("f", nodes("n"))
    answers = await asyncio.gather(*[_status(server, "GET", rest) for rest in ELSEWHERE])
    assert [status for status, _ in answers] == [404, 404, 404, 400, 400, 400, 404]


async def test_a_slash_at_the_end_is_the_same_path(server: Served) -> None:
    await server.fed("f", nodes("n"))
    assert (await _status(server, "GET", "f/snapshot/"))[0] == 200
    assert json.loads((await _status(server, "GET", ""))[1])["flows"][0]["id"] == "f"
