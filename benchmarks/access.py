"""What grants cost: a server with grants beside an open one, in one run and in turn, as ratios.

Stream starts and single POSTs, by an opaque token and by a service account's JWT, whose verification is
remembered. And what the access log costs: none, as it is by default, and a line for each request.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import jwt
import uvloop
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bench_load import FLOW, Poster, Target, flow_server, message
from flow_server.access.tokens import new_token

ROUNDS = 60
STARTS = 100
POSTS = 400
ISSUER = "https://kubernetes.default.svc.cluster.local"


class Access:
    """A grants file as a cluster has it, an opaque token and a JWT that it knows."""

    def __init__(self, folder: Path) -> None:
        """Written to `folder`."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key = json.loads(RSAAlgorithm.to_jwk(private.public_key()))
        keys = folder / "keys.json"
        keys.write_text(json.dumps({"keys": [key | {"kid": "here", "alg": "RS256", "use": "sig"}]}))
        self.opaque, digest = new_token()
        subject = "system:serviceaccount:catalyst-system:openova-flow-emitter"
        grant = {"subject": subject, "read": ["*"], "publish": ["*"], "nodes": ["fsn1", "fsn1/*"]}
        issuer = {"name": "here", "issuer": ISSUER, "audience": "flow-server", "jwks_file": str(keys)}
        self.file = folder / "grants.json"
        self.file.write_text(
            json.dumps(
                {
                    "tokens": [{"name": "console", "sha256": digest, "read": ["*"], "publish": ["*"]}],
                    "issuers": [issuer | {"grants": [grant]}],
                }
            )
        )
        pod = {"name": "openova-flow-emitter-x2x4z", "uid": "3f0c1f5e-58cf-4f5e-9f7b-6f6ae77b1c55"}
        claims = {
            "iss": ISSUER,
            "aud": ["flow-server"],
            "sub": subject,
            "iat": int(time.time()),
            "exp": int(time.time()) + 3600,
            "kubernetes.io": {"namespace": "catalyst-system", "pod": pod, "serviceaccount": pod},
        }
        self.jwt = jwt.encode(claims, private, algorithm="RS256", headers={"kid": "here"})


def cpu_us(target: Target) -> float:
    """Microseconds of CPU that the server's main thread has used, finer than the clock ticks of `stat`."""
    return int(Path(f"/proc/{target.pid}/schedstat").read_text().split()[0]) / 1e3


async def start_streams(target: Target, headers: bytes) -> None:
    """Open streams one after the other, on a connection each; every one has had its first frame."""
    request = b"GET /v1/flows/%b/stream HTTP/1.1\r\nhost: x\r\n%b\r\n" % (FLOW.encode(), headers)
    for _ in range(STARTS):
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write(request)
        await reader.readuntil(b"event: snapshot\n")
        writer.transport.abort()


class NamedPoster(Poster):
    """A poster that says who it is."""

    def __init__(self, bodies: Iterator[bytes], latencies_s: list[float], headers: bytes) -> None:
        """`headers` come with each request."""
        super().__init__(bodies, b"application/json", latencies_s)
        self.head = self.head.replace(b"host: x\r\n", b"host: x\r\n" + headers)


async def post_singles(target: Target, headers: bytes) -> None:
    """Post messages one by one over one connection."""
    bodies = (message(number) for number in range(POSTS))
    _, poster = await asyncio.get_running_loop().create_connection(
        lambda: NamedPoster(bodies, [], headers), "127.0.0.1", target.port
    )
    await poster.done


Act = Callable[[Target, bytes], Coroutine[None, None, None]]


def measured(target: Target, headers: bytes, act: Act, *, count: int) -> tuple[float, float]:
    """CPU and time of each, in microseconds."""
    cpu, began_s = cpu_us(target), time.perf_counter()
    uvloop.run(act(target, headers))
    return (cpu_us(target) - cpu) / count, (time.perf_counter() - began_s) / count * 1e6


def compare(title: str, ways: Sequence[tuple[str, Target, bytes]], act: Act, *, count: int) -> None:
    """A row for each way but the first, against the first; all in turn, in an order that turns too."""
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in ways}
    for turn in range(ROUNDS + 1):
        for name, target, headers in [*ways[turn % len(ways) :], *ways[: turn % len(ways)]]:
            result = measured(target, headers, act, count=count)
            if turn:  # the first warms up
                rounds[name].append(result)
    best = {
        name: [_least([result[part] for result in results]) for part in (0, 1)]
        for name, results in rounds.items()
    }
    of_first = best[ways[0][0]]
    for name, _, _ in ways[1:]:
        cpu, took = (one / other for one, other in zip(best[name], of_first, strict=True))
        print(
            f"| {title} | {name} | {best[name][0]:.0f} ({of_first[0]:.0f}) | {cpu:.3f} | {took:.3f} |",
            flush=True,
        )


def _least(values: list[float]) -> float:
    """Mean of the least quarter: on a shared machine the others' work only ever adds."""
    return statistics.mean(sorted(values)[: max(1, len(values) // 4)])


def main() -> None:
    """Print a row for each comparison."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        access = Access(Path(folder))
        bare = stack.enter_context(flow_server())
        closed = stack.enter_context(flow_server(AUTH_FILE=str(access.file)))
        opaque, service_account = (
            f"authorization: Bearer {token}\r\n".encode() for token in (access.opaque, access.jwt)
        )
        for target, headers in ((bare, b""), (closed, opaque), (closed, service_account)):
            uvloop.run(post_singles(target, headers))
        ways = [
            ("open", bare, b""),
            ("opaque token", closed, opaque),
            ("JWT", closed, service_account),
            ("open, token sent all the same", bare, service_account),
        ]
        print("| what | with | CPU µs (open) | CPU of open's | time of open's |")
        print("| --- | --- | --- | --- | --- |")
        compare("stream start", ways, start_streams, count=STARTS)
        compare("POST of one message", ways, post_singles, count=POSTS)
        silent = stack.enter_context(flow_server(ACCESS_LOG="none"))
        all_logged = stack.enter_context(flow_server(ACCESS_LOG="all"))
        logs = [("open", silent, b""), ("access log errors", bare, b""), ("access log all", all_logged, b"")]
        compare("POST of one message", logs, post_singles, count=POSTS)


if __name__ == "__main__":
    main()
