"""A server at rest: seconds until it listens, and its memory."""

import socket
import statistics
import time

import bench_load

STARTS = 5


def main() -> None:
    """Print the median of some starts, beside a Python that imports nothing of ours."""
    listening_s: list[float] = []
    rss_mb: list[float] = []
    for _ in range(STARTS):
        began_s = time.perf_counter()
        with bench_load.flow_server() as target:
            listening_s.append(time.perf_counter() - began_s)
            with socket.create_connection(("127.0.0.1", target.port)) as connection:
                connection.sendall(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                assert b" 200 " in connection.recv(1000)
            rss_mb.append(target.rss_kb() / 1024)
    with bench_load.floor() as floor:
        floor_mb = floor.rss_kb() / 1024
    print(f"Listening after {statistics.median(listening_s):.2f} s (median of {STARTS} starts).")
    print(f"At rest {statistics.median(rss_mb):.0f} MB; the floor has {floor_mb:.0f} MB.")


if __name__ == "__main__":
    main()
