"""Milliseconds to take up a thousand due watches out of a million, beside the same out of ten thousand.

Watches of one search are due together: five to a search, two hundred searches due. Two questions: the dispatcher's
claim of what is due, and the evaluate's look for watches that wait for no price (their cooldown is over).
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.common import Result, compared, interleaved, median, spread
from benchmarks.house import House, connect
from benchmarks.watched import SOURCE, watch
from shared.database import Database, create_engine
from shared.scraping.repository import ScrapingRepository
from trackers.flights.alert_repository import AlertRepository

SIZES: Final = (10_000, 1_000_000)
"""Watches."""
A_SEARCH: Final = 5
"""Watches of one."""
DUE: Final = 1_000
TURNS: Final = 9
AT_MOST: Final = 1.5

_MAKE_DUE: Final = """
WITH due AS (
    SELECT target_id FROM scrape_schedule TABLESAMPLE SYSTEM (50) WHERE lease_until IS NULL AND due_at > now() LIMIT $1
)
UPDATE scrape_schedule s SET due_at = now() - interval '1 minute' FROM due WHERE s.target_id = due.target_id
"""
_SETTLE: Final = """
UPDATE scrape_schedule SET lease_until = NULL, run_id = NULL, attempt = 0, due_at = now() + interval '1 day'
WHERE lease_until IS NOT NULL
"""
_MAKE_WAITING: Final = """
UPDATE price_watches SET evaluate_at = now() - interval '1 minute'
WHERE id IN (SELECT id FROM price_watches TABLESAMPLE SYSTEM (50) LIMIT $1)
"""


async def run(house: House) -> list[Result]:
    claims: dict[str, Callable[[], Awaitable[float]]] = {}
    looks: dict[str, Callable[[], Awaitable[float]]] = {}
    async with AsyncExitStack() as stack:
        for size in SIZES:
            url = await house.new_database(f"bench_due_watches_{size}")
            connection: Any = await connect(url)
            stack.push_async_callback(connection.close)
            await watch(connection, searches=size // A_SEARCH, watches=A_SEARCH)
            await connection.execute(_MAKE_WAITING, DUE)
            await connection.execute("VACUUM ANALYZE price_watches")
            database = Database(create_engine(url, pool_size=1, application_name="trackers-bench"))
            stack.push_async_callback(database.close)
            claims[str(size)] = _claiming(connection, database)
            looks[str(size)] = _looking(database)
        for contender in (*claims.values(), *looks.values()):
            await contender()
        claimed = await interleaved(claims, rounds=TURNS)
        looked = await interleaved(looks, rounds=TURNS)
    few, many = (str(size) for size in SIZES)
    return [
        compared(
            "due_watches", median(claimed[many]), "ms", median(claimed[few]), at_most=AT_MOST,
            note=f"{DUE:,} due of {SIZES[1]:,}, {A_SEARCH} to a search, claimed; floor: of {SIZES[0]:,}; "
            f"{spread(claimed[many], claimed[few])}",
        ),
        compared(
            "due_watches_waiting", median(looked[many]), "ms", median(looked[few]), at_most=AT_MOST,
            note=f"{DUE // 2} waiting for the end of a cooldown, with their past; floor: of {SIZES[0]:,}; "
            f"{spread(looked[many], looked[few])}",
        ),
    ]  # fmt: skip


def _claiming(connection: Any, database: Database) -> Callable[[], Awaitable[float]]:
    async def claim() -> float:
        await connection.execute(_MAKE_DUE, DUE // A_SEARCH)
        now = datetime.now(UTC)
        started = time.perf_counter()
        async with database.transaction() as session:
            claimed = await ScrapingRepository(session).claim_due(
                SOURCE, now=now, lease_until=now + timedelta(seconds=60), limit=DUE // A_SEARCH
            )
        seconds = time.perf_counter() - started
        assert len(claimed) == DUE // A_SEARCH, f"{len(claimed)} claimed"
        await connection.execute(_SETTLE)
        return seconds * 1000

    return claim


def _looking(database: Database) -> Callable[[], Awaitable[float]]:
    async def look() -> float:
        started = time.perf_counter()
        async with database.transaction() as session:
            repository, now = AlertRepository(session), datetime.now(UTC)
            found = await repository.watched(await repository.waiting(now=now, limit=DUE // 2), now=now)
        seconds = time.perf_counter() - started
        assert len(found) == DUE // 2, f"{len(found)} found"
        return seconds * 1000

    return look
