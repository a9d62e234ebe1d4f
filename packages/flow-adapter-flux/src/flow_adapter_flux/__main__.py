"""`flow-adapter-flux`: reads the settings, serves health, works until it is told to stop.

Exit status 0 after SIGTERM or SIGINT, 2 when a setting or the Kubernetes configuration is missing or bad.
"""

import asyncio
import logging
import math
import os
import signal
import sys
from socket import socket

import structlog
from lightkube import SingleConfig

from flow_adapter_flux.health import HealthApp, HealthServer
from flow_adapter_flux.kubernetes.connection import ConfigurationError, configuration
from flow_adapter_flux.metrics import Metrics
from flow_adapter_flux.service import speak
from flow_adapter_flux.settings import Settings, settings_from
from flow_adapter_flux.vitals import Vitals
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
        listener = listening_socket(settings.health_listen_addr)
    except SettingError as error:
        log.critical("bad setting", problem=str(error))
        sys.exit(BAD_SETTING)
    except ConfigurationError as error:
        log.critical(
            "bad Kubernetes configuration, KUBECONFIG names none that can be used", problem=str(error)
        )
        sys.exit(BAD_SETTING)
    except OSError as error:
        log.critical("cannot listen, see HEALTH_LISTEN_ADDR", problem=str(error))
        sys.exit(BAD_SETTING)
    asyncio.run(run(settings, config, listener))


async def run(settings: Settings, config: SingleConfig, listener: socket) -> None:
    """Serve health and work until a signal; what is in flight is finished."""
    metrics = Metrics()
    loop = asyncio.get_running_loop()
    vitals = Vitals(loop.time)
    health = HealthServer(HealthApp(silence_s=vitals.age_s, metrics=metrics))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    serving = asyncio.create_task(health.serve(sockets=[listener]))
    working = asyncio.create_task(
        speak(settings, config, metrics=metrics, vitals=vitals, voice_s=lambda: math.inf)
    )
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
