"""What a worker holds after ten thousand scrapes, beside what it held after the first thousand.

Every body has changed, which is the most that a worker does; the load is the same from first to last: as many
targets under way at the first thousand as at the last.
"""

import asyncio
import time
from typing import Any, Final

from tests.upstreams.client import SimulatedSites

from app.container import running_app
from benchmarks.common import Result, compared, median, resident_bytes
from benchmarks.followed import SOURCE, follow
from benchmarks.house import House, connect
from shared.scraping.targets import DISPATCH

TARGETS: Final = 2_500
EARLY: Final = 1_000
LATE: Final = 10_000
AROUND: Final = 500
"""Scrapes over which a figure is taken as a median, from the one it is named by on."""
PATIENCE: Final = 90.0
AT_MOST: Final = 1.2

_DUE_AGAIN: Final = "UPDATE scrape_schedule SET due_at = now() WHERE lease_until IS NULL AND due_at > now()"


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_memory")
    connection = await connect(database)
    try:
        await follow(connection, TARGETS)
        with SimulatedSites.started(games={"auto_players": True, "mode": "restless"}) as sites:
            environ = house.environ(
                database, TRACKERS_GAMES_BASE_URL=sites.games.url, TRACKERS_GAMES_DELAY="0"
            )  # fmt: skip
            with house.worker(environ) as worker:
                async with running_app(house.container(environ)) as container:
                    await connection.execute(_DUE_AGAIN)
                    await container.queue().enqueue(DISPATCH, SOURCE, job_id=f"{DISPATCH}:{SOURCE}")
                    held = await _watch(connection, worker.pid)
    finally:
        await connection.close()
    early, late = held[EARLY], held[LATE]
    return [
        compared(
            "memory_worker_rss", median(late) / 1e6, "MB", median(early) / 1e6, at_most=AT_MOST,
            note=f"after {LATE:,} scrapes; floor: after {EARLY:,}; highest {max(late) / 1e6:.0f} MB",
        )
    ]  # fmt: skip


async def _watch(connection: Any, pid: int) -> dict[int, list[int]]:
    """What the process held, from so many scrapes on; what is settled is made due at once."""
    held: dict[int, list[int]] = {EARLY: [], LATE: []}
    give_up = time.monotonic() + PATIENCE
    while True:
        scrapes = await connection.fetchval("SELECT coalesce(sum(attempts), 0) FROM scrape_targets")
        for mark, samples in held.items():
            if mark <= scrapes < mark + AROUND or (scrapes >= mark and not samples):
                samples.append(resident_bytes(pid))
        if scrapes >= LATE + AROUND:
            return held
        if time.monotonic() > give_up:
            raise TimeoutError(f"{scrapes} scrapes within {PATIENCE:g} s")
        await connection.execute(_DUE_AGAIN)
        await asyncio.sleep(0.05)
