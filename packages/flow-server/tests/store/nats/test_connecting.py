"""How the servers are reached: encrypted, with credentials, and with clear errors when they are not."""

import asyncio
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from flow_server.hub import Hub
from flow_server.store import StoreError
from flow_server.store.nats import NatsStore
from flow_server.store.nats import store as nats_store
from flow_server.store.settings import NatsSettings
from flow_simulator.nats_servers import NatsServer, free_port, nats_server

from ...real_server import until
from ..sites import node, nodes_of
from .accounts import Accounts
from .certificates import Certificates


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls_server(tmp_path: Path, certificates: Certificates) -> Generator[NatsServer]:
    """Asks clients for certificates, and shows its own."""
    config = (
        f'tls {{ cert_file: "{certificates.server}", key_file: "{certificates.server_key}", '
        f'ca_file: "{certificates.authority}", verify: true }}'
    )
    with nats_server(tmp_path, more=config) as server:
        yield server


@pytest.fixture
def account_server(tmp_path: Path) -> Generator[tuple[NatsServer, Accounts]]:
    """Lets in only users of one account."""
    accounts = Accounts(tmp_path)
    with nats_server(tmp_path, more=accounts.server_config) as server:
        yield server, accounts


async def served(settings: NatsSettings) -> None:
    """Start on these settings, write and read."""
    async with Hub(NatsStore(settings)).running() as hub:
        await hub.ingest("f", [node("a")])
        assert nodes_of(hub, "f") == [("a", "running")]


def settings_for(server: NatsServer) -> NatsSettings:
    return NatsSettings(urls=(server.url,), replicas=1)


async def test_with_certificates_both_sides_trust_each_other(
    tls_server: NatsServer, certificates: Certificates
) -> None:
    settings = replace(
        settings_for(tls_server),
        ca_file=certificates.authority,
        cert_file=certificates.client,
        key_file=certificates.client_key,
    )
    await served(settings)
    await served(replace(settings, urls=(tls_server.url.replace("nats://", "tls://"),)))


async def test_a_server_that_another_authority_vouches_for_is_refused(
    tls_server: NatsServer, certificates: Certificates, tmp_path: Path
) -> None:
    other = Certificates(tmp_path / "other")
    settings = replace(
        settings_for(tls_server),
        ca_file=other.authority,
        cert_file=certificates.client,
        key_file=certificates.client_key,
    )
    with pytest.raises(StoreError, match=r"refused us: .*certificate verify failed"):
        await served(settings)


async def test_a_server_that_offers_no_encryption_is_refused(
    nats: NatsServer, certificates: Certificates
) -> None:
    for settings in (
        replace(settings_for(nats), ca_file=certificates.authority),
        replace(settings_for(nats), urls=(nats.url.replace("nats://", "tls://"),)),
    ):
        with pytest.raises(StoreError, match="expected TLS, the server offers none"):
            await served(settings)


async def test_files_that_cannot_be_used_are_named(
    nats: NatsServer, certificates: Certificates, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    settings = settings_for(nats)
    for bad in (
        replace(settings, ca_file=tmp_path / "absent.pem"),
        replace(settings, ca_file=broken),
        replace(settings, ca_file=certificates.authority, cert_file=broken, key_file=broken),
    ):
        with pytest.raises(StoreError, match=r"cannot use the TLS files .*\.pem"):
            await served(bad)


async def test_a_user_with_credentials_is_let_in(account_server: tuple[NatsServer, Accounts]) -> None:
    server, accounts = account_server
    await served(replace(settings_for(server), creds_file=accounts.creds()))


async def test_without_credentials_or_with_those_of_another_account_the_server_refuses_us(
    account_server: tuple[NatsServer, Accounts], tmp_path: Path
) -> None:
    server, _ = account_server
    elsewhere = Accounts(tmp_path / "elsewhere").creds()
    for settings in (settings_for(server), replace(settings_for(server), creds_file=elsewhere)):
        with pytest.raises(StoreError, match=r"refused us: .*Authorization Violation"):
            await served(settings)


async def test_the_permissions_that_the_documentation_lists_are_enough(tmp_path: Path) -> None:
    page = (Path(__file__).parents[5] / "docs" / "stores.md").read_text()
    permissions = page.split("<!-- permissions -->\n```\n")[1].split("```")[0]
    user = f"{{ user: flow, password: secret, permissions: {{ {permissions} }} }}"
    with nats_server(tmp_path, more=f"authorization {{ users: [ {user} ] }}") as server:
        url = server.url.replace("nats://", "nats://flow:secret@")
        settings = NatsSettings(urls=(url,), replicas=1)
        for _ in range(2):
            async with Hub(NatsStore(settings)).running() as hub, Hub(NatsStore(settings)).running() as other:
                large = [node(f"n{number}", family="x" * 500 + str(number)) for number in range(1000)]
                accepted = await hub.ingest("f", large)
                await other.store.catch_up("f", accepted.seq)
                hub.heard("f", "emitter")
                await until(lambda: bool(list(other.last_heard("f"))))
                await hub.ingest("g", [node("a")])
                await other.delete("g")
                await other.delete("never there")
        assert "Permissions Violation" not in server.log


async def test_errors_do_not_show_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_store, "START_S", 0.5)
    with pytest.raises(StoreError) as refused:
        await served(NatsSettings(urls=(f"nats://flow:secret@127.0.0.1:{free_port()}",), replicas=1))
    assert "secret" not in str(refused.value)
    assert "nats://127.0.0.1:" in str(refused.value)


async def test_a_credentials_file_that_holds_none_is_named(nats: NatsServer, tmp_path: Path) -> None:
    absent, empty, half = tmp_path / "absent", tmp_path / "empty", tmp_path / "half"
    empty.write_text("")
    half.write_text("-----BEGIN NATS USER JWT-----\nx.y.z\n------END NATS USER JWT------\n")
    wrong = tmp_path / "wrong"
    wrong.write_text(
        half.read_text() + "-----BEGIN USER NKEY SEED-----\nSUNOTASEED\n------END USER NKEY SEED------\n"
    )
    expected = {
        absent: "cannot read the credentials file",
        empty: "expected a block NATS USER JWT, found none",
        half: "expected a block USER NKEY SEED, found none",
        wrong: "the seed is not one of a user",
    }
    for file, problem in expected.items():
        with pytest.raises(StoreError, match=problem) as refused:
            await served(replace(settings_for(nats), creds_file=file))
        assert str(file) in str(refused.value)


async def test_no_server_at_all_stops_the_start_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_store, "START_S", 0.5)
    url = f"nats://127.0.0.1:{free_port()}"
    with pytest.raises(StoreError, match=rf"no start within .*{url}"):
        await served(NatsSettings(urls=(url,), replicas=1))


async def test_a_server_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    starting = asyncio.create_task(served(settings_for(server)))
    await asyncio.sleep(0.3)
    assert not starting.done()
    server.start()
    try:
        async with asyncio.timeout(30):
            await starting
    finally:
        server.kill()


async def test_a_server_without_jetstream_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_store, "START_S", 1.0)
    with (
        nats_server(tmp_path, jetstream=False) as server,
        pytest.raises(StoreError, match="no server answers for JetStream"),
    ):
        await served(settings_for(server))
