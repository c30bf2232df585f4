"""Milliseconds that all gauges of a scrape cost with a million targets, nine of ten of them due, beside ten thousand.

Each statement reads a bounded number of rows, so that a scraper cannot hurt; what is measured is what PostgreSQL and
Redis are asked, by the product's own readers.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Final

from app.container import running_app
from benchmarks.common import Result, compared, interleaved, median, spread
from benchmarks.dispatch_claim import FILL
from benchmarks.house import House, connect

SIZES: Final = (10_000, 1_000_000)
EVENTS: Final = """
INSERT INTO outbox_events (id, event, aggregate, payload, occurred_at, position, relayed_at)
SELECT uuidv7(), 'thing.moved', 'thing:' || n, '{{}}', now(), CASE WHEN n % 20 > 0 THEN n END,
       CASE WHEN n % 20 > 0 THEN now() END
FROM generate_series(1, {size} / 2) AS n
"""
ROUNDS: Final = 15
AT_MOST: Final = 6.0
"""Of ten thousand all are counted; of a million as many a priority, and two and a half times as many are sampled."""


async def run(house: House) -> list[Result]:
    async with AsyncExitStack() as stack:
        reading = {str(size): await _reading(stack, house, size) for size in SIZES}
        times = await interleaved(reading, rounds=1 + ROUNDS)
    few, many = (times[str(size)][1:] for size in SIZES)
    return [
        compared(
            "gauges_1m", median(many), "ms", median(few), at_most=AT_MOST,
            note=f"of {SIZES[-1]:,} targets; floor: of {SIZES[0]:,}; {spread(many, few)}",
        )
    ]  # fmt: skip


async def _reading(stack: AsyncExitStack, house: House, size: int) -> Callable[[], Awaitable[float]]:
    """A database of so many targets, and all gauges read once; the milliseconds of it."""
    url = await house.new_database(f"bench_gauges_{size}")
    connection: Any = await connect(url)
    stack.push_async_callback(connection.close)
    for statement in (*FILL, EVENTS, "VACUUM ANALYZE outbox_events"):
        await connection.execute(statement.format(size=size).replace("'bench'", "'games'"))
    container = await stack.enter_async_context(running_app(house.container(house.environ(url))))
    readers = [container.source_gauges(), container.events.gauges(), container.notifications.gauges()]

    async def read() -> float:
        started = time.perf_counter()
        found = [reading for reader in readers for reading in await reader.read()]
        seconds = time.perf_counter() - started
        assert any(reading.gauge.name == "trackers_targets_due" and reading.value for reading in found)
        return seconds * 1000

    return read
