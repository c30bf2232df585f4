"""SQL of trips, watches, and the searches that they share."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text

from shared.database import Repository
from trackers.flights.rows import Demand, EndedWatch, NewQuery, RequestedSearch, TripRow, WatchRow, as_json
from trackers.flights.search import Cabin

_ADD_TRIP: Final = text("""
INSERT INTO flight_trips (id, user_id, name, origin, destination, departs_on, returns_on, adults, children,
                          infants_in_seat, infants_on_lap, max_stops, notes, ends_at, created_at, updated_at)
VALUES (:id, :user_id, :name, :origin, :destination, :departs_on, :returns_on, :adults, :children,
        :infants_in_seat, :infants_on_lap, :max_stops, :notes, :ends_at, :now, :now)
""")
_TRIP: Final = text("""
SELECT id, user_id, name, origin, destination, departs_on, returns_on, adults, children, infants_in_seat,
       infants_on_lap, max_stops, notes, ends_at
FROM flight_trips WHERE id = :id
""")
_CHANGE_TRIP: Final = text("""
UPDATE flight_trips
SET name = :name, origin = :origin, destination = :destination, departs_on = :departs_on, returns_on = :returns_on,
    adults = :adults, children = :children, infants_in_seat = :infants_in_seat, infants_on_lap = :infants_on_lap,
    max_stops = :max_stops, notes = :notes, ended_at = CASE WHEN ends_at = :ends_at THEN ended_at END,
    ends_at = :ends_at, updated_at = :now
WHERE id = :id
""")
_REMOVE_TRIP: Final = text("DELETE FROM flight_trips WHERE id = :id")
_COUNTS: Final = text("""
SELECT (SELECT count(*) FROM flight_trips WHERE user_id = :user_id) AS trips,
       (SELECT count(*) FROM price_watches WHERE user_id = :user_id) AS watches
""")

_WATCH: Final = text("""
SELECT id, user_id, trip_id, provider, target_price, currency, cabin_class, is_active, check_interval_minutes,
       alert_cooldown_hours, flexible_days, remind, step_percent, below_median_percent, median_days, lowest_ever
FROM price_watches WHERE id = :id
""")
_WATCHES_OF_TRIP: Final = text("""
SELECT id, user_id, trip_id, provider, target_price, currency, cabin_class, is_active, check_interval_minutes,
       alert_cooldown_hours, flexible_days, remind, step_percent, below_median_percent, median_days, lowest_ever
FROM price_watches WHERE trip_id = :trip_id ORDER BY id
""")
_ADD_WATCH: Final = text("""
INSERT INTO price_watches (id, user_id, trip_id, provider, target_price, currency, cabin_class, is_active,
                           check_interval_minutes, alert_cooldown_hours, flexible_days, remind, step_percent,
                           below_median_percent, median_days, lowest_ever, armed_at, evaluate_at, created_at,
                           updated_at)
VALUES (:id, :user_id, :trip_id, :provider, :target_price, :currency, :cabin_class, :is_active,
        :check_interval_minutes, :alert_cooldown_hours, :flexible_days, :remind, :step_percent,
        :below_median_percent, :median_days, :lowest_ever, :now, :now, :now, :now)
""")
_CHANGE_WATCH: Final = text("""
UPDATE price_watches
SET provider = :provider, target_price = :target_price, currency = :currency, cabin_class = :cabin_class,
    is_active = :is_active, check_interval_minutes = :check_interval_minutes,
    alert_cooldown_hours = :alert_cooldown_hours, flexible_days = :flexible_days, remind = :remind,
    step_percent = :step_percent, below_median_percent = :below_median_percent, median_days = :median_days,
    lowest_ever = :lowest_ever, evaluate_at = :now, updated_at = :now
WHERE id = :id
""")
_REMOVE_WATCH: Final = text("DELETE FROM price_watches WHERE id = :id")
# Earlier alerts no longer count. The episode increases, so that the same price can trigger an alert again.
_ARM: Final = text("""
UPDATE price_watches
SET armed_at = :now, evaluate_at = :now,
    state = jsonb_build_object('episode', coalesce((state ->> 'episode')::integer, 0) + 1)
WHERE id = ANY(CAST(:watches AS uuid[]))
""")

_FOUND: Final = text("""
SELECT key, id, target_id FROM flight_queries WHERE key = ANY(CAST(:keys AS text[]))
""")
_ADD_QUERIES: Final = text("""
INSERT INTO flight_queries (id, key, target_id, trip_id, provider, origin, destination, departs_on, returns_on,
                            travellers, cabin_class, currency, ends_at, created_at)
SELECT id, key, target_id, trip_id, provider, origin, destination, departs_on, returns_on, travellers, cabin_class,
       currency, ends_at, :now
FROM jsonb_to_recordset(CAST(:queries AS jsonb)) AS x (
    id uuid, key text, target_id uuid, trip_id uuid, provider text, origin text, destination text, departs_on date,
    returns_on date, travellers smallint, cabin_class text, currency text, ends_at timestamptz
)
ORDER BY key
ON CONFLICT (key) DO NOTHING
""")
_LINK_TRIP: Final = text("""
INSERT INTO flight_trip_queries (trip_id, query_id) SELECT :trip_id, unnest(CAST(:queries AS uuid[]))
ON CONFLICT DO NOTHING
""")
_UNLINK_WATCH: Final = text("""
DELETE FROM price_watch_queries WHERE watch_id = :watch_id AND query_id <> ALL(CAST(:queries AS uuid[]))
""")
_LINK_WATCH: Final = text("""
INSERT INTO price_watch_queries (watch_id, query_id) SELECT :watch_id, unnest(CAST(:queries AS uuid[]))
ON CONFLICT DO NOTHING
""")
# Priority 0: requested by a person and not fetched since.
_UNLINK_UNKNOWN: Final = text("""
DELETE FROM flight_trip_queries x USING flight_queries q
WHERE q.id = ANY(CAST(:queries AS uuid[])) AND q.id = x.query_id AND q.target_id IS NOT NULL AND q.checked_at IS NULL
  AND NOT EXISTS (SELECT FROM price_watch_queries y JOIN price_watches w ON w.id = y.watch_id
                  WHERE y.query_id = q.id AND w.trip_id = x.trip_id)
  AND NOT EXISTS (SELECT FROM scrape_schedule s WHERE s.target_id = q.target_id AND s.priority = 0)
""")
_QUERIES_OF: Final = text("""
SELECT query_id FROM price_watch_queries WHERE watch_id = ANY(CAST(:watches AS uuid[]))
UNION SELECT query_id FROM flight_trip_queries WHERE trip_id = ANY(CAST(:trips AS uuid[]))
""")
_TARGETS: Final = text("""
SELECT DISTINCT target_id FROM flight_queries WHERE id = ANY(CAST(:queries AS uuid[])) AND target_id IS NOT NULL
""")
_ALL_TARGETS_OF: Final = text("""
SELECT DISTINCT q.target_id
FROM flight_trips t JOIN flight_trip_queries x ON x.trip_id = t.id JOIN flight_queries q ON q.id = x.query_id
WHERE t.user_id = :user_id AND q.target_id IS NOT NULL
""")
_DEMAND: Final = text("""
SELECT q.id, q.key, q.provider, q.target_id, q.checked_at,
       (SELECT min(w.check_interval_minutes) FROM price_watch_queries x JOIN price_watches w ON w.id = x.watch_id
        WHERE x.query_id = q.id AND w.is_active) AS interval_minutes,
       q.ends_at <= :now AS ended,
       EXISTS (SELECT FROM flight_trip_queries x WHERE x.query_id = q.id) AS wanted
FROM flight_queries q WHERE q.id = ANY(CAST(:queries AS uuid[])) AND q.target_id IS NOT NULL ORDER BY q.key
""")
_REMOVE_UNWANTED: Final = text("""
DELETE FROM flight_queries q
WHERE q.id = ANY(CAST(:queries AS uuid[]))
  AND NOT EXISTS (SELECT FROM flight_trip_queries x WHERE x.query_id = q.id)
RETURNING q.target_id
""")
_ASKED: Final = text("""
SELECT q.target_id, t.last_attempt_at, s.run_id IS NOT NULL AND r.id IS NOT NULL AS awaited
FROM flight_queries q
JOIN scrape_targets t ON t.id = q.target_id
LEFT JOIN scrape_schedule s ON s.target_id = q.target_id
LEFT JOIN scrape_runs r ON r.id = s.run_id
WHERE q.id = ANY(CAST(:queries AS uuid[])) AND q.ends_at > :now ORDER BY q.key
""")

_DEPARTED_QUERIES: Final = text("""
SELECT id FROM flight_queries WHERE ended_at IS NULL AND ends_at <= :now ORDER BY ends_at LIMIT :limit
""")
_DEPARTED_TRIPS: Final = text("""
SELECT id FROM flight_trips WHERE ended_at IS NULL AND ends_at <= :now ORDER BY ends_at LIMIT :limit
""")
_AWAITED: Final = text("""
SELECT count(DISTINCT s.target_id)
FROM flight_trips t JOIN flight_trip_queries x ON x.trip_id = t.id JOIN flight_queries q ON q.id = x.query_id
JOIN scrape_schedule s ON s.target_id = q.target_id
WHERE t.user_id = :user_id AND s.priority = 0
""")

_END_QUERIES: Final = text("""
UPDATE flight_queries SET ended_at = :now WHERE id IN (
    SELECT id FROM flight_queries WHERE id = ANY(CAST(:queries AS uuid[])) AND ended_at IS NULL ORDER BY id FOR UPDATE
)
""")
# A trip that got a later date in the meantime stays watched.
_END_TRIPS: Final = text("""
WITH over AS (
    UPDATE flight_trips SET ended_at = :now
    WHERE id = ANY(CAST(:trips AS uuid[])) AND ended_at IS NULL AND ends_at <= :now
    RETURNING id, name, origin, destination, departs_on, returns_on
), watching AS MATERIALIZED (
    SELECT w.id FROM price_watches w JOIN over o ON o.id = w.trip_id WHERE w.is_active ORDER BY w.id FOR UPDATE OF w
), stopped AS (
    UPDATE price_watches w SET is_active = false, evaluate_at = NULL, updated_at = :now
    FROM watching g WHERE w.id = g.id
    RETURNING w.id, w.user_id, w.trip_id, w.currency
)
SELECT s.id, s.user_id, s.trip_id, s.currency, o.name AS trip_name, o.origin, o.destination, o.departs_on,
       o.returns_on, (SELECT min(d.price) FROM price_watch_queries x JOIN flight_days d ON d.query_id = x.query_id
                      WHERE x.watch_id = s.id) AS lowest_price
FROM over o JOIN stopped s ON s.trip_id = o.id ORDER BY s.id
""")

_EVERYTHING_OF: Final = text("""
SELECT t.id, t.name, t.origin, t.destination, t.departs_on, t.returns_on, t.adults, t.children, t.infants_in_seat,
       t.infants_on_lap, t.max_stops, t.notes, t.created_at,
       coalesce((SELECT json_agg(json_build_object(
           'id', w.id, 'provider', w.provider, 'target_price', w.target_price, 'currency', w.currency,
           'cabin_class', w.cabin_class, 'is_active', w.is_active,
           'check_interval_minutes', w.check_interval_minutes, 'alert_cooldown_hours', w.alert_cooldown_hours,
           'flexible_days', w.flexible_days, 'remind', w.remind, 'step_percent', w.step_percent,
           'below_median_percent', w.below_median_percent, 'median_days', w.median_days, 'lowest_ever', w.lowest_ever,
           'last_alerted_at', w.last_alerted_at, 'created_at', w.created_at,
           'alerts', coalesce((SELECT json_agg(json_build_object(
               'rule', a.rule, 'price', a.price, 'currency', a.currency, 'created_at', a.created_at
           ) ORDER BY a.created_at) FROM price_alerts a WHERE a.watch_id = w.id), '[]')
       ) ORDER BY w.id) FROM price_watches w WHERE w.trip_id = t.id), '[]') AS watches,
       coalesce((SELECT json_agg(json_build_object(
           'price', s.price, 'currency', s.currency, 'captured_at', s.captured_at, 'provider', q.provider,
           'departs_on', q.departs_on, 'returns_on', q.returns_on, 'cabin_class', q.cabin_class,
           'airline', s.airline, 'stops', s.stops, 'departs_at', s.departs_at, 'arrives_at', s.arrives_at,
           'reference', s.reference
       ) ORDER BY s.captured_at) FROM flight_trip_queries x JOIN flight_queries q ON q.id = x.query_id
           JOIN flight_snapshots s ON s.query_id = q.id AND s.cheapest WHERE x.trip_id = t.id), '[]') AS prices
FROM flight_trips t WHERE t.user_id = :user_id ORDER BY t.created_at, t.id
""")
_REMOVE_TRIPS_OF: Final = text("DELETE FROM flight_trips WHERE user_id = :user_id")
_HAND_OVER: Final = text("""
WITH trips AS (UPDATE flight_trips SET user_id = :to WHERE user_id = :user_id)
UPDATE price_watches SET user_id = :to WHERE user_id = :user_id
""")
_QUERIES_OF_PERSON: Final = text("""
SELECT DISTINCT x.query_id FROM flight_trips t JOIN flight_trip_queries x ON x.trip_id = t.id WHERE t.user_id = :user_id
""")


class FlightRepository(Repository):
    """Reads and writes trips, watches and searches."""

    async def counts(self, user_id: UUID) -> tuple[int, int]:
        """Return (number of trips, number of watches) of a person."""
        row = (await self.session.execute(_COUNTS, {"user_id": user_id})).one()
        return int(row.trips), int(row.watches)

    async def add_trip(self, trip: TripRow, *, now: datetime) -> None:
        await self.session.execute(_ADD_TRIP, {**msgspec.structs.asdict(trip), "now": now})

    async def trip(self, trip_id: UUID) -> TripRow | None:
        row = (await self.session.execute(_TRIP, {"id": trip_id})).mappings().first()
        return None if row is None else TripRow(**row)

    async def change_trip(self, trip: TripRow, *, now: datetime) -> None:
        await self.session.execute(_CHANGE_TRIP, {**msgspec.structs.asdict(trip), "now": now})

    async def remove_trip(self, trip_id: UUID) -> None:
        """Remove a trip with its watches, their alerts, and the prices that were entered for it."""
        await self.session.execute(_REMOVE_TRIP, {"id": trip_id})

    async def watch(self, watch_id: UUID) -> WatchRow | None:
        row = (await self.session.execute(_WATCH, {"id": watch_id})).mappings().first()
        return None if row is None else _watch_row(row)

    async def watches_of_trip(self, trip_id: UUID) -> list[WatchRow]:
        rows = (await self.session.execute(_WATCHES_OF_TRIP, {"trip_id": trip_id})).mappings()
        return [_watch_row(row) for row in rows]

    async def add_watch(self, watch: WatchRow, *, now: datetime) -> None:
        await self.session.execute(_ADD_WATCH, {**msgspec.structs.asdict(watch), "now": now})

    async def change_watch(self, watch: WatchRow, *, now: datetime) -> None:
        await self.session.execute(_CHANGE_WATCH, {**msgspec.structs.asdict(watch), "now": now})

    async def remove_watch(self, watch_id: UUID) -> None:
        await self.session.execute(_REMOVE_WATCH, {"id": watch_id})

    async def arm(self, watches: Sequence[UUID], *, now: datetime) -> None:
        """Reset watches: their earlier alerts no longer count, and they are evaluated again."""
        await self.session.execute(_ARM, {"watches": list(watches), "now": now})

    async def found(self, keys: Sequence[str]) -> dict[str, tuple[UUID, UUID | None]]:
        """Return key -> (id, target id) of the searches that exist."""
        rows = await self.session.execute(_FOUND, {"keys": list(keys)})
        return {row.key: (row.id, row.target_id) for row in rows}

    async def add_queries(self, queries: Sequence[NewQuery], *, now: datetime) -> None:
        await self.session.execute(_ADD_QUERIES, {"queries": as_json(queries), "now": now})

    async def link(self, trip_id: UUID, queries: Sequence[UUID], *, watch_id: UUID | None = None) -> None:
        """Link searches to a trip, and to a watch of it; unlink the watch from all other searches."""
        await self.session.execute(_LINK_TRIP, {"trip_id": trip_id, "queries": list(queries)})
        if watch_id is not None:
            await self.session.execute(_UNLINK_WATCH, {"watch_id": watch_id, "queries": list(queries)})
            await self.session.execute(_LINK_WATCH, {"watch_id": watch_id, "queries": list(queries)})

    async def unlink_unknown(self, queries: Sequence[UUID]) -> None:
        """Unlink searches that never had an answer from trips, unless a watch of the trip or a request needs them."""
        await self.session.execute(_UNLINK_UNKNOWN, {"queries": list(queries)})

    async def queries_of(self, *, watches: Sequence[UUID] = (), trips: Sequence[UUID] = ()) -> list[UUID]:
        """Return the searches of these watches and trips."""
        values = {"watches": list(watches), "trips": list(trips)}
        return list((await self.session.execute(_QUERIES_OF, values)).scalars())

    async def queries_of_person(self, user_id: UUID) -> list[UUID]:
        return list((await self.session.execute(_QUERIES_OF_PERSON, {"user_id": user_id})).scalars())

    async def targets(self, queries: Sequence[UUID]) -> list[UUID]:
        """Return the targets of these searches."""
        return list((await self.session.execute(_TARGETS, {"queries": list(queries)})).scalars())

    async def targets_of(self, user_id: UUID) -> list[UUID]:
        """Return the targets of all searches of a person's trips."""
        return list((await self.session.execute(_ALL_TARGETS_OF, {"user_id": user_id})).scalars())

    async def demand(self, queries: Sequence[UUID], *, now: datetime) -> list[Demand]:
        """Return the demand for these searches, without those that nothing fetches."""
        rows = (await self.session.execute(_DEMAND, {"queries": list(queries), "now": now})).mappings()
        return [Demand(**row) for row in rows]

    async def remove_unwanted(self, queries: Sequence[UUID]) -> list[UUID]:
        """Delete the searches among these that belong to no trip, with their prices; return their targets."""
        rows = await self.session.execute(_REMOVE_UNWANTED, {"queries": list(queries)})
        return [target for target in rows.scalars() if target is not None]

    async def asked(self, queries: Sequence[UUID], *, now: datetime) -> list[RequestedSearch]:
        """Return the fetch state of these searches, without those whose day of departure is over."""
        rows = (await self.session.execute(_ASKED, {"queries": list(queries), "now": now})).mappings()
        return [RequestedSearch(**row) for row in rows]

    async def awaited(self, user_id: UUID) -> int:
        """Count the searches of a person's trips that were requested and have not been fetched yet."""
        return int((await self.session.execute(_AWAITED, {"user_id": user_id})).scalar_one())

    async def departed(self, *, now: datetime, limit: int) -> tuple[list[UUID], list[UUID]]:
        """Return (searches, trips) to end because their day of departure is over: up to `limit` each, oldest first."""
        values = {"now": now, "limit": limit}
        queries = list((await self.session.execute(_DEPARTED_QUERIES, values)).scalars())
        return queries, list((await self.session.execute(_DEPARTED_TRIPS, values)).scalars())

    async def end_queries(self, queries: Sequence[UUID], *, now: datetime) -> None:
        """Mark searches as ended."""
        await self.session.execute(_END_QUERIES, {"queries": list(queries), "now": now})

    async def end_trips(self, trips: Sequence[UUID], *, now: datetime) -> list[EndedWatch]:
        """Stop the active watches of these trips, unless a trip was moved to a later day; return these watches."""
        rows = (await self.session.execute(_END_TRIPS, {"trips": list(trips), "now": now})).mappings()
        return [EndedWatch(**row) for row in rows]

    async def everything_of(self, user_id: UUID) -> list[Mapping[str, Any]]:
        """Return a person's trips with their watches, alerts and prices."""
        return [dict(row) for row in (await self.session.execute(_EVERYTHING_OF, {"user_id": user_id})).mappings()]

    async def remove_trips_of(self, user_id: UUID) -> None:
        await self.session.execute(_REMOVE_TRIPS_OF, {"user_id": user_id})

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        await self.session.execute(_HAND_OVER, {"user_id": user_id, "to": to})


def _watch_row(row: Mapping[Any, Any]) -> WatchRow:
    return WatchRow(**{**row, "cabin_class": Cabin(row["cabin_class"])})
