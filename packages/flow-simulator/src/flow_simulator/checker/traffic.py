"""Traffic for campaigns: small batches whose messages each carry a text that is there once."""

import asyncio
import itertools
import random

from flow_simulator.checker.entries import Json
from flow_simulator.checker.writer import Writer

NODES = 31
STATUSES = ("pending", "running", "succeeded", "failed")


def labelled(flow: str, node: str, label: str, status: str) -> Json:
    """An `upsert-nodes` message of one node."""
    fields = {"id": node, "flowId": flow, "label": label, "status": status}
    return {"type": "upsert-nodes", "nodes": [fields]}


async def write_batches(
    writer: Writer,
    *,
    flow: str,
    seed: int,
    stop: asyncio.Event,
    pause_s: float = 0.02,
    within_s: float = 60.0,
) -> None:
    """Post 1 to 4 messages at a time, each batch until it is answered, with up to `pause_s` between them.

    One more after `stop`, so that the last life of a server acknowledges something. Raises as
    `Writer.post_until_answered`.
    """
    draw = random.Random(seed)
    for number in itertools.count():
        is_last = stop.is_set()
        messages = [
            labelled(
                flow,
                f"n{draw.randrange(NODES)}",
                f"{writer.name}/{number}/{index}",
                draw.choice(STATUSES),
            )
            for index in range(draw.randint(1, 4))
        ]
        await writer.post_until_answered(*messages, within_s=within_s)
        if is_last:
            return
        await asyncio.sleep(draw.uniform(0.0, pause_s))
