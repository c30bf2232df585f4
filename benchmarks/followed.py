"""Many followed game accounts at once, by SQL: what a benchmark of the engine starts from."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

from app.container import AppContainer
from shared.scraping.targets import DISPATCH
from trackers.games.links import identity, profile_path

FIRST_STEAM_ID: Final = 76561190000000000
SOURCE: Final = "games"

_FOLLOW: Final = """
WITH numbers AS (
    SELECT uuidv7() AS target_id, ($1::bigint + n)::text AS steam FROM generate_series(0, $2::integer - 1) AS n
), targets AS (
    INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
    SELECT target_id, 'games', 'rocket-league:steam:' || steam, 'rocket-league:steam:' || steam, 86400, now()
    FROM numbers
), schedule AS (
    INSERT INTO scrape_schedule (target_id, due_at, priority, source)
    SELECT target_id, now() + interval '10 days', 2, 'games' FROM numbers
)
INSERT INTO game_accounts (id, target_id, game, platform, identifier, display)
SELECT uuidv7(), target_id, 'rocket-league', 'steam', steam, steam FROM numbers
"""
_SETTLED: Final = """
SELECT count(*) FROM scrape_schedule WHERE lease_until IS NULL AND due_at > now() + interval '1 hour'
"""
_RUNS: Final = """
SELECT count(*), count(*) FILTER (WHERE changed) FROM scrape_runs WHERE finished_at > $1 AND status = 'completed'
"""


async def follow(connection: Any, count: int) -> None:
    """Follow so many accounts; none is due."""
    await connection.execute(_FOLLOW, FIRST_STEAM_ID, count)
    await connection.execute("ANALYZE")


def paths(count: int) -> list[str]:
    """Where the site has the profiles of `follow`."""
    return [
        profile_path(identity(game="rocket-league", platform="steam", display=str(FIRST_STEAM_ID + number)))
        for number in range(count)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """Every target scraped once."""

    seconds: float
    changed: int


async def scrape_all(connection: Any, container: AppContainer, *, patience: float) -> Round:
    """Make every target due, wake the dispatcher as a request does, and wait until all are settled.

    Raises TimeoutError, also where a scrape failed: its target is due again too soon to count as settled.
    """
    total = await connection.fetchval("SELECT count(*) FROM scrape_schedule")
    since = await connection.fetchval("SELECT now()")
    await connection.execute("UPDATE scrape_schedule SET due_at = now()")
    started = time.perf_counter()
    await container.queue().enqueue(DISPATCH, SOURCE, job_id=f"{DISPATCH}:{SOURCE}")
    while True:
        settled = await connection.fetchval(_SETTLED)
        seconds = time.perf_counter() - started
        if settled == total:
            break
        if seconds > patience:
            raise TimeoutError(f"{settled} of {total} targets settled within {patience:g} s")
        await asyncio.sleep(0.02)
    runs, changed = await connection.fetchrow(_RUNS, since)
    assert runs == total, f"{runs} runs for {total} targets"
    return Round(seconds=seconds, changed=changed)


async def warm_up(connection: Any, container: AppContainer, *, patience: float) -> None:
    """The first scrape of all, which writes everything; then statistics as autovacuum would have made them."""
    await scrape_all(connection, container, patience=patience)
    await connection.execute("VACUUM ANALYZE")
