"""The bootstrap graph as data."""

from flow_simulator.flux.kit import bootstrap_kit
from flow_simulator.flux.roles import Role


def test_the_kit_is_67_releases_with_116_edges_on_11_levels() -> None:
    kit = {release.name: release for release in bootstrap_kit()}
    assert len(kit) == 67
    assert sum(len(release.depends_on) for release in kit.values()) == 116

    def level(name: str) -> int:
        return 1 + max((level(dependency) for dependency in kit[name].depends_on), default=0)

    assert max(map(level, kit)) == 11


def test_each_role_suspends_its_own_releases_and_nothing_depends_on_them() -> None:
    kit = bootstrap_kit()
    suspended = {role: {r.name for r in kit if r.suspended(role)} for role in Role}
    assert suspended[Role.PRIMARY] == {"bp-catalyst-secondary-edge"}
    assert suspended[Role.SECONDARY] == {"bp-self-sovereign-cutover", "bp-openova-mcp", "bp-continuum"}
    needed = {name for release in kit for name in release.depends_on}
    assert not needed & (suspended[Role.PRIMARY] | suspended[Role.SECONDARY])
