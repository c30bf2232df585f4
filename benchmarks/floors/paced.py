"""One of the processes of `pacing`: asks the gate for slots and sends a datagram at each until told to stop."""

import random
import socket
import sys
import time

import uvloop
from redis.asyncio import Redis

from shared.scraping.pacing import HostPacer
from shared.scraping.policy import Policy


async def main(redis_url: str, port: int, delay: float, jitter: float, seconds: float) -> None:
    policy = Policy(host="paced.invalid", delay=delay, jitter=jitter)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as site:
        site.connect(("127.0.0.1", port))
        async with Redis.from_url(redis_url) as redis:
            pacer = HostPacer(redis, rng=random.Random())  # noqa: S311 -- jitter, no secret
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                await pacer.slot(policy, max_wait=60)
                site.send(b"x")


if __name__ == "__main__":
    url, *numbers = sys.argv[1:]
    port, delay, jitter, seconds = (float(number) for number in numbers)
    uvloop.run(main(url, int(port), delay, jitter, seconds))
