"""Answers sent straight over ASGI, for what stands in front of the router."""

from collections.abc import Mapping

from litestar.types import Send

from flow_server.http.errors import ErrorAnswer


def encoded_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI wants them: lower case, latin-1."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def send_answer(
    send: Send, *, status: int, headers: list[tuple[bytes, bytes]], body: bytes, more_body: bool = False
) -> None:
    """Send a whole answer; with `more_body` the connection stays ours until an empty body ends it."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", b"%d" % len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": more_body})


async def send_error(send: Send, error: ErrorAnswer, *, more_body: bool = False) -> None:
    """Send an error."""
    headers = encoded_headers(error.headers)
    await send_answer(send, status=error.status, headers=headers, body=error.body, more_body=more_body)
