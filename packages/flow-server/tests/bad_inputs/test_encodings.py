"""Packed bodies: what unpacks to something else, to nothing, to too much, or has something behind its end."""

import gzip
import json
import zlib

from backports import zstd

from flow_server.http.bodies import LARGEST_ZSTD_WINDOW_LOG

from ..real_server import Served, nodes

PLAIN = json.dumps(nodes("a")).encode()
BOMB = b" " * (1 << 26)
GZIP, ZSTD = gzip.compress(PLAIN), zstd.compress(PLAIN)


def with_checksum(*, right: bool) -> bytes:
    options: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
    frame = zstd.compress(PLAIN, options=options)
    return frame if right else frame[:-1] + bytes([frame[-1] ^ 1])


def with_window(log: int) -> bytes:
    """A frame that declares a window of `2 ** log` bytes, by streaming: its size is not declared."""
    options: dict[int, int] = {
        zstd.CompressionParameter.window_log: log,
        zstd.CompressionParameter.content_size_flag: 0,
    }
    compressor = zstd.ZstdCompressor(options=options)
    return compressor.compress(PLAIN) + compressor.flush()


CASES: dict[str, tuple[str, bytes, int]] = {
    "gzip": ("gzip", GZIP, 200),
    "gzip in capitals": ("GZIP", GZIP, 200),
    "x-gzip": ("x-gzip", GZIP, 200),
    "gzip with a file's name in it": ("gzip", GZIP[:3] + b"\x08" + GZIP[4:10] + b"n\0" + GZIP[10:], 200),
    "zstd": ("zstd", ZSTD, 200),
    "zstd with its checksum": ("zstd", with_checksum(right=True), 200),
    "zstd with the largest window": ("zstd", with_window(LARGEST_ZSTD_WINDOW_LOG), 200),
    "identity": ("identity", PLAIN, 200),
    "no name": ("", PLAIN, 200),
    "gzip cut in its check": ("gzip", GZIP[:-3], 400),
    "gzip cut in its head": ("gzip", GZIP[:9], 400),
    "gzip cut in its body": ("gzip", GZIP[:30], 400),
    "gzip with a wrong checksum": ("gzip", GZIP[:-8] + b"\0" * 8, 400),
    "gzip with a wrong length": ("gzip", GZIP[:-4] + b"\0" * 4, 400),
    "gzip with a byte behind it": ("gzip", GZIP + b"x", 400),
    "gzip with zeros behind it": ("gzip", GZIP + b"\0" * 16, 400),
    "two members of gzip": ("gzip", GZIP + GZIP, 400),
    "gzip with a bit flipped": ("gzip", GZIP[:20] + bytes([GZIP[20] ^ 4]) + GZIP[21:], 400),
    "gzip of nothing": ("gzip", gzip.compress(b""), 400),
    "an empty body as gzip": ("gzip", b"", 400),
    "plain JSON as gzip": ("gzip", PLAIN, 400),
    "zlib as gzip": ("gzip", zlib.compress(PLAIN), 400),
    "zstd as gzip": ("gzip", ZSTD, 400),
    "gzip twice": ("gzip", gzip.compress(GZIP), 400),
    "a gzip bomb": ("gzip", gzip.compress(BOMB), 413),
    "a gzip bomb of one byte too much": ("gzip", gzip.compress(b" " * (2**20 + 1)), 413),
    "zstd cut at its end": ("zstd", ZSTD[:-1], 400),
    "zstd cut in its head": ("zstd", ZSTD[:5], 400),
    "zstd with a wrong checksum": ("zstd", with_checksum(right=False), 400),
    "zstd with a byte behind it": ("zstd", ZSTD + b"x", 400),
    "two frames of zstd": ("zstd", ZSTD + ZSTD, 400),
    "a frame of zstd to be skipped behind it": ("zstd", ZSTD + b"\x50\x2a\x4d\x18\x01\0\0\0x", 400),
    "zstd with a window of 128 MiB": ("zstd", with_window(27), 400),
    "zstd of nothing": ("zstd", zstd.compress(b""), 400),
    "an empty body as zstd": ("zstd", b"", 400),
    "plain JSON as zstd": ("zstd", PLAIN, 400),
    "gzip as zstd": ("zstd", GZIP, 400),
    "a zstd bomb": ("zstd", zstd.compress(BOMB), 413),
    "a zstd bomb of one byte too much": ("zstd", zstd.compress(b" " * (2**20 + 1)), 413),
    "packed JSON as identity": ("identity", GZIP, 400),
    "br": ("br", PLAIN, 415),
    "deflate": ("deflate", zlib.compress(PLAIN), 415),
    "two encodings": ("gzip, gzip", gzip.compress(GZIP), 415),
    "gzip and identity": ("gzip, identity", GZIP, 415),
    "gzip with a parameter": ("gzip;q=1", GZIP, 415),
}


def test_there_are_as_many_cases_as_promised() -> None:
    assert sum(encoding.strip().lower().endswith("gzip") for encoding, _, _ in CASES.values()) >= 12
    assert sum(encoding == "zstd" for encoding, _, _ in CASES.values()) >= 12


async def test_every_packed_body_has_its_status_and_a_refused_one_changes_nothing(server: Served) -> None:
    wrong: list[str] = []
    for name, (encoding, body, status) in CASES.items():
        answer = await server.post("f", body, content_encoding=encoding)
        said = answer.json()
        if answer.status_code != status or (status != 200 and said["status"] != status):
            wrong.append(f"{name}: {answer.status_code} {answer.text}")
        if status == 200:
            await server.client.delete(server.path("f", ""))
        elif server.hub.flow("f") is not None:
            wrong.append(f"{name}: something was applied")
    assert not wrong, "\n".join(wrong)
    assert (await server.client.get("/healthz")).text == "ok"
