"""Faults one after another, on both sides, while the cluster changes; after each the server must be right.

In virtual time, 200 faults by default; `FLOW_ADAPTER_FAULTS=10000` and `FLOW_ADAPTER_SEED=7` for a long run.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from flow_contract import UpsertNodes, encode_message
from flow_simulator.checker import Answered, Deleting, Log, Posting, SnapshotTaken, check
from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.kubernetes import faults as k8s

from .objects import FAILED, READY, RUNNING, STALLED, UNDONE, condition, helm_chart, not_ready
from .recording_server import Fault, Request
from .region import RESYNC_S, World, in_virtual_time, region

FAULTS = int(os.environ.get("FLOW_ADAPTER_FAULTS", "200"))
SEED = int(os.environ.get("FLOW_ADAPTER_SEED", "1"))

SOURCE = {"kind": "HelmRepository", "name": "catalog"}
NAMES = [f"bp-{number:02}" for number in range(12)]
STATES = [[], [READY], [FAILED], [RUNNING], [UNDONE], [not_ready("bp-01")], [FAILED, STALLED]]
HEALED_S = RESYNC_S + 1.0
"""One RESYNC_INTERVAL, and the requests at its end."""

SILENCE_S = 95.0
"""A watch that says nothing is left after at most 90 s; what was missed is seen then."""

RELEASES = "helmreleases"

Draw = Callable[[Random], Any]
KUBERNETES: dict[str, Draw] = {
    "watches end": lambda random: k8s.EndWatches(),
    "watches are reset": lambda random: k8s.DropWatches(),
    "half a line, clean": lambda random: k8s.CutLine(clean=True),
    "half a line, dropped": lambda random: k8s.CutLine(clean=False),
    "blank line": lambda random: k8s.SendLine(line="blank"),
    "no JSON": lambda random: k8s.SendLine(line="not-json"),
    "object without metadata": lambda random: k8s.SendLine(line="no-metadata"),
    "unknown event type": lambda random: k8s.SendLine(line="unknown-type"),
    "410 in the stream": lambda random: k8s.SendLine(line="gone"),
    "500 in the stream": lambda random: k8s.SendLine(line="internal-error"),
    "line of 10 MiB": lambda random: k8s.SendLine(line="huge", resource=RELEASES),
    "HTML in the stream": lambda random: k8s.SendText(text="<html>\n"),
    "ERROR without a code": lambda random: k8s.SendText(text='{"type":"ERROR","object":{}}\n'),
    "bookmark": lambda random: k8s.SendBookmarks(),
    "connections are reset": lambda random: k8s.DropConnections(),
    "refused": lambda random: k8s.RefuseConnections(for_s=random.uniform(1, 20)),
    "frozen": lambda random: k8s.Freeze(for_s=random.uniform(1, 40)),
    "mute watches": lambda random: k8s.MuteWatches(for_s=random.uniform(1, 100)),
    "byte by byte": lambda random: k8s.SlowLines(delay_s=0.002, for_s=20),
    "restart by SIGKILL": lambda random: k8s.Restart(down_s=random.uniform(0, 10)),
    "restart by SIGTERM": lambda random: k8s.Restart(kill=False, drain_s=5, down_s=2),
    "410 event": lambda random: k8s.ExpireHistory(),
    "410 status": lambda random: k8s.ExpireHistory(as_status=True),
    "403 for a while": lambda random: k8s.Forbid(for_s=random.uniform(1, 30)),
    "401": lambda random: k8s.AnswerWith(status=401, reason="Unauthorized", times=3),
    "404 for once": lambda random: k8s.AnswerWith(
        verbs=("list", "watch"), status=404, body="404 page not found\n", content_type="text/plain", times=1
    ),
    "429": lambda random: k8s.AnswerWith(status=429, retry_after_s=random.randint(0, 5), times=3),
    "503 without a type": lambda random: k8s.AnswerWith(status=503, body="x", content_type=None, times=3),
    "504": lambda random: k8s.AnswerWith(verbs=("list",), status=504, reason="Timeout", times=2),
    "redirect": lambda random: k8s.AnswerWith(status=307, body="", times=2),
    "HTML with 200": lambda random: k8s.AnswerWith(
        status=200, body="<html></html>", content_type="text/html", times=2
    ),
    "empty object with 200": lambda random: k8s.AnswerWith(status=200, body="{}", times=2),
    "another content type": lambda random: k8s.OtherContentType(content_type="text/plain", times=3),
    "no content type": lambda random: k8s.OtherContentType(content_type=None, times=3),
    "half an answer": lambda random: k8s.HalfAnswer(times=2),
    "no answer": lambda random: k8s.NeverAnswer(times=1),
    "late answer": lambda random: k8s.AnswerLate(by_s=random.uniform(1, 20), times=2),
    "request dropped": lambda random: k8s.DropRequest(times=3),
    "version far ahead": lambda random: k8s.Advance(by=random.randint(1, 1000)),
}
SERVER: dict[str, Draw] = {
    "server away": lambda random: Fault(drop=True),
    "stores and drops": lambda random: Fault(drop=True, stores=True),
    "half answers": lambda random: Fault(half=True, stores=random.random() < 0.5),
    "never answers": lambda random: Fault(never=True),
    "500": lambda random: Fault(status=500, stores=random.random() < 0.5),
    "503 and stored": lambda random: Fault(status=503, stores=True, headers={"Retry-After": "2"}),
    "401 for a while": lambda random: Fault(status=401),
    "403 from the server": lambda random: Fault(status=403),
    "429 from the server": lambda random: Fault(status=429, headers={"Retry-After": "1"}),
    "slow answers": lambda random: Fault(status=0, late_s=random.uniform(1, 12)),
    "answers byte by byte": lambda random: Fault(status=0, drip_s=0.005),
    "HTML with 200 from the server": lambda random: Fault(
        status=200, body=b"<html>", headers={"Content-Type": "text/html"}
    ),
    "404 of a gateway": lambda random: Fault(
        status=404, body=b"no route", headers={"Content-Type": "text/plain"}
    ),
    "400 of a proxy": lambda random: Fault(
        status=400, body=b"Bad Request", headers={"Content-Type": "text/html"}
    ),
}
WHOLE = [
    "flow deleted",
    "server restarted empty",
    "token rotated",
    "definition gone and back",
    "backup restored",
    "one message refused",
    "charts forbidden",
]


class Campaign:
    def __init__(self, world: World, random: Random, kubeconfig: Path) -> None:
        self.world = world
        self.random = random
        self.kubeconfig = kubeconfig
        self.log = Log()
        self.rotations = 0
        self.slowest: tuple[float, str] = (0.0, "")

    def change(self, times: int = 3) -> None:
        """Something happens in the cluster."""
        random, cluster = self.random, self.world.cluster
        for _ in range(times):
            name = random.choice(NAMES)
            if random.random() < 0.15 and cluster.get(name):
                cluster.delete(name, at_once=True)
                continue
            wanted = [{"name": other} for other in random.sample(NAMES, random.randint(0, 3))]
            cluster.apply(
                {
                    "metadata": {"name": name},
                    "spec": {
                        "interval": "15m",
                        "chart": {"spec": {"chart": name, "sourceRef": SOURCE}},
                        "dependsOn": wanted,
                        "suspend": random.random() < 0.1,
                    },
                }
            )
            note = random.choice(["", "\u0085 and \u2028", "ü 😀", "two\nlines"])
            state = [{**one, "message": f"{one['message']}{note}"} for one in random.choice(STATES)]
            observed = random.choice([-1, 1])
            cluster.patch_status(name, {"conditions": state, "observedGeneration": observed})

    async def strike(self, name: str) -> float:
        """Let one fault happen; gives for how long it may be felt after it is over."""
        world, cluster, server, random = self.world, self.world.cluster, self.world.server, self.random
        if name in KUBERNETES:
            await cluster.inject(KUBERNETES[name](random))
            await asyncio.sleep(random.uniform(0, 3))
            self.change()
            await cluster.faults_over()
            await cluster.lift_faults()
            return SILENCE_S if "mute" in name or "frozen" in name or "ahead" in name else HEALED_S
        if name in SERVER:
            server.away = SERVER[name](random)
            for _ in range(3):
                self.change()
                await asyncio.sleep(random.choice([0.1, 5, 20]))
            server.away = None
            return HEALED_S
        match name:
            case "flow deleted":
                server.wipe()
            case "server restarted empty":
                server.wipe(epoch=f"life {time.monotonic_ns()}")
            case "token rotated":
                self.rotations += 1
                old, new = cluster.token, f"token-{self.rotations}"
                cluster.token = new
                cluster.kubeconfig(self.kubeconfig)
                await cluster.inject(k8s.RotateToken(old=old, new=new), k8s.DropWatches())
            case "definition gone and back":
                await cluster.inject(k8s.DeleteDefinition(resource=RELEASES, linger_s=0.5))
                await cluster.faults_over()
                await asyncio.sleep(random.uniform(1, 30))
                await cluster.inject(k8s.CreateDefinition(resource=RELEASES))
                await asyncio.sleep(1)
            case "backup restored":
                await cluster.inject(k8s.TakeBackup())
                self.change(6)
                await world.settled(within_s=HEALED_S)
                await cluster.inject(k8s.RestoreBackup())
                return HEALED_S
            case "one message refused":
                server.refuses = lambda message: (
                    ".nodes[0].id"
                    if isinstance(message, UpsertNodes) and message.nodes[0].label == "bp-03"
                    else None
                )
                self.change(8)
                await asyncio.sleep(5)
                server.refuses = lambda message: None
                if cluster.get("bp-03"):  # it comes again only when it changes
                    self.rotations += 1
                    cluster.patch_status("bp-03", {"lastAttemptedRevision": f"1.{self.rotations}"})
            case _:
                await cluster.inject(k8s.AnswerWith(resource="helmcharts", status=403, for_s=40))
        self.change()
        return HEALED_S

    async def round(self, name: str) -> None:
        """One fault, and the proof that it left nothing behind."""
        world = self.world
        loop = asyncio.get_running_loop()
        began, asked = loop.time(), self.requests()
        self.change()
        felt_s = await self.strike(name)
        expected = world.expected()
        held = world.server.picture
        known = len(expected.nodes) + len(expected.relationships)
        known += (len(held.nodes) + len(held.relationships)) if held else 0
        in_flight = len(world.server.posts[-1].messages)
        assert world.count("outbox_messages") <= known + in_flight
        took = await world.settled(within_s=felt_s)
        self.slowest = max(self.slowest, (took, name))
        minutes = (loop.time() - began) / 60
        assert self.requests() - asked <= 60 + 90 * minutes, f"a busy loop: {name}"
        assert world.silence_s() < 120

    def requests(self) -> int:
        return sum(self.world.cluster.request_counts.values()) + len(self.world.server.requests)


def logging(campaign: Campaign) -> None:
    """Let the server write down what it was asked and what it answered, for the checker."""
    server = campaign.world.server
    serial = 0

    def asked(request: Request) -> Callable[[int | None, bytes], None]:
        nonlocal serial
        serial += 1
        number = serial
        messages = tuple(json.loads(line) for line in request.body.splitlines())
        key = request.headers.get("idempotency-key")
        now = time.monotonic_ns()
        campaign.log.write(
            Posting(writer="adapter", serial=number, flow="flow", messages=messages, key=key, at_ns=now)
        )

        def answered(status: int | None, body: bytes) -> None:
            said: dict[str, Any] = json.loads(body) if status == 200 else {}
            campaign.log.write(
                Answered(
                    writer="adapter",
                    serial=number,
                    at_ns=time.monotonic_ns(),
                    status=status,
                    seq=said.get("seq"),
                    count=said.get("count"),
                    epoch=said.get("epoch"),
                )
            )

        return answered

    def deleted() -> None:
        nonlocal serial
        serial += 1
        now = time.monotonic_ns()
        campaign.log.write(Deleting(writer="operator", serial=serial, flow="flow", at_ns=now))
        campaign.log.write(Answered(writer="operator", serial=serial, at_ns=now, status=204))

    server.on_post = asked
    server.on_delete = deleted


def bad_chart(random: Random) -> dict[str, Any]:
    name = random.choice(NAMES)
    chart = helm_chart(
        f"flux-system-{name}",
        owner=("flux-system", name),
        conditions=[condition("Ready", random.choice(["True", "False"]), "ChartPullError", "no such chart")],
    )
    del chart["metadata"]["resourceVersion"]
    chart["spec"] = {"chart": name, "sourceRef": SOURCE, "interval": "5m"}
    return chart


@pytest.mark.long
@pytest.mark.timeout(0 if FAULTS > 200 else 300)
@in_virtual_time
async def test_after_every_fault_the_server_s_region_is_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(SEED)
    async with region(tmp_path, monkeypatch, simulated=SimulatedCluster(seed=SEED)) as world:
        campaign = Campaign(world, random, tmp_path / "kubeconfig")
        logging(campaign)
        campaign.change(12)
        await world.settled()
        names = [*KUBERNETES, *SERVER, *WHOLE]
        order: list[str] = []
        while len(order) < FAULTS:
            random.shuffle(names)
            order += names
        for number, name in enumerate(order[:FAULTS]):
            try:
                await campaign.round(name)
            except AssertionError as error:
                raise AssertionError(f"fault {number} of seed {SEED}, {name}: {error}") from error
            world.cluster.apply(bad_chart(random))
        await world.settled()
        assert world.server.picture is not None
        now = time.monotonic_ns()
        body = encode_message(world.server.picture.snapshot("flow")).decode()
        campaign.log.write(
            SnapshotTaken(flow="flow", asked_ns=now, at_ns=now, seq=world.server.sequence, body=body)
        )
        findings = check(campaign.log.entries)
        assert [str(finding) for finding in findings] == []
        answers = [entry for entry in campaign.log.entries if isinstance(entry, Answered)]
        acknowledged = sum(answer.count or 0 for answer in answers)
        with capsys.disabled():
            took, name = campaign.slowest
            print(f"\n{FAULTS} faults, {acknowledged} messages, 0 lost; slowest {took:.0f} s ({name})")
