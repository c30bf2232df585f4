"""Workers, which scrape, relay and send, killed at random while people play: every change is told, once a channel.

CHAOS_SECONDS says how long (10); a webhook may come more than once, under one id.
"""

import asyncio
import os
import random

from tests.integration.faults.harness import Stage, WorkerProcess
from tests.integration.faults.notifying import (
    SETTINGS,
    Receiver,
    assert_told_once,
    everything_settled,
    give_channels,
    play_on,
)

SECONDS = float(os.environ.get("CHAOS_SECONDS", "10"))


async def kill_now_and_then(stage: Stage, rng: random.Random, until: float) -> int:
    """Workers die without a word, and others take their places; how many died."""
    loop = asyncio.get_running_loop()
    workers: list[WorkerProcess] = [stage.worker(**SETTINGS) for _ in range(2)]
    killed = 0
    while loop.time() < until:
        await asyncio.sleep(rng.uniform(0.6, 1.6))  # the plan of deaths: they come at any moment
        victim = rng.randrange(len(workers))
        workers[victim].kill()
        workers[victim] = stage.worker(**SETTINGS)
        killed += 1
    return killed


async def test_whoever_dies_every_change_is_told_once_a_channel(stage: Stage) -> None:
    rng = random.Random(7)  # noqa: S311 -- a plan of deaths, not a secret
    receiver = Receiver(rng)
    async with receiver.listening() as address:
        channels = await give_channels(stage, address)
        until = asyncio.get_running_loop().time() + SECONDS
        _, killed = await asyncio.gather(play_on(stage, rng, until), kill_now_and_then(stage, rng, until))
        assert killed >= SECONDS / 3
        await everything_settled(stage)
    await assert_told_once(stage, channels, receiver)
