"""One simulated region as a process of its own: `python -m flow_simulator --kubeconfig FILE`.

The first line on standard output is JSON: `{"url", "token", "adminToken", "control", "kubeconfig"}`. Faults
and the clock are then given to the control API. SIGINT and SIGTERM end it with status 0.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from flow_simulator.control import serving_control
from flow_simulator.flux.driver import FluxDriver
from flow_simulator.kubernetes import SimulatedCluster
from flow_simulator.regions import planned_regions


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one region until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m flow_simulator", description=__doc__)
    parser.add_argument(
        "--speed", type=float, default=1.0, help="Flux's seconds in a real one; 0: no Flux yet"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kubeconfig", type=Path, help="where to write a kubeconfig file")
    options = parser.parse_args(arguments)
    asyncio.run(_run(speed=options.speed, seed=options.seed, kubeconfig=options.kubeconfig))


async def _run(*, speed: float, seed: int, kubeconfig: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    (region,) = planned_regions(("region",), seed=seed)
    async with SimulatedCluster(seed=seed) as cluster:
        flux = FluxDriver(cluster, region.plan, speed=speed, now=time.time)
        playing = loop.create_task(flux.run())
        async with serving_control(cluster, flux) as control:
            if kubeconfig is not None:
                cluster.kubeconfig(kubeconfig)
            where = {
                "url": cluster.url,
                "token": cluster.token,
                "adminToken": cluster.admin_token,
                "control": control,
                "kubeconfig": str(kubeconfig) if kubeconfig else None,
            }
            sys.stdout.write(msgspec.json.encode(where).decode() + "\n")
            sys.stdout.flush()
            stopping = loop.create_task(stop.wait())
            await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)


if __name__ == "__main__":
    main()
