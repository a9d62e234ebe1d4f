"""Whatever a reader says it has seen last, it gets exactly what came after it, or a fresh snapshot."""

import asyncio
import re
import socket

from ..real_server import DEADLINE_S, Served, nodes

REPLAY, SNAPSHOT = "replay", "snapshot"


def cases(first: int, last: int) -> dict[str, tuple[str, str, str]]:
    """Name -> header lines, query, what must come; `first` and `last` are sequences of the flow."""

    def header(value: object) -> str:
        return f"Last-Event-ID: {value}\r\n"

    return {
        "none": ("", "", SNAPSHOT),
        "empty": (header(""), "", SNAPSHOT),
        "the first": (header(first), "", REPLAY),
        "zero": (header(0), "", SNAPSHOT),
        "negative": (header(-1), "", SNAPSHOT),
        "with a plus": (header(f"+{first}"), "", SNAPSHOT),
        "blanks around it": (f"Last-Event-ID:   {first}  \r\n", "", REPLAY),  # HTTP takes these away
        "a zero before it": (header(f"0{first}"), "", SNAPSHOT),
        "a fraction": (header(f"{first}.0"), "", SNAPSHOT),
        "an exponent": (header("1e3"), "", SNAPSHOT),
        "hex": (header(hex(first)), "", SNAPSHOT),
        "an underscore": (header(f"{str(first)[:3]}_{str(first)[3:]}"), "", SNAPSHOT),
        "other digits": (header("\u0663"), "", SNAPSHOT),
        "2^53": (header(2**53), "", SNAPSHOT),
        "2^63": (header(2**63), "", SNAPSHOT),
        "2^64": (header(2**64), "", SNAPSHOT),
        "10^400": (header("1" + "0" * 400), "", SNAPSHOT),
        "a word": (header("abc"), "", SNAPSHOT),
        "null": (header("null"), "", SNAPSHOT),
        "NaN": (header("NaN"), "", SNAPSHOT),
        "another flow's": (header(3), "", SNAPSHOT),
        "from the future": (header(last + 1000), "", SNAPSHOT),
        "before the flow": (header(first - 2), "", SNAPSHOT),
        "two headers": (header(first) * 2, "", SNAPSHOT),
        "two headers that differ": (header(first) + header(last), "", SNAPSHOT),
        "in the query": ("", f"?lastEventId={first}", REPLAY),
        "in the query, encoded": ("", f"?lastEventId=%3{str(first)[0]}{str(first)[1:]}", REPLAY),
        "an empty query": ("", "?lastEventId=", SNAPSHOT),
        "NUL in the query": ("", f"?lastEventId={first}%00", SNAPSHOT),
        "a bad escape in the query": ("", "?lastEventId=%zz", SNAPSHOT),
        "bad UTF-8 in the query": ("", "?lastEventId=%ff", SNAPSHOT),
        "another case of the query": ("", f"?lasteventid={first}", SNAPSHOT),
        "header and query that differ": (header(first), f"?lastEventId={last}", REPLAY),
        "a bad header and a good query": (header("x"), f"?lastEventId={first}", SNAPSHOT),
        "an empty header and a good query": (header(""), f"?lastEventId={first}", SNAPSHOT),
    }


def _first_frame(port: int, headers: str, query: str) -> tuple[str, int]:
    head = f"GET /v1/flows/f/stream{query} HTTP/1.1\r\nhost: x\r\n{headers}\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        connection.sendall(head)
        received = b""
        while not (found := re.search(rb"event: (\S+)\nid: (\d+)\n", received)):
            part = connection.recv(65536)
            assert part, received
            received += part
    return found[1].decode(), int(found[2])


async def test_whatever_a_reader_has_seen_it_is_never_left_with_a_gap(server: Served) -> None:
    first = await server.fed("f", nodes("a"))
    second = await server.fed("f", nodes("b"))
    last = await server.fed("f", nodes("c"))
    table = cases(first, last)
    assert len(table) >= 24
    expected = {REPLAY: ("upsert-nodes", second), SNAPSHOT: ("snapshot", last)}
    wrong: list[str] = []
    for name, (headers, query, what) in table.items():
        found = await asyncio.to_thread(_first_frame, server.port, headers, query)
        if found != expected[what]:
            wrong.append(f"{name}: {found}")
    assert not wrong, "\n".join(wrong)


async def test_a_cursor_from_before_a_delete_gets_a_snapshot(server: Served) -> None:
    before = [await server.fed("f", nodes(name)) for name in "abc"]
    await server.client.delete(server.path("f", ""))
    after = await server.fed("f", nodes("d"))
    for cursor in before:
        found = await asyncio.to_thread(_first_frame, server.port, f"Last-Event-ID: {cursor}\r\n", "")
        assert found == ("snapshot", after)
