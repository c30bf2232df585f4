"""Ten thousand people's digests: how fast they are made, and what the process holds meanwhile.

Everybody follows one club of sixty registrations, all news. Made: claimed, built, entered in the ledger and handed to
the sender, beside the bare INSERT of as many ledger rows, events and deliveries of the same size. Held: after the last
thousand, beside what was held after the first.
"""

import asyncio
import os
import time
from contextlib import AsyncExitStack
from typing import Any, Final

from sqlalchemy import text

from app.container import AppContainer
from benchmarks.common import Result, compared, resident_bytes
from benchmarks.house import House, connect

PEOPLE: Final = 10_000
REGISTRATIONS: Final = 60
EARLY: Final = 1_000
AT_MOST: Final = 1.3

_PEOPLE: Final = "INSERT INTO users (id, created_at) SELECT uuidv7(), now() FROM generate_series(1, $1)"
_FILL: Final = (
    """
    INSERT INTO notification_channels (id, user_id, kind, name, target, shown, host, created_at, verified_at)
    SELECT id, id, 'email', 'mail', 'x', 'x', 'smtp', now(), now() FROM users
    """,
    """
    INSERT INTO digest_preferences (user_id, period, hour, weekday, time_zone, next_at, created_at)
    SELECT id, 'daily', 8, 1, 'UTC', now() - interval '1 minute', now() - interval '1 day' FROM users
    """,
    """
    INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
    VALUES (uuidv7(), 'fencers', 'club:1', '/club/1/x/registrations', 3600, now())
    """,
    """
    INSERT INTO fencing_clubs (id, upstream_id, target_id, name, read_at)
    SELECT id, 1, id, 'Lakeside', now() FROM scrape_targets
    """,
    """
    INSERT INTO tracked_clubs (id, user_id, club_id, created_at, followed_since)
    SELECT u.id, u.id, c.id, now() - interval '30 days', now() - interval '30 days' FROM users u, fencing_clubs c
    """,
    "INSERT INTO fencing_tournaments (id, name, folded, season) VALUES (uuidv7(), 'October NAC', 'october nac', 2027)",
    """
    INSERT INTO fencing_events (id, upstream_id, tournament_id, name, code, weapon, held_on)
    SELECT uuidv7(), n, t.id, 'Junior Women''s Epee (JNRWE)', 'JNRWE', 'epee', current_date + 30
    FROM fencing_tournaments t, generate_series(1, 3) AS n
    """,
    """
    INSERT INTO fencers (id, upstream_id, name, folded)
    SELECT uuidv7(), n, 'Fencer ' || n, 'fencer' FROM generate_series(1, 20) AS n
    """,
    """
    INSERT INTO fencing_registrations (id, fencer_id, event_id, first_seen_at, last_seen_at)
    SELECT uuidv7(), f.id, e.id, now() - interval '1 hour', now() FROM fencers f, fencing_events e
    """,
    """
    INSERT INTO fencing_listings (target_id, registration_id, listed_at)
    SELECT t.id, r.id, r.first_seen_at FROM scrape_targets t, fencing_registrations r
    """,
    """
    INSERT INTO fencing_changes (id, registration_id, kind, at, day)
    SELECT uuidv7(), id, 'registered', now() - interval '1 hour', current_date + 30 FROM fencing_registrations
    """,
    "ANALYZE",
)
_BARE: Final = (
    """
    INSERT INTO digests (id, user_id, period, since, until, entries, state, delivery_id, created_at)
    SELECT uuidv7(), user_id, 'bare:' || period, since, until, entries, state, uuidv7(), created_at FROM digests
    """,
    """
    INSERT INTO notified_events (id, event, aggregate, payload, user_id, occurred_at, noted_at)
    SELECT uuidv7(), 'bare', aggregate, payload, user_id, occurred_at, noted_at FROM notified_events
    """,
    """
    INSERT INTO notification_deliveries (id, event_id, channel_id, user_id, subject_id, due_at)
    SELECT uuidv7(), e.id, e.user_id, e.user_id, e.user_id, now() FROM notified_events e WHERE e.event = 'bare'
    """,
)
_MADE: Final = text("SELECT count(*) FROM digests WHERE state = 'pending' AND entries = :entries")


async def run(house: House) -> list[Result]:
    url = await house.new_database("bench_digests")
    container = house.container(house.environ(url))
    connection = await connect(url)
    try:
        async with AsyncExitStack() as stack:
            for close in (container.database().close, container.redis().aclose):
                stack.push_async_callback(close)
            await connection.execute(_PEOPLE, PEOPLE)
            for statement in _FILL:
                await connection.execute(statement)
            return await _measured(container, connection)
    finally:
        await connection.close()


async def _measured(container: AppContainer, connection: Any) -> list[Result]:
    digest_run = container.notifications.digest_run()
    made, early, began = 0, 0, time.perf_counter()
    while made < PEOPLE:
        seen, done = await digest_run._batch()  # noqa: SLF001 -- a step of what the job repeats
        assert done.sent_off == seen > 0
        made += seen
        if made == EARLY:
            early = resident_bytes(os.getpid())
        await asyncio.sleep(0)
    took, late = time.perf_counter() - began, resident_bytes(os.getpid())
    assert await container.reader().value(_MADE, {"entries": REGISTRATIONS}) == PEOPLE
    began = time.perf_counter()
    async with connection.transaction():
        for statement in _BARE:
            await connection.execute(statement)
    bare = time.perf_counter() - began
    return [
        compared(
            "digests_made", PEOPLE / took, "people/s", PEOPLE / bare,
            note=f"{REGISTRATIONS} entries each; floor: as many rows of the same size copied in the database",
        ),
        compared(
            "digests_held_rss", late / 1e6, "MB", early / 1e6, at_most=AT_MOST,
            note=f"after {PEOPLE:,} people; floor: after {EARLY:,}",
        ),
    ]  # fmt: skip
