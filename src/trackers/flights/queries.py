"""Read queries for trips, watches, prices and alerts: static statements whose rows become Structs."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text

from shared.clock import Clock
from shared.database import Queries
from shared.sampling import sampled
from shared.scraping.targets import STATUS_COLUMNS
from shared.web.identity import Identity
from trackers.flights.analysis import DaysOfSearch, analysed
from trackers.flights.errors import TripNotFound, WatchNotFound
from trackers.flights.providers import ProviderRegistry
from trackers.flights.schemas import (
    AlertList,
    AlertView,
    Analyses,
    Prices,
    PriceView,
    SeriesFilter,
    TripPage,
    TripView,
    WatchPage,
    WatchView,
)
from trackers.flights.search import ScrapeQuery
from users.access import AccessPolicy

EVERYTHING: Final = SeriesFilter()
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_TRIP: Final = """
SELECT p.id, p.user_id, p.name, p.origin, p.destination, p.departs_on, p.returns_on, p.adults, p.children,
       p.infants_in_seat, p.infants_on_lap, p.max_stops, p.notes, p.created_at, p.updated_at,
       p.ends_at <= CAST(:now AS timestamptz) AS departed,
       (SELECT count(*) FROM price_watches w WHERE w.trip_id = p.id) AS watches
FROM flight_trips p
"""
_ONE_TRIP: Final = text(f"{_TRIP} WHERE p.id = :id")
_TRIP_OWNER: Final = text("SELECT user_id FROM flight_trips WHERE id = :id")
_WATCH_OWNER: Final = text("SELECT user_id FROM price_watches WHERE id = :id")

# The aliases t (target) and s (schedule) are those of `STATUS_COLUMNS`.
_WATCH: Final = f"""
SELECT w.id, w.user_id, w.trip_id, w.provider, w.target_price, w.currency, w.cabin_class, w.is_active,
       w.check_interval_minutes, w.alert_cooldown_hours, w.last_alerted_at, w.flexible_days, w.remind, w.step_percent,
       w.below_median_percent, w.median_days, w.lowest_ever, w.created_at, w.updated_at,
       main.key, main.checked_at AS last_checked_at, main.level AS price_level, main.typical_low, main.typical_high,
       best.price, (SELECT min(d.price) FROM flight_days d WHERE d.query_id = main.id) AS lowest_price,
       {STATUS_COLUMNS}
FROM price_watches w
JOIN flight_trips p ON p.id = w.trip_id
LEFT JOIN LATERAL (
    SELECT q.id, q.key, q.target_id, q.checked_at, q.level, q.typical_low, q.typical_high
    FROM price_watch_queries x JOIN flight_queries q ON q.id = x.query_id
    WHERE x.watch_id = w.id ORDER BY q.departs_on <> p.departs_on, q.departs_on LIMIT 1
) main ON true
LEFT JOIN LATERAL (
    SELECT min(q.price) AS price FROM price_watch_queries x JOIN flight_queries q ON q.id = x.query_id
    WHERE x.watch_id = w.id AND (q.ends_at > CAST(:now AS timestamptz) OR q.id = main.id)
) best ON true
LEFT JOIN scrape_targets t ON t.id = main.target_id
LEFT JOIN scrape_schedule s ON s.target_id = main.target_id
"""  # noqa: S608 -- a constant of the engine
_ONE_WATCH: Final = text(f"{_WATCH} WHERE w.id = :id")

# Only the key of a search has its travellers and its maximum of stops (`ScrapeQuery.key`).
_SERIES: Final = text("""
SELECT q.id
FROM flight_trip_queries x JOIN flight_queries q ON q.id = x.query_id JOIN flight_trips p ON p.id = x.trip_id
WHERE x.trip_id = :trip_id
  AND (CAST(:provider AS text) IS NULL OR q.provider = :provider)
  AND (CAST(:currency AS text) IS NULL OR q.currency = :currency)
  AND (CAST(:cabin_class AS text) IS NULL OR q.cabin_class = :cabin_class)
  AND (CAST(:all_dates AS boolean) OR (
      (q.origin, q.destination, q.departs_on) = (p.origin, p.destination, p.departs_on)
      AND q.returns_on IS NOT DISTINCT FROM p.returns_on
      AND split_part(q.key, ':', 6) = concat_ws('.', p.adults, p.children, p.infants_in_seat, p.infants_on_lap)
      AND split_part(q.key, ':', 8) = coalesce(CAST(p.max_stops AS text), 'any')))
ORDER BY q.key
""")
_POINTS: Final = text("""
SELECT array_agg((extract(epoch FROM captured_at) * 1000000)::bigint ORDER BY captured_at) AS at,
       array_agg(price ORDER BY captured_at) AS prices
FROM flight_snapshots
WHERE query_id = :query_id AND cheapest
  AND captured_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
  AND captured_at < coalesce(CAST(:until AS timestamptz), 'infinity')
""")
_PRICE: Final = """
SELECT s.id, q.provider, q.departs_on, q.returns_on, q.cabin_class, q.travellers, s.captured_at, s.seen_at, s.price,
       s.currency, s.cheapest, s.suspect, s.origin, s.airline, s.airline_name, s.stops, s.departs_at, s.departs_offset,
       s.arrives_at, s.arrives_offset, s.duration_minutes, s.reference
FROM flight_snapshots s JOIN flight_queries q ON q.id = s.query_id
"""
_CHOSEN: Final = text(f"""
{_PRICE} WHERE s.query_id = :query_id AND s.cheapest AND s.captured_at = ANY(CAST(:moments AS timestamptz[]))
ORDER BY s.captured_at, s.id
""")
_ONE_PRICE: Final = text(f"{_PRICE} WHERE s.id = :id")
_OFFERS: Final = text(f"""
SELECT * FROM (
    {_PRICE} WHERE s.query_id = ANY(CAST(:queries AS uuid[]))
      AND s.captured_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
      AND s.captured_at < coalesce(CAST(:until AS timestamptz), 'infinity')
    ORDER BY s.captured_at DESC, s.id DESC LIMIT :limit
) newest ORDER BY captured_at, id
""")  # noqa: S608 -- a constant of this file
_DAYS: Final = text("""
SELECT q.provider, q.departs_on, q.returns_on, q.cabin_class, q.currency, q.price, q.level, q.typical_low,
       q.typical_high, array_agg(d.day ORDER BY d.day) AS days, array_agg(d.price ORDER BY d.day) AS prices
FROM flight_queries q JOIN flight_days d ON d.query_id = q.id
WHERE q.id = ANY(CAST(:queries AS uuid[])) GROUP BY q.id ORDER BY q.key
""")
_ALERTS: Final = text("""
SELECT a.id, a.watch_id, a.rule, a.price, a.currency, a.target_price, a.previous_price, a.lowest_price,
       a.median_price, a.typical_low, a.typical_high, a.departs_on, a.returns_on, a.snapshot_id, a.created_at,
       (SELECT min(n.sent_at) FROM notification_deliveries n WHERE n.event_id = a.event_id) AS delivered_at
FROM price_alerts a
WHERE a.watch_id = :id AND (CAST(:before AS uuid) IS NULL OR (a.created_at, a.id) < (
    SELECT b.created_at, b.id FROM price_alerts b WHERE b.id = :before AND b.watch_id = :id))
ORDER BY a.created_at DESC, a.id DESC LIMIT :limit
""")


@cache
def _trips_statements(*, everybody: bool, upcoming: bool | None) -> tuple[TextClause, TextClause]:
    filters = [] if everybody else ["p.user_id = :user_id"]
    if upcoming is not None:
        filters.append(f"p.ends_at {'>' if upcoming else '<='} CAST(:now AS timestamptz)")
    where = f"WHERE {' AND '.join(filters)}" if filters else ""
    return (
        text(f"{_TRIP} {where} ORDER BY p.id DESC LIMIT :limit OFFSET :skip"),
        text(f"SELECT count(*) FROM flight_trips p {where}"),  # noqa: S608 -- constants of this file
    )


@cache
def _watches_statements(*, is_active: bool | None, of_trip: bool) -> tuple[TextClause, TextClause]:
    filters = ["w.user_id = :user_id"]
    if is_active is not None:
        filters.append("w.is_active" if is_active else "NOT w.is_active")
    if of_trip:
        filters.append("w.trip_id = :trip_id")
    where = " AND ".join(filters)
    return (
        text(f"{_WATCH} WHERE {where} ORDER BY w.id DESC LIMIT :limit OFFSET :skip"),
        text(f"SELECT count(*) FROM price_watches w WHERE {where}"),  # noqa: S608 -- constants of this file
    )


class FlightReads:
    """Reads private data of a person; to everybody else except admins it does not exist."""

    def __init__(self, questions: Queries, *, access: AccessPolicy, providers: ProviderRegistry, clock: Clock) -> None:
        self._questions = questions
        self._access = access
        self._providers = providers
        self._clock = clock

    async def check_trip(self, asker: Identity, trip_id: UUID) -> None:
        """Raise TripNotFound if the asker may not see the trip, or if it does not exist."""
        owner = await self._questions.value(_TRIP_OWNER, {"id": trip_id})
        if owner is None or not self._access.may_use_private(asker, owner):
            raise TripNotFound(trip_id)

    async def check_watch(self, asker: Identity, watch_id: UUID) -> None:
        """Raise WatchNotFound if the asker may not see the watch, or if it does not exist."""
        owner = await self._questions.value(_WATCH_OWNER, {"id": watch_id})
        if owner is None or not self._access.may_use_private(asker, owner):
            raise WatchNotFound(watch_id)


class TripQueries(FlightReads):
    """Reads trips."""

    async def list_trips(self, user_id: UUID, *, upcoming: bool | None, page: int, per_page: int) -> TripPage:
        """Return a page of a person's trips, the newest first."""
        items, count = _trips_statements(everybody=False, upcoming=upcoming)
        values: dict[str, Any] = {"user_id": user_id, "now": self._clock.now()}
        rows = await self._questions.rows(items, {**values, "limit": per_page, "skip": (page - 1) * per_page})
        return TripPage(
            items=[TripView(**row) for row in rows],
            page=page,
            per_page=per_page,
            total=await self._questions.value(count, values),
        )

    async def get_trip(self, asker: Identity, trip_id: UUID) -> TripView:
        """Return a trip. Raises TripNotFound."""
        await self.check_trip(asker, trip_id)
        row = await self._questions.row(_ONE_TRIP, {"id": trip_id, "now": self._clock.now()})
        if row is None:
            raise TripNotFound(trip_id)
        return TripView(**row)


class WatchQueries(FlightReads):
    """Reads watches and their alerts."""

    async def list_watches(
        self, user_id: UUID, *, is_active: bool | None, trip_id: UUID | None, page: int, per_page: int
    ) -> WatchPage:
        """Return a page of a person's watches, the newest first."""
        items, count = _watches_statements(is_active=is_active, of_trip=trip_id is not None)
        values = {"user_id": user_id, "trip_id": trip_id, "now": self._clock.now()}
        rows = await self._questions.rows(items, {**values, "limit": per_page, "skip": (page - 1) * per_page})
        return WatchPage(
            items=[self._view(row) for row in rows],
            page=page,
            per_page=per_page,
            total=await self._questions.value(count, values),
        )

    async def get_watch(self, asker: Identity, watch_id: UUID) -> WatchView:
        """Return a watch. Raises WatchNotFound."""
        await self.check_watch(asker, watch_id)
        row = await self._questions.row(_ONE_WATCH, {"id": watch_id, "now": self._clock.now()})
        if row is None:
            raise WatchNotFound(watch_id)
        return self._view(row)

    async def get_alerts(self, asker: Identity, watch_id: UUID, *, before: UUID | None, limit: int) -> AlertList:
        """Return the alerts of a watch, the newest first. Raises WatchNotFound."""
        await self.check_watch(asker, watch_id)
        rows = await self._questions.rows(_ALERTS, {"id": watch_id, "before": before, "limit": limit + 1})
        items = [AlertView(**row) for row in rows[:limit]]
        return AlertList(items=items, next_before=items[-1].id if len(rows) > limit else None)

    def _view(self, row: dict[str, Any]) -> WatchView:
        key = row.pop("key")
        url = self._providers.link(ScrapeQuery.read(key)) if key else None
        return WatchView(**row, url=url, provider_enabled=self._providers.is_on(row["provider"]))


class PriceQueries(FlightReads):
    """Reads the prices of a trip."""

    async def get_prices(
        self,
        asker: Identity,
        trip_id: UUID,
        series_filter: SeriesFilter = EVERYTHING,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        all_offers: bool = False,
        points: int = 500,
    ) -> Prices:
        """Return the cheapest offer of each fetch, the oldest first, sampled to at most `points` per search.

        Sampling keeps the shape of the line. With `all_offers`, return every offer of the last fetches instead, at most
        `points` in all. Raises TripNotFound.
        """
        series = await self._series(asker, trip_id, series_filter)
        if all_offers:
            values = {"queries": series, "since": since, "until": until, "limit": points}
            offers = [_price_view(row) for row in await self._questions.rows(_OFFERS, values)]
            return Prices(items=offers, total=len(offers))
        items: list[PriceView] = []
        total = 0
        for query_id in series:
            line = await self._questions.row(_POINTS, {"query_id": query_id, "since": since, "until": until})
            if line is None or not line["at"]:
                continue
            total += len(line["at"])
            positions = sampled(line["at"], line["prices"], points)
            moments = [EPOCH + timedelta(microseconds=line["at"][position]) for position in positions]
            rows = await self._questions.rows(_CHOSEN, {"query_id": query_id, "moments": moments})
            items += [_price_view(row) for row in rows]
        if len(series) > 1:
            items.sort(key=lambda price: (price.captured_at, price.id))
        return Prices(items=items, total=total)

    async def get_price(self, snapshot_id: UUID) -> PriceView:
        """Return a snapshot that exists, by its id."""
        row = await self._questions.row(_ONE_PRICE, {"id": snapshot_id})
        assert row is not None  # noqa: S101 -- the snapshot was written in this transaction
        return _price_view(row)

    async def get_analyses(self, asker: Identity, trip_id: UUID, series_filter: SeriesFilter = EVERYTHING) -> Analyses:
        """Return statistics of the prices of each of a trip's searches. Raises TripNotFound."""
        series = await self._series(asker, trip_id, series_filter)
        rows = await self._questions.rows(_DAYS, {"queries": series})
        return Analyses(items=[analysed(DaysOfSearch(**row)) for row in rows])

    async def _series(self, asker: Identity, trip_id: UUID, series_filter: SeriesFilter) -> list[UUID]:
        """Return the ids of the trip's searches that match the filter."""
        await self.check_trip(asker, trip_id)
        values = {**msgspec.structs.asdict(series_filter), "trip_id": trip_id}
        return [row["id"] for row in await self._questions.rows(_SERIES, values)]


def _price_view(row: Mapping[str, Any]) -> PriceView:
    values = dict(row)
    for name in ("departs", "arrives"):
        values[f"{name}_at"] = _local(values[f"{name}_at"], values.pop(f"{name}_offset"))
    return PriceView(**values)


def _local(at: datetime | None, offset: int | None) -> datetime | None:
    """Convert an instant to the UTC offset of its airport."""
    if at is None or offset is None:
        return at
    return at.astimezone(timezone(timedelta(minutes=offset)))
