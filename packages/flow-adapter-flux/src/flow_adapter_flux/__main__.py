"""`flow-adapter-flux`: reads the settings, serves health, works until it is told to stop.

Exit status 0 after SIGTERM or SIGINT, 2 when a setting or the Kubernetes configuration is missing or bad.
"""

import asyncio
import logging
import os
import signal
import sys
from socket import socket
from typing import NoReturn

import structlog

from flow_adapter_flux.health import HealthApp, HealthServer
from flow_adapter_flux.kubernetes.connection import (
    ClusterConfig,
    ConfigurationError,
    Connection,
    configuration,
)
from flow_adapter_flux.metrics import Metrics
from flow_adapter_flux.service import Service
from flow_adapter_flux.settings import Settings, settings_from
from flow_contract.service.environment import SettingError
from flow_contract.service.listening import listening_socket
from flow_contract.service.logs import configure_logs

BAD_SETTING = 2
"""Exit status when the process cannot start as configured."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def main() -> None:
    """Run until stopped; leaves the process."""
    configure_logs()
    for talkative in ("httpx", "httpx2", "httpcore", "httpcore2"):
        logging.getLogger(talkative).setLevel(logging.WARNING)  # a line per request says nothing here
    try:
        settings = settings_from(os.environ)
        config = configuration()
        Connection(config)  # reads certificates and keys: a bad one stops the start
        listener = listening_socket(settings.health_listen_addr)
    except SettingError as error:
        _refuse(str(error))
    except ConfigurationError as error:
        _refuse(f"KUBECONFIG: expected a Kubernetes configuration, or to run in a cluster: {error}")
    except OSError as error:
        _refuse(f"HEALTH_LISTEN_ADDR: expected an address that is free: {error}")
    asyncio.run(run(settings, config, listener))


def _refuse(problem: str) -> NoReturn:
    sys.stderr.write(f"flow-adapter-flux: {problem}\n")
    sys.exit(BAD_SETTING)


async def run(settings: Settings, config: ClusterConfig, listener: socket) -> None:
    """Serve health and work until a signal; what is in flight is finished."""
    metrics = Metrics()
    loop = asyncio.get_running_loop()
    service = Service(settings, config, metrics)
    health = HealthServer(HealthApp(silence_s=service.silence_s, metrics=metrics))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    serving = asyncio.create_task(health.serve(sockets=[listener]))
    working = asyncio.create_task(service.run())
    stopping = asyncio.create_task(stopped.wait())
    log.info(
        "started",
        flow=settings.flow_id,
        region=settings.region_key,
        server=settings.flow_server_url,
        namespace=settings.namespace_filter or "all",
        health=listener.getsockname()[:2],
    )
    await asyncio.wait({serving, working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    for task in (working, stopping):
        task.cancel()
    await asyncio.gather(working, stopping, return_exceptions=True)
    health.should_exit = True
    await serving
    if not working.cancelled():
        working.result()  # work ends only by cancellation; anything else is a fault that must be seen
    log.info("stopped")


if __name__ == "__main__":
    main()
