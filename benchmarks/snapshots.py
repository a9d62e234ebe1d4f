"""Snapshots of 600 nodes and 600 relationships, on a quiet flow and on one that changed before every GET.

Beside what both are spared: encoding the whole state again for each GET.
"""

import http.client
import json
import time

import msgspec

from bench_load import FLOW, flow_server, message
from flow_contract import Snapshot, decode_message

NODES = 600
GETS = 1000


def get(client: http.client.HTTPConnection) -> bytes:
    """One snapshot as it is."""
    client.request("GET", f"/v1/flows/{FLOW}/snapshot", headers={"Accept-Encoding": "identity"})
    answer = client.getresponse()
    assert answer.status == 200
    return answer.read()


def mean_ms(seconds: float, count: int) -> float:
    """Milliseconds each."""
    return seconds / count * 1e3


def main() -> None:
    """Print milliseconds of server CPU and of the client's clock for each GET."""
    relationships = [
        {"fromId": f"fsn1/bp-{number}", "toId": "fsn1/bp-0", "type": "finish-to-start"}
        for number in range(NODES)
    ]
    with flow_server() as target:
        client = http.client.HTTPConnection("127.0.0.1", target.port)

        def post(body: bytes) -> None:
            kind = {"Content-Type": "application/x-ndjson"}
            client.request("POST", f"/v1/flows/{FLOW}/events", body=body, headers=kind)
            answer = client.getresponse()
            answer.read()
            assert answer.status == 200

        post(b"\n".join(message(number) for number in range(NODES)))
        post(json.dumps({"type": "upsert-rels", "relationships": relationships}).encode())
        whole = get(client)

        def measured(*, busy: bool) -> tuple[float, float]:
            cpu_s, clock_s = 0.0, 0.0
            for number in range(GETS):
                if busy:
                    post(message(number))
                before_s, began_s = target.cpu_s(), time.perf_counter()
                get(client)
                clock_s += time.perf_counter() - began_s
                cpu_s += target.cpu_s() - before_s
            return mean_ms(cpu_s, GETS), mean_ms(clock_s, GETS)

        quiet_cpu, quiet_clock = measured(busy=False)
        busy_cpu, busy_clock = measured(busy=True)
    state = decode_message(whole)
    assert isinstance(state, Snapshot)
    began_s = time.perf_counter()
    for _ in range(100):
        msgspec.json.encode(state)
    encode = mean_ms(time.perf_counter() - began_s, 100)
    print(f"A snapshot of {NODES} nodes and {NODES} relationships is {len(whole):,} bytes.\n")
    print("| flow | GET, ms of the clock | ms of server CPU | clock, of a quiet flow's |")
    print("| --- | --- | --- | --- |")
    print(f"| quiet | {quiet_clock:.2f} | {quiet_cpu:.2f} | 1.00 |")
    print(f"| busy | {busy_clock:.2f} | {busy_cpu:.2f} | {busy_clock / quiet_clock:.2f} |")
    print(f"\nEncoding the state as a whole would take {encode:.2f} ms for each GET on a busy flow.")


if __name__ == "__main__":
    main()
