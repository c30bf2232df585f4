"""SQL of prices: the bulk writes behind a look, the judging of watches, and what was told."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from shared.database import Repository
from trackers.flights.alerts import Rule, WatchState

USUAL_DAYS: Final = 90
"""Days whose median is the usual price."""
LATE: Final = timedelta(days=2)
"""An alert may reach its channel that much later: quiet hours, a channel that rests."""

_HISTORY: Final = """
    SELECT count(*) AS days,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY d.price)
           FILTER (WHERE d.day >= CAST(:usual_from AS date)) AS median
    FROM flight_days d WHERE d.query_id = q.id
"""
_KNOWN: Final = text(f"""
SELECT q.id, q.target_id, q.origin, q.destination, q.departs_on, q.returns_on, q.provider, q.key, q.checked_at,
       q.captured_at, q.price, q.snapshot_id, q.digest, q.suspect, q.failing_since, q.told_failing,
       h.days, h.median
FROM flight_queries q CROSS JOIN LATERAL ({_HISTORY}) h
WHERE q.target_id = ANY(CAST(:targets AS uuid[])) OR q.id = ANY(CAST(:ids AS uuid[]))
ORDER BY q.id FOR UPDATE OF q
""")  # noqa: S608 -- a fragment of our own

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
    typical_low = x.typical_low, typical_high = x.typical_high, failures = 0, failing_since = NULL,
    told_failing = false
FROM jsonb_to_recordset(CAST(:queries AS jsonb)) AS x (
    id uuid, checked_at timestamptz, captured_at timestamptz, snapshot_id uuid, price bigint, digest text,
    offers integer, suspect bigint, level smallint, typical_low bigint, typical_high bigint
)
WHERE q.id = x.id
""")

_FAILED: Final = text("""
UPDATE flight_queries q
SET failures = q.failures + 1, failing_since = coalesce(q.failing_since, :now),
    told_failing = q.told_failing OR q.failures + 1 >= :tell_after
WHERE q.id IN (SELECT f.id FROM flight_queries f WHERE f.target_id = ANY(CAST(:targets AS uuid[]))
               ORDER BY f.id FOR UPDATE)
RETURNING q.id, q.target_id, q.origin, q.destination, q.departs_on, q.returns_on, q.provider, q.key, q.failing_since,
          new.told_failing AND NOT old.told_failing AS to_tell
""")

# The cheapest of a watch's searches, with its past; and when the last alert that reached somebody was told. Of locked
# watches, and in a statement begun since: who waited for the lock must see what the other judged, and by which price.
_WATCHED: Final = text("""
SELECT w.id, w.user_id, w.trip_id, t.name AS trip_name, w.target_price, w.currency, w.cabin_class, w.step_percent,
       w.remind, w.below_median_percent, w.lowest_ever, w.alert_cooldown_hours, w.state, w.judge_at,
       best.query_id, best.snapshot_id, best.price, best.key, best.origin, best.destination, best.departs_on,
       best.returns_on, best.typical_low, best.typical_high, s.airline_name, s.stops, s.seen_at,
       h.days, h.lowest, h.lowest_before, h.median, told.at AS told_at
FROM price_watches w
JOIN flight_trips t ON t.id = w.trip_id
LEFT JOIN LATERAL (
    SELECT q.id AS query_id, q.snapshot_id, q.price, q.key, q.origin, q.destination, q.departs_on, q.returns_on,
           q.typical_low, q.typical_high
    FROM price_watch_queries x JOIN flight_queries q ON q.id = x.query_id
    WHERE x.watch_id = w.id AND q.price IS NOT NULL AND q.currency = w.currency AND q.ends_at > :now
      AND q.checked_at > CAST(:now AS timestamptz)
                         - make_interval(mins => greatest(2 * w.check_interval_minutes, 1440))
    ORDER BY q.price, q.departs_on LIMIT 1
) best ON true
LEFT JOIN flight_snapshots s ON s.id = best.snapshot_id
LEFT JOIN LATERAL (
    SELECT count(*) AS days, min(d.price) AS lowest,
           min(d.price) FILTER (WHERE d.day < CAST(:today AS date)) AS lowest_before,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY d.price)
           FILTER (WHERE d.day < CAST(:today AS date)
                   AND d.day >= CAST(:today AS date) - CAST(w.median_days AS integer)) AS median
    FROM flight_days d WHERE d.query_id = best.query_id
) h ON true
LEFT JOIN LATERAL (
    SELECT max(coalesce(d.sent_at, a.created_at)) AS at
    FROM price_alerts a
    LEFT JOIN LATERAL (
        SELECT min(n.sent_at) AS sent_at, bool_and(n.state = 'failed') AS lost
        FROM notification_deliveries n WHERE n.event_id = a.event_id
    ) d ON true
    WHERE a.watch_id = w.id AND a.created_at >= w.armed_at AND d.lost IS NOT TRUE
      AND a.created_at > CAST(:now AS timestamptz) - CAST(:late AS interval)
                         - make_interval(hours => w.alert_cooldown_hours)
) told ON true
WHERE w.id = ANY(CAST(:watches AS uuid[])) ORDER BY w.id
""")
_LOCK_OF: Final = text("""
SELECT w.id FROM price_watches w
WHERE w.is_active AND w.id IN (
    SELECT watch_id FROM price_watch_queries WHERE query_id = ANY(CAST(:queries AS uuid[]))
)
ORDER BY w.id FOR UPDATE OF w
""")
_LOCK_LATER: Final = text("""
SELECT id FROM price_watches
WHERE is_active AND judge_at <= :now ORDER BY judge_at LIMIT :limit FOR UPDATE SKIP LOCKED
""")

_JUDGED: Final = text("""
WITH told AS (
    INSERT INTO price_alerts (id, watch_id, rule, snapshot_id, episode, price, currency, target_price, previous_price,
                              lowest_price, median_price, typical_low, typical_high, departs_on, returns_on, event_key,
                              created_at)
    SELECT * FROM jsonb_to_recordset(CAST(:alerts AS jsonb)) AS x (
        id uuid, watch_id uuid, rule text, snapshot_id uuid, episode integer, price bigint, currency text,
        target_price bigint, previous_price bigint, lowest_price bigint, median_price bigint, typical_low bigint,
        typical_high bigint, departs_on date, returns_on date, event_key text, created_at timestamptz
    )
    ON CONFLICT (watch_id, rule, snapshot_id, episode) DO NOTHING
    RETURNING id, watch_id
), judged AS (
    UPDATE price_watches w
    SET state = x.state, judge_at = x.judge_at,
        last_alerted_at = CASE WHEN w.id IN (SELECT watch_id FROM told) THEN :now ELSE w.last_alerted_at END
    FROM jsonb_to_recordset(CAST(:watches AS jsonb)) AS x (id uuid, state jsonb, judge_at timestamptz)
    WHERE w.id = x.id
)
SELECT id FROM told
""")

_RELAYED: Final = text("""
UPDATE price_alerts SET event_id = :event_id WHERE event_key = :event_key AND event_id IS NULL
""")
_WATCHERS: Final = text("""
SELECT DISTINCT ON (x.query_id, w.user_id) x.query_id, w.user_id, w.id AS watch_id
FROM price_watch_queries x JOIN price_watches w ON w.id = x.watch_id
WHERE x.query_id = ANY(CAST(:queries AS uuid[])) AND w.is_active
ORDER BY x.query_id, w.user_id, w.id
""")
_TYPED_COUNT: Final = text("""
SELECT count(*) FROM flight_snapshots s JOIN flight_queries q ON q.id = s.query_id
WHERE q.trip_id = :trip_id AND s.origin = 'typed'
""")


class Searched(Struct, frozen=True, kw_only=True):
    """What a search is."""

    id: UUID
    origin: str
    destination: str
    departs_on: date
    returns_on: date | None
    provider: str
    key: str


class KnownQuery(Searched, frozen=True, kw_only=True):
    """A search and the last that is known of it."""

    target_id: UUID | None
    checked_at: datetime | None
    captured_at: datetime | None
    price: int | None
    snapshot_id: UUID | None
    digest: bytes | None
    suspect: int | None
    failing_since: datetime | None
    told_failing: bool
    days: int
    median: int | None


class SnapshotRow(Struct, frozen=True, kw_only=True):
    """An offer as it is stored."""

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
    """What a look made of a search."""

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
    """A search that a look brought nothing of."""

    target_id: UUID
    failing_since: datetime
    to_tell: bool


class BestPrice(Struct, frozen=True, kw_only=True):
    """The cheapest of a watch's searches that can be trusted, with its past."""

    query_id: UUID
    snapshot_id: UUID
    price: int
    key: str
    origin: str
    destination: str
    departs_on: date
    returns_on: date | None
    typical_low: int | None
    typical_high: int | None
    airline_name: str | None
    stops: int | None
    seen_at: datetime
    days: int
    lowest: int | None
    lowest_before: int | None
    median: int | None


class Watched(Struct, frozen=True, kw_only=True):
    """A watch as it is judged; without a best price there is nothing to judge."""

    id: UUID
    user_id: UUID
    trip_id: UUID
    trip_name: str | None
    target_price: int
    currency: str
    cabin_class: str
    step_percent: int
    remind: bool
    below_median_percent: int | None
    lowest_ever: bool
    alert_cooldown_hours: int
    state: WatchState
    judge_at: datetime | None
    best: BestPrice | None
    told_at: datetime | None
    """When the last alert was that reached somebody."""


class Watcher(Struct, frozen=True, kw_only=True):
    """Somebody who watches a search, and one of the watches by which they do."""

    query_id: UUID
    user_id: UUID
    watch_id: UUID


class AlertRow(Struct, frozen=True, kw_only=True):
    id: UUID
    watch_id: UUID
    rule: Rule
    snapshot_id: UUID
    episode: int
    price: int
    currency: str
    target_price: int
    previous_price: int | None
    lowest_price: int | None
    median_price: int | None
    typical_low: int | None
    typical_high: int | None
    departs_on: date
    returns_on: date | None
    event_key: str
    created_at: datetime


class JudgedWatch(Struct, frozen=True, kw_only=True):
    id: UUID
    state: WatchState
    judge_at: datetime | None


class PriceRepository(Repository):
    """Snapshots, days, alerts, and the searches they belong to."""

    async def known(self, *, targets: Sequence[UUID] = (), ids: Sequence[UUID] = (), today: date) -> list[KnownQuery]:
        """Searches by what fetches them or by id, locked."""
        values = {"targets": list(targets), "ids": list(ids), "usual_from": today - timedelta(days=USUAL_DAYS)}
        rows = (await self.session.execute(_KNOWN, values)).mappings()
        return [KnownQuery(**row) for row in rows]

    async def write(
        self,
        queries: Sequence[QueryRow],
        *,
        fresh: Sequence[SnapshotRow],
        again: Sequence[SeenAgain],
        days: Sequence[DayRow],
    ) -> None:
        """What looks brought, in one statement."""
        values = {"queries": _json(queries), "fresh": _json(fresh), "again": _json(again), "days": _json(days)}
        await self.session.execute(_WRITE, values)

    async def fail(self, targets: Sequence[UUID], *, tell_after: int, now: datetime) -> list[FailedQuery]:
        """Count a failure of searches that a target fetches."""
        values = {"targets": list(targets), "tell_after": tell_after, "now": now}
        return [FailedQuery(**row) for row in (await self.session.execute(_FAILED, values)).mappings()]

    async def watched(self, queries: Sequence[UUID], *, now: datetime) -> list[Watched]:
        """The active watches that rest on these searches, locked."""
        return await self._read(list((await self.session.execute(_LOCK_OF, {"queries": list(queries)})).scalars()), now)

    async def watched_later(self, *, now: datetime, limit: int) -> list[Watched]:
        """Watches that are to be judged by now though nothing new came in, locked."""
        values = {"now": now, "limit": limit}
        return await self._read(list((await self.session.execute(_LOCK_LATER, values)).scalars()), now)

    async def _read(self, watches: Sequence[UUID], now: datetime) -> list[Watched]:
        if not watches:
            return []
        values = {"watches": watches, "now": now, "today": now.date(), "late": LATE}
        return [_watched(row) for row in (await self.session.execute(_WATCHED, values)).mappings()]

    async def judged(self, watches: Sequence[JudgedWatch], alerts: Sequence[AlertRow], *, now: datetime) -> set[UUID]:
        """Write what judging made of watches; the ids of the alerts that were not there yet."""
        values = {"watches": _json(watches), "alerts": _json(alerts), "now": now}
        return set((await self.session.execute(_JUDGED, values)).scalars())

    async def relayed(self, event_key: str, event_id: UUID) -> None:
        """The event that tells these alerts is on its way."""
        await self.session.execute(_RELAYED, {"event_key": event_key, "event_id": event_id})

    async def watchers(self, queries: Sequence[UUID]) -> list[Watcher]:
        """Who watches these searches: each person once a search, by the oldest of their watches."""
        rows = (await self.session.execute(_WATCHERS, {"queries": list(queries)})).mappings()
        return [Watcher(**row) for row in rows]

    async def typed_count(self, trip_id: UUID) -> int:
        """Prices that were typed in or pushed for a trip."""
        return int((await self.session.execute(_TYPED_COUNT, {"trip_id": trip_id})).scalar_one())


def _watched(row: Any) -> Watched:
    best = None
    if row["snapshot_id"] is not None and row["seen_at"] is not None:
        best = BestPrice(**{name: row[name] for name in BestPrice.__struct_fields__})
    own = {name: row[name] for name in Watched.__struct_fields__ if name not in {"state", "best"}}
    return Watched(**own, state=msgspec.convert(row["state"], WatchState), best=best)


def _json(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
