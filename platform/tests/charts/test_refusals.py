"""What the charts refuse, and with which words: by their schemas, and by their list of all that is wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .helm import EMITTER, SERVER, Helm, Refused, Values

TAG = {"tag": "0.1.0"}
PUBLIC = {"enabled": True, "hostname": "openova-flow.example.org"}
KEYS = '{"keys": [{"kty": "RSA"}]}'
EMITTER_BASE = {
    "image": TAG,
    "flowServerUrl": "http://openova-flow-server.catalyst-system.svc.cluster.local",
    "flowId": "deadbeefcafe0001",
    "regionKey": "fsn1",
}


@dataclass(frozen=True)
class Case:
    """Values over a good base, and what the refusal has to say."""

    title: str
    values: Values
    says: tuple[str, ...]


def case(title: str, *says: str, **values: Any) -> Any:
    return pytest.param(Case(title, values, says), id=title.replace(" ", "-"))


def _issuer(**fields: Any) -> dict[str, Any]:
    return {"issuers": [{"name": "hel1", **fields}]}


SERVER_CASES = [
    *(
        case(f"{section} taken out", "missing", section, **{section: None})
        for section in ("limits", "stop", "store", "auth", "service", "httproute", "metrics", "networkPolicy")
    ),
    case("port taken out", "missing", "port", port=None),
    case("a heart that never beats", "heartbeat", limits={"heartbeat": "0"}),
    case("a batch beyond the program's", "maxBatch", "maximum", limits={"maxBatch": 1025}),
    case("more flows than anybody has", "maxFlows", limits={"maxFlows": 10**10}),
    case("a ring beyond the program's", "ringCapacity", ringCapacity=1_000_001),
    case("no time for the store", "timeout", store={"nats": {"timeout": "0s"}}),
    case("no image", "flowServer.image.tag: say which image runs", image={"tag": ""}),
    case("tag as number", "image/tag", "string", image={"tag": 1.2}),
    case("tag with blank", "image/tag", image={"tag": "a b"}),
    case("digest cut short", "image/digest", image={"digest": "sha256:abc"}),
    case("unknown value", "replicaz", replicaz=1),
    case("unknown value deep inside", "hostnames", httproute={"hostnames": ["a"]}),
    case("two replicas in memory", "replicas", "1", replicas=2),
    case("two replicas on sqlite", "replicas", "1", replicas=2, store={"kind": "sqlite"}),
    case("one replica on nats", "replicas", "2", store={"kind": "nats", "nats": {"urls": ["nats://a:4222"]}}),
    case("replicas below zero", "replicas", replicas=-1),
    case("replicas as text", "replicas", replicas="1"),
    case("unknown store", "store/kind", store={"kind": "postgres"}),
    case("nats without urls", "flowServer.store.nats.urls", replicas=2, store={"kind": "nats"}),
    case("nats over http", "urls/0", replicas=2, store={"kind": "nats", "nats": {"urls": ["http://a"]}}),
    case(
        "password in a nats url",
        "urls/0",
        replicas=2,
        store={"kind": "nats", "nats": {"urls": ["nats://u:p@a"]}},
    ),
    case(
        "nats certificate without its key",
        "certKey and keyKey belong together",
        replicas=2,
        store={"kind": "nats", "nats": {"urls": ["nats://a"], "existingSecret": "s", "certKey": "tls.crt"}},
    ),
    case(
        "nats authority without a secret",
        "flowServer.store.nats.existingSecret",
        replicas=2,
        store={"kind": "nats", "nats": {"urls": ["nats://a"], "caKey": "ca.crt"}},
    ),
    case(
        "two copies of a stream",
        "nats/replicas",
        replicas=2,
        store={"kind": "nats", "nats": {"urls": ["nats://a"], "replicas": 2}},
    ),
    case(
        "volume shared by many",
        "accessModes",
        store={"kind": "sqlite", "sqlite": {"accessModes": ["ReadWriteMany"]}},
    ),
    case("volume of no size", "sqlite/size", store={"kind": "sqlite", "sqlite": {"size": "plenty"}}),
    case("route without a name", "flowServer.httproute.hostname", httproute={"enabled": True}),
    case(
        "route with a URL for a name",
        "httproute/hostname",
        httproute={"enabled": True, "hostname": "https://a.b"},
    ),
    case(
        "route that anybody may use",
        "flowServer.auth.mode",
        "publicWithoutAuth: true",
        httproute=PUBLIC,
        auth={"mode": "none"},
    ),
    case(
        "load balancer that anybody may use",
        "service.type LoadBalancer",
        service={"type": "LoadBalancer"},
        auth={"mode": "none"},
    ),
    case(
        "node port that anybody may use",
        "service.type NodePort",
        service={"type": "NodePort"},
        auth={"mode": "none"},
    ),
    case(
        "public writing",
        "flowServer.auth.anonymous",
        httproute=PUBLIC,
        auth={"anonymous": {"publish": ["*"]}},
    ),
    case("public owning", "flowServer.auth.anonymous", httproute=PUBLIC, auth={"anonymous": {"own": ["a"]}}),
    case("timeout of a route in days", "requestTimeout", httproute={**PUBLIC, "requestTimeout": "1d"}),
    case("unknown auth mode", "auth/mode", auth={"mode": "open"}),
    case("mode secret without one", "flowServer.auth.existingSecret.name", auth={"mode": "secret"}),
    case(
        "issuers without effect",
        "flowServer.auth.issuers: has no effect",
        auth={"mode": "none", **_issuer(regionKey="hel1", jwks=KEYS)},
    ),
    case(
        "tokens without effect",
        "flowServer.auth.tokensSecret.name: has no effect",
        auth={"mode": "none", "tokensSecret": {"name": "t"}},
    ),
    case(
        "anonymous without effect",
        "flowServer.auth.anonymous: has no effect",
        auth={"mode": "none", "anonymous": {"read": ["*"]}},
    ),
    case("issuer without keys", "issuers[0] (hel1)", "jwks", auth=_issuer(regionKey="hel1")),
    case(
        "issuer with keys twice",
        "issuers[0] (hel1)",
        auth=_issuer(regionKey="hel1", jwks=KEYS, jwksUrl="https://a/b"),
    ),
    case("issuer with broken keys", "issuers[0] (hel1).jwks", auth=_issuer(regionKey="hel1", jwks="{keys")),
    case(
        "issuer with an empty set of keys",
        "issuers[0] (hel1).jwks",
        auth=_issuer(regionKey="hel1", jwks='{"keys": []}'),
    ),
    case("issuer that may nothing", "issuers[0] (hel1): grants nothing", auth=_issuer(jwks=KEYS)),
    case(
        "issuer with the cluster's name",
        "the name is taken",
        auth={"issuers": [{"name": "cluster", "regionKey": "a", "jwks": KEYS}]},
    ),
    case(
        "two issuers of one name",
        "issuers[1] (hel1): the name is taken",
        auth={"issuers": [{"name": "hel1", "regionKey": "hel1", "jwks": KEYS}] * 2},
    ),
    case(
        "shared secrets as keys", "algorithms", auth=_issuer(regionKey="a", jwks=KEYS, algorithms=["HS256"])
    ),
    case("unsigned tokens", "algorithms", auth=_issuer(regionKey="a", jwks=KEYS, algorithms=["none"])),
    case("region with a slash", "regionKey", auth={"kubernetes": {"emitter": {"regionKey": "a/b"}}}),
    case("grant of an unknown kind", "write", auth={"anonymous": {"write": ["*"]}}),
    case("grant for nobody", "subject", auth={"kubernetes": {"grants": [{"read": ["*"]}]}}),
    case("metrics that nobody may read", "flowServer.metrics", metrics={"serviceMonitor": {"enabled": True}}),
    case("path prefix without its slash", "pathPrefix", pathPrefix="flow"),
    case("path prefix with one too many", "pathPrefix", pathPrefix="/flow/"),
    case("duration in words", "heartbeat", limits={"heartbeat": "soon"}),
    case("size in megabytes", "maxBody", limits={"maxBody": "1MB"}),
    case("no readers", "maxReaders", limits={"maxReaders": 0}),
    case("origin with a path", "corsOrigins", corsOrigins=["https://a.example/b"]),
    case("port beyond the last", "service/port", service={"port": 65536}),
    case("unknown log format", "logFormat", logFormat="xml"),
    case("unknown access log", "accessLog", accessLog="some"),
    case("label of the chart's own", "commonLabels", commonLabels={"app.kubernetes.io/name": "mine"}),
    case("no time to stop", "graceSeconds", stop={"graceSeconds": 0}),
]

EMITTER_CASES = [
    case("no image", "flowEmitter.image.tag: say which image runs", image={"tag": ""}),
    case("no server", "flowEmitter.flowServerUrl: where the flow server is", flowServerUrl=""),
    case("blank server", "flowEmitter.flowServerUrl: where the flow server is", flowServerUrl=" \n"),
    case(
        "server without scheme",
        "flowEmitter.flowServerUrl: expected http://",
        flowServerUrl="openova-flow.example.org",
    ),
    case(
        "server with a password",
        "flowEmitter.flowServerUrl: expected http://",
        flowServerUrl="https://u:p@flow.example.org",
    ),
    case(
        "server with a query",
        "flowEmitter.flowServerUrl: expected http://",
        flowServerUrl="https://flow.example.org/?a=b",
    ),
    case(
        "token in the clear",
        "would carry the token unencrypted",
        flowServerUrl="http://openova-flow.example.org",
    ),
    case("no flow", "flowEmitter.flowId: which flow", flowId=""),
    case("flow as number", "flowId", "string", flowId=1234567890123456),
    case("flow of 254 characters", "at most 253 characters, found 254", flowId="x" * 254),
    case("no region", "flowEmitter.regionKey: what this cluster is called", regionKey="\n"),
    case("region as boolean", "regionKey", "string", regionKey=False),
    case("region with a slash", "flowEmitter.regionKey: expected no /", regionKey="fsn1/a"),
    case("flow on two lines", "flowEmitter.flowId: expected no control characters", flowId="a\nb"),
    case("region with a tab", "flowEmitter.regionKey: expected no / and no control", regionKey="a\tb"),
    case("unknown kind", "kind", kind="StatefulSet"),
    case(
        "many voices on many nodes",
        "every node of a DaemonSet would speak",
        leaderElection={"enabled": False},
    ),
    case("two voices", "all 2 replicas would speak", kind="Deployment", leaderElection={"enabled": False}),
    case("mode secret without one", "flowEmitter.auth.existingSecret.name", auth={"mode": "secret"}),
    case("token of a minute", "expirationSeconds", auth={"expirationSeconds": 60}),
    case("interval without a unit", "emitInterval", emitInterval="200"),
    case("interval as number", "resyncInterval", resyncInterval=60),
    case(
        "charts everywhere without roles",
        "helmChartsEverywhere",
        rbac={"create": False, "helmChartsEverywhere": True},
    ),
    case("two namespaces", "namespaceFilter", namespaceFilter="flux-system,mgmt"),
    case("unknown value", "flowServerURL", flowServerURL="https://a"),
    case("an url taken out", "flowEmitter.flowServerUrl: where", flowServerUrl=None),
    case("port too high", "flowEmitter.flowServerUrl: expected a port", flowServerUrl="https://a:65536/b"),
    case("port zero", "flowEmitter.flowServerUrl: expected a port", flowServerUrl="https://a:0"),
    case("region key too long", "flowEmitter.regionKey: expected at most 253", regionKey="r" * 254),
    case("control character beyond ascii", "flowEmitter.regionKey", "control", regionKey="a\x85b"),
    case("a section taken out", "leaderElection", leaderElection=None),
    case("no time for a post", "postTimeout", postTimeout="0s"),
    case("comparing without a pause", "resyncInterval", resyncInterval="0m0s"),
    case(
        "a daemon set that recreates",
        "flowEmitter.updateStrategy.type: a DaemonSet has no Recreate",
        updateStrategy={"type": "Recreate"},
    ),
    case(
        "a deployment that waits for deletions",
        "flowEmitter.updateStrategy.type: a Deployment has no OnDelete",
        kind="Deployment",
        updateStrategy={"type": "OnDelete"},
    ),
    case("a strategy misspelt", "updateStrategy", updateStrategy={"type": "Rolling"}),
]


def refusal_of(helm: Helm, chart: Path, values: Values) -> str:
    with pytest.raises(Refused) as refused:
        helm.text(chart, values)
    return _with_dots(str(refused.value))


def _with_dots(words: str) -> str:
    # Helm 3 writes a value's path with dots, Helm 4 with slashes.
    return words.replace("/", ".")


@pytest.mark.parametrize("case", SERVER_CASES)
def test_the_server_chart_refuses(case: Case, helm: Helm) -> None:
    words = refusal_of(helm, SERVER, {"flowServer": {"image": TAG, **case.values}})
    for expected in case.says:
        assert _with_dots(expected) in words


@pytest.mark.parametrize("case", EMITTER_CASES)
def test_the_emitter_chart_refuses(case: Case, helm: Helm) -> None:
    words = refusal_of(helm, EMITTER, {"flowEmitter": {**EMITTER_BASE, **case.values}})
    for expected in case.says:
        assert _with_dots(expected) in words


def test_the_bases_of_the_refused_values_are_good(helm: Helm) -> None:
    assert helm.render(SERVER, {"flowServer": {"image": TAG}})
    assert helm.render(EMITTER, {"flowEmitter": EMITTER_BASE})


def test_everything_that_is_missing_is_said_in_one_message(helm: Helm) -> None:
    words = refusal_of(helm, EMITTER, {})
    assert [line.split(":")[0].strip() for line in words.splitlines() if line.startswith("  - ")] == [
        "- flowEmitter.image.tag",
        "- flowEmitter.flowServerUrl",
        "- flowEmitter.flowId",
        "- flowEmitter.regionKey",
    ]
    words = refusal_of(
        helm,
        SERVER,
        {"flowServer": {"httproute": {"enabled": True}, "auth": {"mode": "none", **_issuer()}}},
    )
    assert words.count("\n  - ") == 6


def test_what_is_disabled_is_not_asked_for_anything(helm: Helm) -> None:
    assert helm.render(SERVER, {"flowServer": {"enabled": False}}) == []
    assert helm.render(EMITTER, {"flowEmitter": {"enabled": False}}) == []


def test_helm_3_refuses_too(helm3: Helm) -> None:
    assert "flowEmitter.regionKey" in refusal_of(helm3, EMITTER, {})
    assert "replicas" in refusal_of(helm3, SERVER, {"flowServer": {"image": TAG, "replicas": 2}})
    assert "replicaz" in refusal_of(helm3, SERVER, {"flowServer": {"image": TAG, "replicaz": 2}})
