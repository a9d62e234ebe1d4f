"""Tokens in a file of their own, which the grants file names: a Secret beside a ConfigMap."""

from pathlib import Path

import pytest

from flow_server.access.authority import Authority
from flow_server.access.jwts import Refused
from flow_server.access.tokens import new_token
from flow_server.core.grants import GrantsFileError


def _line(name: str, digest: str) -> str:
    return f'  - {{name: {name}, sha256: "{digest}", read: ["*"]}}\n'


async def _name(authority: Authority, token: str) -> str:
    return (await authority.principal([f"Bearer {token}".encode()])).name


async def test_tokens_of_both_files_are_known_and_a_change_of_either_is_seen(tmp_path: Path) -> None:
    (here, here_digest), (there, there_digest), (later, later_digest) = (new_token() for _ in range(3))
    grants, tokens = tmp_path / "auth.yaml", tmp_path / "tokens.yaml"
    grants.write_text(f"tokens_file: {tokens}\ntokens:\n{_line('here', here_digest)}")
    tokens.write_text(f"tokens:\n{_line('there', there_digest)}")
    authority = Authority(grants)
    authority.load()
    assert [await _name(authority, here), await _name(authority, there)] == ["here", "there"]
    version = authority.version

    await authority.look()
    assert authority.version == version

    tokens.write_text(f"tokens:\n{_line('later', later_digest)}")
    await authority.look()
    assert authority.version == version + 1
    assert await _name(authority, later) == "later"
    with pytest.raises(Refused):
        await _name(authority, there)


async def test_a_bad_new_version_of_the_tokens_is_refused_and_the_old_ones_stay(tmp_path: Path) -> None:
    token, digest = new_token()
    grants, tokens = tmp_path / "auth.yaml", tmp_path / "tokens.yaml"
    grants.write_text(f"tokens_file: {tokens}\n")
    tokens.write_text(f"tokens:\n{_line('night-shift', digest)}")
    authority = Authority(grants)
    authority.load()
    for number, broken in enumerate(("tokens: [", "[]", "tokens: [{name: x}]", "grants: []"), start=1):
        tokens.write_text(broken)
        await authority.look()
        assert authority.reload_errors == number
        assert await _name(authority, token) == "night-shift"


def test_a_tokens_file_that_is_not_there_stops_the_start_and_is_named(tmp_path: Path) -> None:
    grants = tmp_path / "auth.yaml"
    grants.write_text("tokens_file: /nowhere/tokens.yaml\n")
    with pytest.raises(GrantsFileError, match=r"/nowhere/tokens\.yaml: No such file"):
        Authority(grants).load()
