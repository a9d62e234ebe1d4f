"""Where a service listens: addresses as Go writes them, and the socket behind one."""

import re
import socket
from ipaddress import IPv6Address
from typing import NamedTuple

_ADDRESS = re.compile(
    r"(?:(?P<plain>[^:\[\]/\s]*)|\[(?P<bracketed>[0-9A-Fa-f:.]+)\]):(?P<port>\d{1,5})", re.ASCII
)


class ListenAddress(NamedTuple):
    """Host and port; an empty host is every address of both families, port 0 is any free port."""

    host: str
    port: int


def listen_address(text: str) -> ListenAddress:
    """The address written as `:8080`, `127.0.0.1:8080` or `[::1]:8080`. Raises ValueError."""
    parts = _ADDRESS.fullmatch(text)
    if parts is None or int(parts["port"]) > 65535:
        raise ValueError(text)
    if parts["bracketed"]:
        IPv6Address(parts["bracketed"])
    return ListenAddress(host=parts["bracketed"] or parts["plain"], port=int(parts["port"]))


def listening_socket(
    address: ListenAddress, *, backlog: int = 128, send_buffer_bytes: int | None = None
) -> socket.socket:
    """A bound, listening TCP socket. Without a host it takes IPv4 and IPv6, or IPv4 where there is no IPv6.

    `send_buffer_bytes` is inherited by every connection and bounds what the kernel keeps for a slow reader.
    Raises OSError: the address is in use, not ours, or needs rights.
    """
    if address.host:
        family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server(address, family=family, backlog=backlog)
    elif socket.has_dualstack_ipv6():
        listener = socket.create_server(address, family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True)
    else:
        listener = socket.create_server(address, family=socket.AF_INET, backlog=backlog)
    # Inherited too. An event loop that is handed a socket may not set it: answers then wait for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if send_buffer_bytes is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
    return listener
