"""The grants that the chart writes, at work: whom a token makes of its bearer, and what they may."""

import asyncio
import json
from pathlib import Path

import pytest

from .helm import NAMESPACE, SERVER, Helm
from .identities import Authority, ClusterIdentity, key_endpoint
from .manifests import environment, workload
from .pods import PATIENCE_S, Node, lay_out

authority = pytest.importorskip("flow_server.access.authority", reason="this flow-server reads no grants")


async def test_each_clusters_emitter_writes_its_region_and_a_reader_reads(helm: Helm, tmp_path: Path) -> None:
    clusters = {name: ClusterIdentity(name) for name in ("fsn1", "hel1", "stranger")}
    auth = {
        "kubernetes": {"emitter": {"regionKey": "fsn1"}},
        "issuers": [{"name": "hel1", "regionKey": "hel1", "jwks": json.dumps(clusters["hel1"].jwks())}],
    }
    manifests = helm.render(SERVER, {"flowServer": {"image": {"tag": "0.1.0"}, "auth": auth}})
    spec = workload(manifests)["spec"]["template"]["spec"]
    trusted = Authority()
    async with key_endpoint(clusters["fsn1"], trusted.server_context(tmp_path)) as api_server:
        node = Node(
            identity=clusters["fsn1"],
            authority=trusted,
            folder=tmp_path,
            addresses={"https://kubernetes.default.svc": api_server},
        )
        paths = lay_out(spec, manifests, node, tmp_path / "root", NAMESPACE)
        folder, _, file = environment(manifests)["FLOW_SERVER_AUTH_FILE"].rpartition("/")
        grants = authority.Authority(Path(paths[folder]) / file)
        grants.load()
        keeping = asyncio.create_task(grants.keep_current())
        try:

            async def may(cluster: str, account: str, audience: str = "flow-server") -> object:
                token = clusters[cluster].token(
                    namespace=NAMESPACE, account=account, audience=audience, seconds=600
                )
                try:
                    principal = await grants.principal([f"Bearer {token}".encode()])
                except authority.Refused:
                    return "refused"
                return [(grant.read, grant.publish, grant.own, grant.nodes) for grant in principal.grants]

            async with asyncio.timeout(PATIENCE_S):
                everything = ("*",)
                writes = (everything, everything, ())
                assert await may("fsn1", "openova-flow-emitter") == [(*writes, ("fsn1", "fsn1/*"))]
                assert await may("hel1", "openova-flow-emitter") == [(*writes, ("hel1", "hel1/*"))]
                assert await may("fsn1", "openova-flow-reader") == [(everything, (), (), None)]
                assert await may("hel1", "openova-flow-reader") == []
                assert await may("fsn1", "default") == []
                assert await may("fsn1", "openova-flow-emitter", audience="kubernetes") == "refused"
                assert await may("stranger", "openova-flow-emitter") == "refused"
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
