"""A bootstrap as messages with times, for the page's tests: pure, seeded, any number of releases and regions.

Every message is one that the Flux adapter could send: region nodes with a rollup, `contains` and
`finish-to-start` relationships, `meta` with reason, message, chart, version, attempts and what is waited for.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Message = dict[str, Any]

START_MS = 1_764_000_000_000


class Release(NamedTuple):
    """One release of the kit: its name, the names it depends on, its target namespace and chart version."""

    name: str
    depends_on: tuple[str, ...]
    namespace: str = "default"
    version: str = "1.0.0"
    suspended: bool = False


class Timed(NamedTuple):
    """A message and when it was sent, in milliseconds since the start."""

    at_ms: int
    message: Message


def releases_from(kit: Iterable[Mapping[str, Any]]) -> list[Release]:
    """The releases of a kit's data file."""
    return [
        Release(
            name=str(entry["name"]),
            depends_on=tuple(entry["dependsOn"]),
            namespace=str(entry["targetNamespace"]),
            version=str(entry.get("version") or "1.0.0"),
            suspended=":=true" in str(entry.get("suspend", "")),
        )
        for entry in kit
    ]


def layered(count: int, *, seed: int = 1, levels: int = 9) -> list[Release]:
    """A made-up kit of `count` releases in `levels` levels, each after one to three of earlier levels."""
    draw = random.Random(seed)
    level_of = sorted(min(int(draw.triangular(0, levels, levels * 0.45)), levels - 1) for _ in range(count))
    level_of[0] = 0
    names = [f"bp-part-{index:04d}" for index in range(count)]
    releases: list[Release] = []
    for index, name in enumerate(names):
        earlier = [other for other in range(index) if level_of[other] < level_of[index]]
        near = earlier[-24:]
        chosen = draw.sample(near, min(len(near), draw.choice((1, 1, 2, 3)))) if near else []
        releases.append(
            Release(name, tuple(names[other] for other in sorted(chosen)), namespace=f"ns-{index % 7}")
        )
    return releases


def bootstrap(
    flow_id: str,
    releases: Sequence[Release],
    regions: Sequence[str],
    *,
    seed: int = 7,
    failing: Mapping[str, str] | None = None,
    concurrent: int = 4,
) -> list[Timed]:
    """All messages of a bootstrap in order of time. `failing`: region -> the release that fails there."""
    sent: list[Timed] = []
    for number, region in enumerate(regions):
        draw = random.Random(f"{seed}/{region}")
        bad = (failing or {}).get(region)
        sent.extend(_region(flow_id, releases, region, draw, bad, concurrent, delay_ms=700 * (number % 9)))
    sent.sort(key=lambda timed: timed.at_ms)
    return sent


def _region(
    flow_id: str,
    releases: Sequence[Release],
    region: str,
    draw: random.Random,
    bad: str | None,
    concurrent: int,
    *,
    delay_ms: int,
) -> list[Timed]:
    sent: list[Timed] = []
    # A suspended release holds nothing up here: the kit switches off what the provider at hand does not need.
    known = {release.name for release in releases if not release.suspended}
    status = {release.name: "pending" for release in releases}
    sleeping = {release.name for release in releases if release.suspended}

    def node(release: Release, at_ms: int, *, ended: bool = False, **meta: Any) -> Message:
        waiting = [d for d in release.depends_on if d in known and status[d] != "succeeded"]
        started = starts.get(release.name)
        body: Message = {
            "id": f"{region}/{release.name}",
            "flowId": flow_id,
            "label": release.name,
            "status": status[release.name],
            "family": release.name.removeprefix("bp-"),
            "region": region,
            "meta": {
                "source": "flux",
                "namespace": "flux-system",
                "targetNamespace": release.namespace,
                "chart": release.name,
                "version": release.version,
                "generation": 1,
                "observedGeneration": 1,
                **({"suspended": True} if release.name in sleeping else {}),
                **({"waitingFor": waiting} if waiting and status[release.name] == "running" else {}),
                **meta,
            },
        }
        if started is not None:
            body["startedAt"] = START_MS + started
        if ended:
            body["endedAt"] = START_MS + at_ms
        return body

    def region_node() -> Message:
        counted = {status[name] for name in status if name not in sleeping}
        worst = "failed" if "failed" in counted else "running" if "running" in counted else None
        worst = worst or ("pending" if "pending" in counted else "succeeded")
        return {
            "id": region,
            "flowId": flow_id,
            "label": region,
            "status": worst,
            "family": "region",
            "region": region,
            "meta": {"source": "flux", "cluster": f"cluster-of-{region}"},
        }

    starts: dict[str, int] = {}

    def send(at_ms: int, *nodes: Message) -> None:
        sent.append(Timed(at_ms, {"type": "upsert-nodes", "nodes": [*nodes, region_node()]}))

    send(delay_ms, *(node(release, delay_ms) for release in releases))
    relationships: list[Message] = []
    for release in releases:
        here = f"{region}/{release.name}"
        relationships.append({"fromId": here, "toId": region, "type": "contains", "condition": "always"})
        relationships.extend(
            {
                "fromId": f"{region}/{other}",
                "toId": here,
                "type": "finish-to-start",
                "condition": "on-success",
            }
            for other in release.depends_on
        )
    sent.append(Timed(delay_ms, {"type": "upsert-rels", "relationships": relationships}))

    now = delay_ms + 1500
    running: list[tuple[int, int, Release]] = []
    attempts: dict[str, int] = {}
    told: dict[str, tuple[str, ...]] = {}
    todo = [release for release in releases if not release.suspended]
    while todo or running:
        ready = [r for r in todo if all(d not in known or status[d] == "succeeded" for d in r.depends_on)]
        while ready and len(running) < concurrent:
            release = ready.pop(0)
            todo.remove(release)
            status[release.name] = "running"
            starts[release.name] = now
            attempts[release.name] = attempts.get(release.name, 0) + 1
            weight = 3.0 if len(release.depends_on) > 4 else 1.0
            length = int(draw.lognormvariate(3.0, 0.6) * weight * 1000)
            if release.name == bad:
                length = 150_000
            running.append((now + length, len(sent), release))
            send(
                now,
                node(
                    release,
                    now,
                    reason="Progressing",
                    attempts=attempts[release.name],
                    message=f"Running 'install' action with timeout of 5m0s: {release.name}",
                ),
            )
        for release in todo:
            waiting = tuple(d for d in release.depends_on if d in known and status[d] != "succeeded")
            if waiting and told.get(release.name) != waiting:
                told[release.name] = waiting
                status[release.name] = "running"
                send(
                    now,
                    node(
                        release,
                        now,
                        reason="DependencyNotReady",
                        message=f"dependency 'flux-system/{waiting[0]}' is not ready",
                    ),
                )
        if not running:
            break
        running.sort(key=lambda entry: entry[:2])
        now, _, release = running.pop(0)
        if release.name == bad:
            status[release.name] = "failed"
            send(
                now,
                node(
                    release,
                    now,
                    ended=True,
                    reason="InstallFailed",
                    stalled=True,
                    attempts=2,
                    failures=2,
                    message="Helm install failed for release with chart: context deadline exceeded\n"
                    "Last Helm logs:\nbeginning wait for 14 resources with timeout of 5m0s",
                ),
            )
        else:
            status[release.name] = "succeeded"
            send(
                now,
                node(
                    release,
                    now,
                    ended=True,
                    reason="InstallSucceeded",
                    attempts=attempts[release.name],
                    message=f"Helm install succeeded for release {release.namespace}/{release.name}.v1",
                ),
            )
    return sent
