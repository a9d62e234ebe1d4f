"""`GET /`: the canvas, or for clients that ask for JSON a small descriptor of the server.

The files are built into the package and read once at the start. The server runs without them too.
"""

import gzip
import mimetypes
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from flow_contract import SCHEMA_VERSION, shown
from flow_server.http.bodies import header
from flow_server.http.compression import accepted_encoding
from flow_server.http.errors import HttpError

CANVAS = Path(__file__).parent.parent / "canvas"
"""Where the build puts the canvas."""

FOREVER = "public, max-age=31536000, immutable"
"""For files whose name has a hash of their content."""

_NOT_BUILT = b"""<!doctype html><title>flow-server</title>
<p>The page is not built into this installation. Run <code>uv sync --reinstall-package flow-server</code>.</p>
"""

log = structlog.get_logger(__name__)


class PageFile(NamedTuple):
    """A file of the canvas: as it is, packed, and its media type."""

    plain: bytes
    packed: bytes
    media_type: str


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """What this server is, for programs."""

    name: str
    version: str
    schema_version: int
    links: dict[str, str]


class Page:
    """The canvas's files by path below `/`, and the server's version."""

    def __init__(self, files: dict[str, PageFile], *, version: str) -> None:
        """A page of these files; without an `index.html` it says how to build one."""
        self.files = files
        self.version = version

    @classmethod
    def built_into(cls, folder: Path, *, version: str) -> "Page":
        """The page in a folder; one warning in the log when it is not there."""
        files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        if "index.html" not in files:
            log.warning("the page is not built: uv sync --reinstall-package flow-server")
            files["index.html"] = PageFile(_NOT_BUILT, gzip.compress(_NOT_BUILT), "text/html")
        return cls(files, version=version)


def _read(path: Path) -> PageFile:
    plain = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return PageFile(plain, gzip.compress(plain, 9, mtime=0), media_type)


@get("/", summary="The canvas; with `Accept: application/json` a descriptor", media_type="text/html")
async def get_page(request: Request[Any, Any, Any], page: NamedDependency[Page]) -> Response[bytes]:
    """The page that operators open."""
    if _wants_json(header(request.scope, b"accept")):
        links = {
            "flows": "v1/flows",
            "openapi": "schema/openapi.json",
            "metrics": "metrics",
            "health": "healthz",
        }
        descriptor = Descriptor("flow-server", page.version, SCHEMA_VERSION, links)
        return Response(
            msgspec.json.encode(descriptor), media_type="application/json", headers={"Vary": "Accept"}
        )
    return _answer(request, page.files["index.html"], cache_control="no-cache")


@get("/assets/{name:str}", summary="A file of the canvas", media_type="application/octet-stream")
async def get_asset(
    name: FromPath[str], request: Request[Any, Any, Any], page: NamedDependency[Page]
) -> Response[bytes]:
    """Files whose name changes with their content."""
    if (file := page.files.get(f"assets/{name}")) is None:
        raise HttpError(404, f"no file {shown(name)} of the page", reason="unknown path")
    return _answer(request, file, cache_control=FOREVER)


def _answer(request: Request[Any, Any, Any], file: PageFile, *, cache_control: str) -> Response[bytes]:
    headers = {"Cache-Control": cache_control, "Vary": "Accept, Accept-Encoding"}
    weights = header(request.scope, b"accept-encoding")
    if accepted_encoding(weights) and "gzip" in (weights or "") and len(file.packed) < len(file.plain):
        headers["Content-Encoding"] = "gzip"
        return Response(file.packed, media_type=file.media_type, headers=headers)
    return Response(file.plain, media_type=file.media_type, headers=headers)


def _wants_json(accept: str | None) -> bool:
    """Whether `Accept` names JSON and not HTML: browsers name HTML, `*/*` alone is a curl."""
    return accept is not None and "application/json" in accept and "text/html" not in accept
