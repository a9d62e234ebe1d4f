"""`flow-server`: read the settings, open the store, serve until a signal."""

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog
import uvloop

from flow_contract.service.environment import SettingError
from flow_contract.service.listening import listening_socket
from flow_contract.service.logs import configure_logs
from flow_server.core.grants import GrantsFileError
from flow_server.http.access_log import AccessLog
from flow_server.http.app import create_app
from flow_server.hub import Hub
from flow_server.serving.server import Server, stopping_at_signals
from flow_server.settings import Settings, settings_from
from flow_server.store import Store, StoreError
from flow_server.store.memory import MemoryStore
from flow_server.store.settings import MemorySettings, NatsSettings, SqliteSettings
from flow_server.store.sqlite import SqliteStore
from flow_server.store.sqlite.command import add_store_actions

if TYPE_CHECKING:  # what reads grants brings cryptography along, which an open server does without
    from flow_server.access.authority import Authority

BAD_SETTING = 2
"""Exit status when a setting is missing or bad."""

CANNOT_START = 1
"""Exit status when the address or the store is not to be had."""

COLLECT_EVERY = (10_000, 2, 2)
"""New objects until cycles among them are looked for. At Python's 700 that is once for a dozen requests, and
finds them all alive when they wait for the disk: 8 % of the server's time. Connections do leave cycles, so
the older generations come sooner in return."""

log = structlog.get_logger("flow_server")


def store_of(settings: Settings) -> Store:
    """The store that the settings name. Raises `StoreError` when its library is not installed."""
    match settings.store:
        case MemorySettings():
            return MemoryStore(now_us=lambda: time.time_ns() // 1000)
        case SqliteSettings(path=path):
            return SqliteStore(path, now_us=lambda: time.time_ns() // 1000)
        case NatsSettings():
            try:
                from flow_server.store.nats import NatsStore
            except ModuleNotFoundError as error:
                raise StoreError(f"FLOW_SERVER_STORE=nats needs flow-server[nats]: {error}") from error
            return NatsStore(settings.store)


def authority_of(settings: Settings) -> "Authority | None":
    """Who knows the grants; `None`, and one loud line, when there is no grants file."""
    if settings.auth_file is None:
        log.warning("no FLOW_SERVER_AUTH_FILE: everybody who reaches this server may read, write and delete")
        return None
    from flow_server.access.authority import Authority

    authority = Authority(settings.auth_file)
    authority.load()
    return authority


@asynccontextmanager
async def keeping_current(authority: "Authority | None") -> AsyncGenerator[None]:
    """Follow the grants file and the issuers' keys in the background."""
    if authority is None:
        yield
        return
    following = asyncio.create_task(authority.keep_current(), name="follow the grants file")
    try:
        yield
    finally:
        following.cancel()


async def serve(settings: Settings) -> None:
    """Serve until a stop signal. Raises OSError (the address) and `StoreError`."""
    for variable in settings.unknown:
        log.warning("unknown setting", variable=variable)
    hub = Hub(
        store_of(settings),
        bounds=settings.ring,
        limits=settings.limits,
        heartbeat_s=settings.heartbeat_s,
    )
    authority = authority_of(settings)
    access_log = AccessLog(settings.access_log)
    app = create_app(
        hub,
        bounds=settings.ingest,
        prefix=settings.path_prefix,
        frame_ancestors=settings.frame_ancestors,
        metrics_open=settings.metrics_open,
        cors_origins=settings.cors_origins,
        trusted_proxies=settings.trusted_proxies,
        authority=authority,
        access_log=access_log,
    )
    if authority is not None:
        from flow_server.access.gate import Gate

        app = Gate(app, authority)
    server = Server(
        app,
        on_stop=hub.stop,
        grace_s=settings.stop_grace_s,
        rejected=hub.stats.rejected,
        access_log=access_log,
    )
    with stopping_at_signals(server):
        async with hub.running(), keeping_current(authority):
            listener = listening_socket(
                settings.listen, backlog=4096, send_buffer_bytes=settings.send_buffer_bytes
            )
            _collect_less()
            with listener:
                host, port = listener.getsockname()[:2]
                log.info("listening", host=host, port=port, store=settings.store.name, epoch=hub.store.epoch)
                await server.serve_at(listener)
    log.info("stopped")


def _collect_less() -> None:
    """Look for cycles among what requests make, and leave out what there is since the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_EVERY)


def run_server() -> int:
    """Serve by the environment's settings; 0 after a stop signal, also one while the store opens."""
    try:
        settings = settings_from(os.environ)
    except SettingError as error:
        sys.stderr.write(f"flow-server: {error}\n")
        return BAD_SETTING
    configure_logs(log_format=settings.log_format)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its start and stop are ours to tell
    try:
        uvloop.run(serve(settings))
    except asyncio.CancelledError:
        log.info("stopped before the store was open")
    except (OSError, StoreError, GrantsFileError) as error:
        log.error("cannot start", problem=str(error))
        return CANNOT_START
    return 0


def print_new_token(chosen: argparse.Namespace) -> int:
    """Print a new token, and the line that lets it read everything."""
    from flow_server.access.tokens import new_token

    token, digest = new_token()
    name = json.dumps(chosen.name)
    sys.stdout.write(
        f"token (shown once, the server keeps only its hash):\n{token}\n\n"
        f'line for the grants file, below "tokens:":\n  - {{name: {name}, sha256: "{digest}", read: ["*"]}}\n'
    )
    return 0


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: without a word it serves; the words are for operators."""
    parser = argparse.ArgumentParser(
        prog="flow-server", description="Serve flows; all settings are FLOW_SERVER_… variables."
    )
    commands = parser.add_subparsers(metavar="COMMAND")
    token = commands.add_parser("token", help="make a token and its line for the grants file")
    token.add_argument("name", metavar="NAME", help="who will hold it")
    token.set_defaults(run=print_new_token)
    add_store_actions(commands.add_parser("store", help="look after the file of the sqlite store"))
    chosen = parser.parse_args(arguments)
    sys.exit(chosen.run(chosen) if "run" in chosen else run_server())


if __name__ == "__main__":
    main()
