"""uvicorn's HTTP/1.1 protocol, with what streams and hostile clients need beyond it.

The connection offers itself in the request's scope, so that a stream can be written to past ASGI. Source:
uvicorn's `HttpToolsProtocol`, whose bookkeeping stays untouched: a response still begins and ends over ASGI.
"""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flow_server.http.stream import CONNECTION


class FlowProtocol(HttpToolsProtocol):
    """One connection."""

    _on_room: Callable[[], None] | None = None
    _on_lost: Callable[[], None] | None = None

    @property
    def full(self) -> bool:
        """Whether the transport is above its high-water mark, or closing."""
        return self.flow.write_paused or self.transport.is_closing()

    def write_chunk(self, chunked: bytes) -> None:
        """Write a transfer chunk; the transport keeps a reference, not a copy."""
        self.transport.write(chunked)

    def attach(self, *, on_room: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """Tell a stream about this connection."""
        self._on_room = on_room
        self._on_lost = on_lost
        if self.transport.is_closing():
            asyncio.get_running_loop().call_soon(on_lost)

    def detach(self) -> None:
        """The stream is over."""
        self._on_room = self._on_lost = None

    def on_message_begin(self) -> None:
        """Offer the connection to the application."""
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[typeddict-item]

    def resume_writing(self) -> None:
        """There is room again: nobody but us comes back for a stream that was full."""
        super().resume_writing()
        if self._on_room is not None:
            self._on_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        super().connection_lost(exc)
        if self._on_lost is not None:
            self._on_lost()
