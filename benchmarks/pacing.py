"""Four processes ask for slots to one host through one Redis: what the host sees.

The host is a socket; the kernel notes when each datagram arrived, so that how late this process is told does not
matter. The smallest gap must not fall below delay - jitter, and hardly any of the allowed rate may be lost.
"""

import asyncio
import socket
import struct
import time
from contextlib import ExitStack
from itertools import pairwise
from typing import Final

import redis

from benchmarks.common import Result, child, compared, median
from benchmarks.house import House

PROCESSES: Final = 4
DELAY: Final = 0.05
JITTER: Final = 0.02
SECONDS: Final = 15.0
LEAVE_OUT: Final = 1.0
"""Seconds at the start, while the processes come up one after the other."""
RATE_AT_LEAST: Final = 0.95
SO_TIMESTAMPNS: Final = 35
"""Of Linux; Python has no name for it."""


async def run(house: House) -> list[Result]:
    assert house.endpoints.redis_url
    with redis.Redis.from_url(house.endpoints.redis_url) as client:
        client.delete("pace:paced.invalid", "breaker:paced.invalid")
    with ExitStack() as stack:
        site = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        site.bind(("127.0.0.1", 0))
        site.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        site.settimeout(1.0)
        numbers = [str(number) for number in (site.getsockname()[1], DELAY, JITTER, SECONDS)]
        command = ["benchmarks.floors.paced", house.endpoints.redis_url, *numbers]
        processes = [stack.enter_context(child(command, log=house.folder / "paced.log")) for _ in range(PROCESSES)]
        arrivals = await asyncio.to_thread(_arrivals, site)
        assert all(process.wait(10) == 0 for process in processes), "a paced process failed"
    counted = [arrival for arrival in arrivals if arrival >= arrivals[0] + LEAVE_OUT]
    gaps = [later - earlier for earlier, later in pairwise(counted)]
    allowed = 1 / DELAY
    below = sum(gap < DELAY - JITTER for gap in gaps)
    return [
        compared(
            "pacing_smallest_gap", min(gaps) * 1000, "ms", (DELAY - JITTER) * 1000, at_least=1.0,
            note=f"{PROCESSES} processes, {DELAY:g} ± {JITTER:g} s; {below} of {len(gaps)} gaps below; "
            f"median {median(gaps) * 1000:.0f} ms, longest {max(gaps) * 1000:.0f} ms",
        ),
        compared(
            "pacing_rate", len(gaps) / (counted[-1] - counted[0]), "requests/s", allowed, at_least=RATE_AT_LEAST,
            note="floor: what the delay allows",
        ),
    ]  # fmt: skip


def _arrivals(site: socket.socket) -> list[float]:
    """When the kernel got each datagram, in seconds, until none comes any more."""
    arrivals: list[float] = []
    give_up = time.monotonic() + SECONDS + 30
    while time.monotonic() < give_up:
        try:
            _, ancillary, _, _ = site.recvmsg(16, 64)
        except TimeoutError:
            if arrivals:
                break
            continue
        seconds, nanoseconds = struct.unpack("@ll", ancillary[0][2])
        arrivals.append(seconds + nanoseconds / 1e9)
    return arrivals
