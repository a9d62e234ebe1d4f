"""A bootstrap of three regions, from nothing to the end."""

from pathlib import Path

from .installation import BOOTSTRAP_S, installed


async def test_a_bootstrap_of_three_regions_ends_with_the_server_equal_to_the_clusters(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, speed=150.0) as installation:
        await installation.new_reader("second page")
        await installation.played_until(BOOTSTRAP_S)
        installation.set_speed(0)
        await installation.equal()
        statuses = [
            release["status"]["conditions"][-1]["type"]
            for cluster in installation.clusters.values()
            for release in cluster.objects()
            if release.get("status", {}).get("conditions")
        ]
        assert len(statuses) > 150, "the bootstrap has hardly begun"
        assert [str(finding) for finding in await installation.findings()] == []
