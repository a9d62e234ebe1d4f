"""LIST in pages. Source: Kubernetes API concepts, "Retrieving large results sets in chunks"."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from flow_adapter_flux.core.release import Unreadable
from flow_adapter_flux.kubernetes.connection import Connection
from flow_adapter_flux.kubernetes.failures import ApiFailure, Trouble
from flow_adapter_flux.kubernetes.kinds import Kind

T = TypeVar("T")

PAGE_OBJECTS = 250
"""Objects a page: with managed fields about 2.5 MB, read and dropped page by page."""

PAGE_LIMIT_S = 30.0
"""Longest time for one page, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Listing(Generic[T]):
    """All objects as they were at one `version`, from which a watch goes on."""

    version: str
    objects: tuple[T | Unreadable, ...]


class _PageMetadata(msgspec.Struct):
    version: str = msgspec.field(name="resourceVersion", default="")
    next: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct):
    items: list[msgspec.Raw] | None
    metadata: _PageMetadata


_page_decoder = msgspec.json.Decoder(_Page)
_object_decoder = msgspec.json.Decoder(Any)


async def list_objects(connection: Connection, kind: Kind[T], namespace: str) -> Listing[T]:
    """Every object of a kind, in one namespace or, with `""`, in all. Raises `ApiFailure`.

    An expired `continue` is 410, so a failure of kind GONE.
    """
    objects: list[T | Unreadable] = []
    params = {"limit": str(PAGE_OBJECTS)}
    while True:
        body = await connection.get(kind.path(namespace), params, limit_s=PAGE_LIMIT_S)
        try:
            page = _page_decoder.decode(body)
            objects += [kind.read(_object_decoder.decode(item)) for item in page.items or ()]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ApiFailure(Trouble.UNREADABLE, f"the list of {kind.plural}: {error}") from error
        if not page.metadata.version:
            raise ApiFailure(Trouble.UNREADABLE, f"the list of {kind.plural} has no version")
        if not page.metadata.next:
            return Listing(version=page.metadata.version, objects=tuple(objects))
        params["continue"] = page.metadata.next
