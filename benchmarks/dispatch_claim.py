"""Milliseconds to claim 100 due targets out of 10 thousand, 100 thousand and a million, in turns.

What is measured is the dispatcher's transaction: claim and commit. Between two measurements the claimed ones are
settled and become due later, as they do in use, so that what claims leave behind is in the measurement.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.common import Result, compared, interleaved, median, rounded, spread
from benchmarks.house import House, connect
from shared.database import Database, create_engine
from shared.scraping.repository import ScrapingRepository

SIZES: Final = (10_000, 100_000, 1_000_000)
CLAIMED: Final = 100
TURNS: Final = 13
A_TURN: Final = 5
"""Claims in a row on one size; the first brings its pages and plans back into the caches and does not count."""
AT_MOST: Final = 1.5
SOURCE: Final = "bench"

FILL: Final = (
    # Foreign keys are checked once at the end, in bulk: a million single checks take longer than all else.
    "ALTER TABLE scrape_schedule DROP CONSTRAINT fk_scrape_schedule_target_id_scrape_targets",
    """
    INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
    SELECT uuidv7(), 'bench', 'key:' || n, 'key:' || n, 86400, now() FROM generate_series(1, {size}) AS n
    """,
    # Nine of ten are due, spread over nine days; a tenth has just come.
    """
    INSERT INTO scrape_schedule (target_id, due_at, priority, source)
    SELECT id, date_trunc('second', now() + interval '1 day' - random() * interval '10 days'),
           CASE WHEN random() < 0.1 THEN 1 ELSE 2 END, source
    FROM scrape_targets ORDER BY random()
    """,
    """
    ALTER TABLE scrape_schedule ADD CONSTRAINT fk_scrape_schedule_target_id_scrape_targets
    FOREIGN KEY (target_id) REFERENCES scrape_targets (id) ON DELETE CASCADE
    """,
    "VACUUM ANALYZE",
)
_SETTLE: Final = """
UPDATE scrape_schedule
SET lease_until = NULL, run_id = NULL, attempt = 0, priority = 2, due_at = now() + interval '1 day'
WHERE source = 'bench' AND lease_until IS NOT NULL
"""


async def run(house: House) -> list[Result]:
    async with AsyncExitStack() as stack:
        claims = {size: await _claiming(stack, await house.new_database(f"bench_claim_{size}"), size) for size in SIZES}
        turns = await interleaved({str(size): claim for size, claim in claims.items()}, rounds=1 + TURNS)
    times = {size: [took for turn in taken[1:] for took in turn[1:]] for size, taken in turns.items()}
    smallest = times[str(SIZES[0])]
    results = []
    for size in SIZES[1:]:
        taken = times[str(size)]
        results.append(
            compared(
                f"dispatch_claim_{size // 1000}k", median(taken), "ms", median(smallest),
                at_most=AT_MOST if size == SIZES[-1] else None,
                note=f"{CLAIMED} due of {size:,}; floor: of {SIZES[0]:,}; p90 {_p90(taken):g} ms, "
                f"floor {_p90(smallest):g} ms; {spread(_thirds(taken), _thirds(smallest))}",
            )
        )  # fmt: skip
    return results


async def _claiming(stack: AsyncExitStack, url: str, size: int) -> Callable[[], Awaitable[list[float]]]:
    """A database of so many targets, and a turn of claims on it; the milliseconds of each."""
    connection: Any = await connect(url)
    stack.push_async_callback(connection.close)
    for statement in FILL:
        await connection.execute(statement.format(size=size))
    database = Database(create_engine(url, pool_size=1, application_name="trackers-bench"))
    stack.push_async_callback(database.close)

    async def claim() -> float:
        now = datetime.now(UTC)
        started = time.perf_counter()
        async with database.transaction() as session:
            claimed = await ScrapingRepository(session).claim_due(
                SOURCE, now=now, lease_until=now + timedelta(seconds=60), limit=CLAIMED
            )
        seconds = time.perf_counter() - started
        assert len(claimed) == CLAIMED, f"{len(claimed)} claimed of {size}"
        await connection.execute(_SETTLE)
        return seconds * 1000

    async def turn() -> list[float]:
        return [await claim() for _ in range(A_TURN)]

    return turn


def _p90(times: list[float]) -> float:
    return rounded(sorted(times)[len(times) * 9 // 10], 3)


def _thirds(times: list[float]) -> list[float]:
    """Medians of the run's beginning, middle and end."""
    third = len(times) // 3
    return [median(times[start : start + third]) for start in range(0, third * 3, third)]
