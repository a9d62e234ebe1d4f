import socket

import pytest

from flow_contract.service.listening import ListenAddress, listen_address, listening_socket


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":8080", "", 8080),
        (":0", "", 0),
        ("127.0.0.1:65535", "127.0.0.1", 65535),
        ("localhost:80", "localhost", 80),
        ("[::1]:8080", "::1", 8080),
        ("[::]:1", "::", 1),
        ("[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", 1),
    ],
)
def test_an_address_as_go_writes_it_is_read(text: str, host: str, port: int) -> None:
    assert listen_address(text) == ListenAddress(host=host, port=port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8080",
        "::1:80",
        "[::1]",
        "[]:80",
        "[::g]:80",
        "[1.2.3.4]:80",
        "[:::]:80",
        "host:",
        "host:http",
        "h:65536",
        "h:-1",
        "a b:1",
        "http://h:1",
        "h:1/",
        ":\uff18\uff10",
        "h:080000",
    ],
)
def test_what_is_no_address_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        listen_address(text)


def connects(host: str, listener: socket.socket) -> bool:
    with socket.create_connection((host, listener.getsockname()[1]), timeout=10) as client:
        accepted, _ = listener.accept()
        with accepted:
            return client.getpeername()[1] == listener.getsockname()[1]


def test_without_a_host_it_listens_on_ipv4_and_where_there_is_one_on_ipv6() -> None:
    with listening_socket(listen_address(":0")) as listener:
        assert connects("127.0.0.1", listener)
        if socket.has_dualstack_ipv6():
            assert connects("::1", listener)


def test_with_a_host_it_listens_there_only() -> None:
    with listening_socket(listen_address("127.0.0.1:0")) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert connects("127.0.0.1", listener)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_host_in_brackets_is_listened_on() -> None:
    with listening_socket(listen_address("[::1]:0")) as listener:
        assert connects("::1", listener)


def test_the_send_buffer_is_inherited_by_connections() -> None:
    with (
        listening_socket(listen_address("127.0.0.1:0"), send_buffer_bytes=65536) as listener,
        socket.create_connection(listener.getsockname(), timeout=10),
        listener.accept()[0] as accepted,
    ):
        # Linux doubles what it is told, for its own bookkeeping.
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) in {65536, 131072}


def test_an_address_in_use_or_not_ours_is_an_os_error() -> None:
    with listening_socket(listen_address("127.0.0.1:0")) as listener:
        in_use = ListenAddress(host="127.0.0.1", port=listener.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            listening_socket(in_use)
    with pytest.raises(OSError, match=r".*"):
        listening_socket(listen_address("192.0.2.1:0"))
