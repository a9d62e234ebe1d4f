"""A bootstrap of three regions, from nothing to the end."""

import json
from collections import Counter
from pathlib import Path

from flow_simulator.checker import flow_url

from .installation import BOOTSTRAP_S, FLOW, installed

RELEASES = 67


async def test_a_bootstrap_of_three_regions_ends_with_the_server_equal_to_the_clusters(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, speed=150.0) as installation:
        await installation.new_reader("second page")
        await installation.played_until(BOOTSTRAP_S)
        installation.set_speed(0)
        await installation.equal()
        assert [str(finding) for finding in await installation.findings()] == []

        answer = await installation.client.get(f"{flow_url(installation.server.url, FLOW)}/snapshot")
        nodes = [node for node in json.loads(answer.text)["nodes"] if node.get("family") != "region"]
        regions = Counter(node["region"] for node in nodes if "region" in node)
        statuses = Counter(node["status"] for node in nodes)
        assert regions == dict.fromkeys(installation.clusters, RELEASES)
        assert statuses["failed"] == 1, "the script has one release that fails for good"
        assert statuses["succeeded"] > 2.5 * RELEASES
