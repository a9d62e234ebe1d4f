"""A process that takes part in an election and writes a line whenever it speaks.

`python voice.py KUBECONFIG NAME FILE`, with terms a sixth of the real ones so that a test is short.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from flow_adapter_flux.core.candidate import Terms
from flow_adapter_flux.election import Election
from flow_adapter_flux.kubernetes.connection import Connection, configuration
from flow_adapter_flux.kubernetes.lease import LeaseApi
from flow_adapter_flux.metrics import Metrics
from flow_adapter_flux.vitals import Vitals

TERMS = Terms(lease_s=3.0, voice_s=2.0, renew_s=0.4, look_s=(0.8, 1.2))


def boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


async def main(name: str, file: Path) -> None:
    async def speak(voice_s: Callable[[], float]) -> None:
        with file.open("a", buffering=1) as out:
            while True:
                if voice_s() > 0:
                    out.write(f"{time.monotonic():.4f} {name}\n")
                await asyncio.sleep(0.02)

    connection = Connection(configuration())
    election = Election(
        lease=LeaseApi(connection, name="adapter", namespace="flux-system", lease_s=TERMS.lease_s),
        identity=name,
        clock=boot_time,
        spread=random.random,
        vitals=Vitals(boot_time),
        metrics=Metrics(),
        terms=TERMS,
    )
    running = asyncio.create_task(election.run(speak))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    await asyncio.gather(running, return_exceptions=True)
    await connection.close()


if __name__ == "__main__":
    os.environ["KUBECONFIG"] = sys.argv[1]
    asyncio.run(main(sys.argv[2], Path(sys.argv[3])))
