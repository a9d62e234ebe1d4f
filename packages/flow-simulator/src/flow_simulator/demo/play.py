"""The demo from its first line to its last: everything that is started here is ended here.

One process group: this process with the simulated regions, `python -m flow_server`, and one
`python -m flow_adapter_flux` for each region. Ctrl-C and SIGTERM end it with status 0.
"""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import quote

from flow_simulator.demo.options import Options, options_from
from flow_simulator.demo.processes import ChildEnded, Children

if TYPE_CHECKING:
    from flow_simulator.flux.driver import FluxDriver
    from flow_simulator.kubernetes import SimulatedCluster

LISTENING_WITHIN_S = 30.0
WATCHED_WITHIN_S = 30.0
SAID_AFTER_S = 1.2
"""The address is printed when somebody listens there, and after this long at the latest."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo until it is told to stop; status 1 when a part of it ends by itself."""
    options = options_from(arguments)
    try:
        asyncio.run(_until_stopped(options))
    except ChildEnded as error:
        sys.stderr.write(f"flow-demo: {error}\n")
        raise SystemExit(1) from error
    except OSError as error:
        sys.stderr.write(f"flow-demo: port {options.port}: {error.strerror}\n")
        raise SystemExit(1) from error


async def _until_stopped(options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    playing = loop.create_task(_play(options))
    stopping = loop.create_task(stop.wait())
    await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not playing.done():
        _say("stopping")
        playing.cancel()
    # Ctrl-C reaches the children too: one that ends before us has done as it was told.
    with suppress(asyncio.CancelledError, *([ChildEnded] if stop.is_set() else [])):
        await playing


async def _play(options: Options) -> None:
    with TemporaryDirectory(prefix="flow-demo-") as name:
        folder = Path(name)
        children = Children(folder)
        try:
            url = options.server or await _start_server(children, options)
            if options.server:
                _say_page(url, options)
            async with asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
                await _start_regions(tasks, stack, children, options, folder=folder, url=url)
                await children.first_to_end()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            # A second Ctrl-C or a cancelled task must not leave children behind.
            await asyncio.shield(children.stop())


async def _start_server(children: Children, options: Options) -> str:
    """Start a flow server, print the page's address, and give its URL as soon as somebody listens there."""
    port = _free_port(options.port)
    address = f"127.0.0.1:{port}"
    await children.start("server", "flow_server", {"FLOW_SERVER_LISTEN_ADDR": address})
    ended = asyncio.ensure_future(children.first_to_end())
    try:
        began, said = time.monotonic(), False
        while time.monotonic() < began + LISTENING_WITHIN_S:
            listening = await _somebody_listens(port)
            if not said and (listening or time.monotonic() > began + SAID_AFTER_S):
                _say_page(f"http://{address}", options)
                said = True
            if listening:
                return f"http://{address}"
            await asyncio.wait({ended}, timeout=0.02)
            if ended.done():
                await ended
        raise ChildEnded("server", -1, f"nobody listened on {address} within {LISTENING_WITHIN_S:g} s")
    finally:
        ended.cancel()


async def _start_regions(
    tasks: asyncio.TaskGroup,
    stack: AsyncExitStack,
    children: Children,
    options: Options,
    *,
    folder: Path,
    url: str,
) -> None:
    # Imported only now: the address is on the screen before the simulator is loaded.
    from flow_simulator.demo.progress import show_progress
    from flow_simulator.flux.driver import FluxDriver
    from flow_simulator.kubernetes import SimulatedCluster
    from flow_simulator.regions import planned_regions

    clusters: dict[str, SimulatedCluster] = {}
    for region in planned_regions(options.regions, seed=options.seed):
        cluster = SimulatedCluster(seed=region.plan.seed)
        clusters[region.key] = await stack.enter_async_context(cluster)
        config = cluster.kubeconfig(folder / f"kubeconfig-{len(clusters)}", token=cluster.namespace_token)
        await children.start(
            f"adapter-{len(clusters)}",
            "flow_adapter_flux",
            {
                "FLOW_SERVER_URL": url,
                "FLOW_ID": options.flow,
                "REGION_KEY": region.key,
                "KUBECONFIG": str(config),
                "HEALTH_LISTEN_ADDR": "127.0.0.1:0",
            },
        )
        driver = FluxDriver(cluster, region.plan, speed=options.speed, now=time.time)
        tasks.create_task(_run_once_watched(driver, cluster))
    tasks.create_task(show_progress(clusters))


async def _run_once_watched(driver: "FluxDriver", cluster: "SimulatedCluster") -> None:
    """Begin when the adapter looks: on a slow machine half of the bootstrap would be over before it does."""
    with suppress(TimeoutError):
        async with asyncio.timeout(WATCHED_WITHIN_S):
            await cluster.until_watched()
    await driver.run()


async def _somebody_listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _say_page(url: str, options: Options) -> None:
    _say(f"Page: {url}/?flow={quote(options.flow, safe='')}")


def _free_port(wanted: int) -> int:
    """The port to take; 0: one that is free now. Raises OSError when the wanted one is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", wanted))
        return probe.getsockname()[1]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
