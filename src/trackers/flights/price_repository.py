"""SQL of searches and their prices: bulk writes of answers, and failures."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from trackers.flights.rows import as_json

USUAL_DAYS: Final = 90
"""Number of days whose median is the usual price."""

_HISTORY: Final = """
    SELECT count(*) AS days,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY d.price)
           FILTER (WHERE d.day >= CAST(:usual_from AS date)) AS median
    FROM flight_days d WHERE d.query_id = q.id
"""
_KNOWN: Final = text(f"""
SELECT q.id, q.target_id, q.origin, q.destination, q.departs_on, q.returns_on, q.provider, q.key, q.checked_at,
       q.captured_at, q.price, q.snapshot_id, q.digest, q.suspect, q.failures, q.failing_since,
       h.days, h.median
FROM flight_queries q CROSS JOIN LATERAL ({_HISTORY}) h
WHERE q.target_id = ANY(CAST(:targets AS uuid[])) OR q.id = ANY(CAST(:ids AS uuid[]))
ORDER BY q.id FOR UPDATE OF q
""")  # noqa: S608 -- a constant of this file

_WRITE: Final = text("""
WITH fresh AS (
    INSERT INTO flight_snapshots (id, query_id, captured_at, seen_at, price, currency, cheapest, suspect, origin,
                                  airline, airline_name, stops, departs_at, departs_offset, arrives_at, arrives_offset,
                                  duration_minutes, reference, run_id)
    SELECT * FROM jsonb_to_recordset(CAST(:fresh AS jsonb)) AS x (
        id uuid, query_id uuid, captured_at timestamptz, seen_at timestamptz, price bigint, currency text,
        cheapest boolean, suspect boolean, origin text, airline text, airline_name text, stops smallint,
        departs_at timestamptz, departs_offset smallint, arrives_at timestamptz, arrives_offset smallint,
        duration_minutes integer, reference text, run_id uuid
    )
), again AS (
    UPDATE flight_snapshots s SET seen_at = x.seen_at
    FROM jsonb_to_recordset(CAST(:again AS jsonb)) AS x (
        query_id uuid, captured_at timestamptz, seen_at timestamptz
    )
    WHERE s.query_id = x.query_id AND s.captured_at = x.captured_at AND s.origin <> 'history'
), days AS (
    INSERT INTO flight_days AS d (query_id, day, price)
    SELECT x.query_id, x.day, min(x.price)
    FROM jsonb_to_recordset(CAST(:days AS jsonb)) AS x (query_id uuid, day date, price bigint)
    GROUP BY x.query_id, x.day ORDER BY x.query_id, x.day
    ON CONFLICT (query_id, day) DO UPDATE SET price = excluded.price WHERE excluded.price < d.price
)
UPDATE flight_queries q
SET checked_at = x.checked_at, captured_at = x.captured_at, snapshot_id = x.snapshot_id, price = x.price,
    digest = decode(x.digest, 'hex'), offers = x.offers, suspect = x.suspect, level = x.level,
    typical_low = x.typical_low, typical_high = x.typical_high, failures = 0, failing_since = NULL
FROM jsonb_to_recordset(CAST(:queries AS jsonb)) AS x (
    id uuid, checked_at timestamptz, captured_at timestamptz, snapshot_id uuid, price bigint, digest text,
    offers integer, suspect bigint, level smallint, typical_low bigint, typical_high bigint
)
WHERE q.id = x.id
""")

_FAILED: Final = text("""
UPDATE flight_queries q
SET failures = q.failures + 1, failing_since = coalesce(q.failing_since, :now)
WHERE q.id IN (SELECT f.id FROM flight_queries f WHERE f.target_id = ANY(CAST(:targets AS uuid[]))
               ORDER BY f.id FOR UPDATE)
RETURNING q.id, q.target_id, q.origin, q.destination, q.departs_on, q.returns_on, q.provider, q.key, q.failures,
          q.failing_since
""")

# Both statements read the links as they were before the update. A search whose day of departure is over does not count.
_TOLD_FAILING: Final = text("""
WITH marked AS (
    UPDATE price_watch_queries x SET told_failing = true FROM price_watches w
    WHERE x.query_id = ANY(CAST(:queries AS uuid[])) AND w.id = x.watch_id AND w.is_active AND NOT x.told_failing
    RETURNING x.query_id, x.watch_id, w.user_id
), of_watch AS (
    SELECT DISTINCT ON (m.watch_id) m.query_id, m.watch_id, m.user_id FROM marked m
    WHERE NOT EXISTS (SELECT FROM price_watch_queries o JOIN price_watches w ON w.id = o.watch_id
                      WHERE o.query_id = m.query_id AND w.user_id = m.user_id AND o.told_failing)
      AND NOT EXISTS (SELECT FROM price_watch_queries o JOIN flight_queries q ON q.id = o.query_id
                      WHERE o.watch_id = m.watch_id AND o.told_failing AND q.ended_at IS NULL)
    ORDER BY m.watch_id, m.query_id
)
SELECT DISTINCT ON (query_id, user_id) query_id, user_id, watch_id FROM of_watch ORDER BY query_id, user_id, watch_id
""")
_TOLD_RECOVERED: Final = text("""
WITH marked AS (
    UPDATE price_watch_queries x SET told_failing = false FROM price_watches w
    WHERE x.query_id = ANY(CAST(:queries AS uuid[])) AND w.id = x.watch_id AND x.told_failing
    RETURNING x.query_id, x.watch_id, w.user_id, w.is_active
), of_watch AS (
    SELECT DISTINCT ON (m.watch_id) m.query_id, m.watch_id, m.user_id FROM marked m
    WHERE m.is_active
      AND NOT EXISTS (SELECT FROM price_watch_queries o JOIN flight_queries q ON q.id = o.query_id
                      WHERE o.watch_id = m.watch_id AND o.query_id <> ALL(CAST(:queries AS uuid[]))
                        AND o.told_failing AND q.ended_at IS NULL)
    ORDER BY m.watch_id, m.query_id
)
SELECT DISTINCT ON (query_id, user_id) query_id, user_id, watch_id FROM of_watch ORDER BY query_id, user_id, watch_id
""")
_MANUAL_COUNT: Final = text("""
SELECT count(*) FROM flight_snapshots s JOIN flight_queries q ON q.id = s.query_id
WHERE q.trip_id = :trip_id AND s.origin = 'manual'
""")


class Searched(Struct, frozen=True, kw_only=True):
    """Route, dates and key of a search."""

    id: UUID
    origin: str
    destination: str
    departs_on: date
    returns_on: date | None
    provider: str
    key: str


class KnownQuery(Searched, frozen=True, kw_only=True):
    """A search with its latest result."""

    target_id: UUID | None
    checked_at: datetime | None
    captured_at: datetime | None
    price: int | None
    snapshot_id: UUID | None
    digest: bytes | None
    suspect: int | None
    failures: int
    failing_since: datetime | None
    days: int
    median: int | None


class PriceRow(Struct, frozen=True, kw_only=True):
    """An offer as a row of `flight_snapshots`."""

    id: UUID
    query_id: UUID
    captured_at: datetime
    seen_at: datetime
    price: int | None
    currency: str
    cheapest: bool
    origin: str
    suspect: bool = False
    airline: str | None = None
    airline_name: str | None = None
    stops: int | None = None
    departs_at: datetime | None = None
    departs_offset: int | None = None
    arrives_at: datetime | None = None
    arrives_offset: int | None = None
    duration_minutes: int | None = None
    reference: str | None = None
    run_id: UUID | None = None


class SeenAgain(Struct, frozen=True, kw_only=True):
    query_id: UUID
    captured_at: datetime
    seen_at: datetime


class DayRow(Struct, frozen=True, kw_only=True):
    query_id: UUID
    day: date
    price: int


class QueryRow(Struct, frozen=True, kw_only=True):
    """New values of a search after an answer."""

    id: UUID
    checked_at: datetime
    captured_at: datetime | None
    snapshot_id: UUID | None
    price: int | None
    digest: str | None
    offers: int
    suspect: int | None
    level: int | None = None
    typical_low: int | None = None
    typical_high: int | None = None


class FailedQuery(Searched, frozen=True, kw_only=True):
    """A search whose fetch failed."""

    target_id: UUID
    failures: int
    """Failures in a row, including this one."""
    failing_since: datetime


class Watcher(Struct, frozen=True, kw_only=True):
    """A person who watches a search, with one of their watches of it."""

    query_id: UUID
    user_id: UUID
    watch_id: UUID


class PriceRepository(Repository):
    """Reads and writes searches, their snapshots and their daily prices."""

    async def known(self, *, targets: Sequence[UUID] = (), ids: Sequence[UUID] = (), today: date) -> list[KnownQuery]:
        """Lock and return searches, by target or by id."""
        values = {"targets": list(targets), "ids": list(ids), "usual_from": today - timedelta(days=USUAL_DAYS)}
        rows = (await self.session.execute(_KNOWN, values)).mappings()
        return [KnownQuery(**row) for row in rows]

    async def write(
        self,
        queries: Sequence[QueryRow],
        *,
        fresh: Sequence[PriceRow],
        again: Sequence[SeenAgain],
        days: Sequence[DayRow],
    ) -> None:
        """Store the results of answers in one statement."""
        values = {"queries": as_json(queries), "fresh": as_json(fresh), "again": as_json(again), "days": as_json(days)}
        await self.session.execute(_WRITE, values)

    async def fail(self, targets: Sequence[UUID], *, now: datetime) -> list[FailedQuery]:
        """Count a failure of the searches of these targets; return them."""
        values = {"targets": list(targets), "now": now}
        return [FailedQuery(**row) for row in (await self.session.execute(_FAILED, values)).mappings()]

    async def told_failing(self, queries: Sequence[UUID]) -> list[Watcher]:
        """Mark the active watches of failing searches; return the people to notify, once per watch and search."""
        rows = (await self.session.execute(_TOLD_FAILING, {"queries": list(queries)})).mappings()
        return [Watcher(**row) for row in rows]

    async def told_recovered(self, queries: Sequence[UUID]) -> list[Watcher]:
        """Clear the failing mark of these recovered searches in their watches; return the people to notify.

        The owner of a watch with another failing search is not notified yet.
        """
        rows = (await self.session.execute(_TOLD_RECOVERED, {"queries": list(queries)})).mappings()
        return [Watcher(**row) for row in rows]

    async def manual_count(self, trip_id: UUID) -> int:
        """Count the prices that were entered or pushed for a trip."""
        return int((await self.session.execute(_MANUAL_COUNT, {"trip_id": trip_id})).scalar_one())
