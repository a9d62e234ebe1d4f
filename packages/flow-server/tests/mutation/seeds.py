"""The seeds of a mutation run: every case of the tables of bad inputs, and the contract's vectors."""

import json
import re
from pathlib import Path

from ..bad_inputs import test_encodings, test_last_event_ids, test_paths, test_requests
from .credentials import AUTHORIZATIONS
from .inputs import FIRST, LAST, NAMED_CURSORS, Cursor, PostedBody, RawBytes, body_of

_WIRE = Path(__file__).parents[3] / "flow-contract" / "vectors" / "wire"
_JSON, _LINES = b"application/json", b"application/x-ndjson"
_GET = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"
_PLAIN = b'{"type":"delete-nodes","ids":["a"]}'


def bodies(*, verdict: str) -> list[PostedBody]:
    """JSON texts, shapes, values, batches of arrays and of lines; `verdict` is `accepted` or `rejected`."""
    paths = sorted(_WIRE.glob(f"{verdict}-*.json"))
    cases = [case for path in paths for case in json.loads(path.read_text())]
    kinds = [_LINES if case.get("lines") else _JSON for case in cases]
    return [
        PostedBody(body=body_of(case), content_type=kind) for case, kind in zip(cases, kinds, strict=True)
    ]


def packed() -> list[PostedBody]:
    """Bodies whose `Content-Encoding` is right, wrong or unknown."""
    return [
        PostedBody(body=body, content_type=_JSON, encoding=encoding.encode())
        for encoding, body, _ in test_encodings.CASES.values()
    ]


def requests() -> list[RawBytes]:
    """Whole requests: framing, heads, start lines, other protocols."""
    return [RawBytes(data=case.data) for case in test_requests.CASES.values()]


def paths() -> list[RawBytes]:
    """Requests whose path is the odd part."""
    ids = [
        written.encode("latin-1") for written in (*test_paths.SAME, *test_paths.BAD, *test_paths.ELSEWHERE)
    ]
    found: list[RawBytes] = []
    for number, written in enumerate(ids):
        for method, rest in _OF_A_FLOW[number % 2 :: 2]:
            body = _PLAIN if method == b"POST" else b""
            head = b"%b /v1/flows/%b%b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % (
                method,
                written,
                rest,
                len(body),
            )
            found.append(RawBytes(data=head + b"Connection: close\r\n\r\n" + body))
    return [*found, *(RawBytes(data=_GET % path) for path in _ELSEWHERE)]


def headers() -> list[RawBytes]:
    """Requests with every header that the server reads."""
    lines = [
        *_HEADERS,
        *(b"Authorization: " + value for value in AUTHORIZATIONS),
        b"Authorization: " + AUTHORIZATIONS[0] + b"\r\nAuthorization: " + AUTHORIZATIONS[0],
    ]
    found: list[RawBytes] = []
    for number, line in enumerate(lines):
        for method, rest in (*_OF_A_FLOW[number % 3 :: 3], (b"POST", b"/events")):
            body = _PLAIN if method == b"POST" else b""
            head = b"%b /v1/flows/h%b HTTP/1.1\r\nHost: x\r\n%b\r\nContent-Length: %d\r\n" % (
                method,
                rest,
                line,
                len(body),
            )
            found.append(RawBytes(data=head + b"Connection: close\r\n\r\n" + body))
    return found


def cursors() -> list[Cursor]:
    """Readers that come back; sequences of the table are those of the flow when the input is sent."""
    first, last = 111_111_111_111_111, 999_999_999_999_999
    found = [
        Cursor(lines=_named(lines, first, last), query=_named(query, first, last))
        for lines, query, _ in test_last_event_ids.cases(first, last).values()
    ]
    named = [Cursor(lines=b"Last-Event-ID: %b\r\n" % name) for name in NAMED_CURSORS]
    return [*named, *(Cursor(lines=b"", query=b"?lastEventId=" + name) for name in NAMED_CURSORS), *found]


def _named(text: str, first: int, last: int) -> bytes:
    written = text.replace(str(first), FIRST.decode()).replace(str(last), LAST.decode())
    return re.sub(r"[^\x00-\xff]", "?", written).encode("latin-1")


_OF_A_FLOW = [
    (b"POST", b"/events"),
    (b"GET", b"/snapshot"),
    (b"GET", b"/stream"),
    (b"GET", b""),
    (b"GET", b"/events?after=0&limit=3"),
    (b"DELETE", b""),
]

_ELSEWHERE = [
    *(b"/", b"/index.html", b"/assets/x.js", b"/schema/openapi.json", b"/schema", b"/metrics"),
    *(b"/readyz", b"/v1/flows", b"/v1/flows/", b"/v1", b"/favicon.ico", b"/..%2f..%2fetc/passwd"),
    *(b"/v1/flows/h/snapshot?minSeq=x", b"/v1/flows/h/events?after=-1", b"/v1/flows?access_token=x"),
    *(b"/v1/flows/h/events?after=9007199254740991&limit=4096", b"/v1/flows/h/stream?lastEventId=5"),
]

_HEADERS = [
    *(b"Content-Type: application/json; charset=utf-8", b"Content-Type: application/x-ndjson"),
    *(b"Content-Type: text/plain", b"Content-Encoding: identity", b"Content-Encoding: gzip"),
    *(b"Idempotency-Key: k", b"Idempotency-Key: " + b"k" * 256, b"Idempotency-Key:"),
    *(b"Flow-Emitter: fsn1", b"Flow-Emitter: %C3%BC", b"Flow-Emitter: " + b"%41" * 256),
    *(b'If-None-Match: "7"', b'If-None-Match: W/"7-gzip", *', b"Accept-Encoding: gzip;q=0.5, zstd, *;q=0"),
    *(b"Accept-Encoding: gzip;q=1e400", b"Accept: application/json", b"Accept: text/html;q=x, */*;q=0.1"),
    *(b"Origin: https://evil.example", b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Site: same-origin"),
    *(b"X-Forwarded-For: 10.0.0.1, [::1]:80, x", b"Forwarded: for=x", b"X-HTTP-Method-Override: DELETE"),
    *(b"Range: bytes=0-0", b"Expect: 100-continue", b"Connection: keep-alive, x", b"Last-Event-ID: 5"),
    *(
        b"Cookie: " + b"a=b; " * 50,
        b"TE: trailers",
        b"Keep-Alive: timeout=5",
        b"Upgrade-Insecure-Requests: 1",
    ),
]
