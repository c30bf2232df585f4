"""What the tables of flight prices keep of one watch and the searches that it may rest on, in memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median_low
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from shared.events import NewEvent
from trackers.flights.alert_repository import AlertRow, BestPrice, EvaluatedWatch, Watched
from trackers.flights.alerts import WatchState
from trackers.flights.price_repository import DayRow, FailedQuery, KnownQuery, PriceRow, QueryRow, SeenAgain

WATCH = UUID(int=1)
DAY = date(2026, 12, 28)


@dataclass
class FakeClock:
    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@dataclass
class FakeOutbox:
    published: list[NewEvent] = field(default_factory=list)

    async def publish(self, *events: NewEvent) -> None:
        self.published += events


def searched(number: int, currency: str) -> KnownQuery:
    """A search that nobody has looked at; fetched by a target of the same number."""
    return KnownQuery(
        id=UUID(int=number), target_id=UUID(int=number), origin="JFK", destination="LAX", departs_on=DAY,
        returns_on=None, provider="google_flights",
        key=f"google_flights:JFK:LAX:{DAY}:one-way:1.0.0.0:economy:any:{currency}", checked_at=None, captured_at=None,
        price=None, snapshot_id=None, digest=None, suspect=None, failures=0, failing_since=None, days=0, median=None,
    )  # fmt: skip


@dataclass
class Tables:
    """One watch, its alerts, and a search for each currency."""

    watch: Watched
    queries: dict[str, KnownQuery]
    is_active: bool = True
    armed_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    median_days: int = 30
    days: dict[UUID, dict[date, int]] = field(default_factory=dict)
    alerts: list[AlertRow] = field(default_factory=list)
    snapshots: list[PriceRow] = field(default_factory=list)

    def of(self, query_id: UUID) -> tuple[str, KnownQuery]:
        return next((currency, query) for currency, query in self.queries.items() if query.id == query_id)


class FakePrices:
    """A PriceRepository."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def known(self, *, targets: Sequence[UUID] = (), ids: Sequence[UUID] = (), today: date) -> list[KnownQuery]:
        found = [query for query in self._tables.queries.values() if query.target_id in targets]
        return [self._with_past(query, today - timedelta(days=90)) for query in found]

    def _with_past(self, query: KnownQuery, since: date) -> KnownQuery:
        past = self._tables.days.get(query.id, {})
        usual = [price for day, price in past.items() if day >= since]
        return replace(query, days=len(past), median=median_low(usual) if usual else None)

    async def write(
        self,
        queries: Sequence[QueryRow],
        *,
        fresh: Sequence[PriceRow],
        again: Sequence[SeenAgain],
        days: Sequence[DayRow],
    ) -> None:
        self._tables.snapshots += fresh
        for one in days:
            past = self._tables.days.setdefault(one.query_id, {})
            past[one.day] = min(one.price, past.get(one.day, one.price))
        for row in queries:
            currency, query = self._tables.of(row.id)
            self._tables.queries[currency] = replace(
                query, checked_at=row.checked_at, captured_at=row.captured_at, snapshot_id=row.snapshot_id,
                price=row.price, digest=bytes.fromhex(row.digest) if row.digest else None, suspect=row.suspect,
                failures=0, failing_since=None,
            )  # fmt: skip

    async def fail(self, targets: Sequence[UUID], *, now: datetime) -> list[FailedQuery]:
        return []

    async def told_recovered(self, queries: Sequence[UUID]) -> list[Any]:
        return []


class FakeAlerts:
    """An AlertRepository; who is told is told at once."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[None]:
        yield

    async def watching(self, queries: Sequence[UUID]) -> list[UUID]:
        resting_on = self._tables.queries[self._tables.watch.currency].id
        return [WATCH] if self._tables.is_active and resting_on in queries else []

    async def waiting(self, *, now: datetime, limit: int) -> list[UUID]:
        evaluate_at = self._tables.watch.evaluate_at
        return [WATCH] if self._tables.is_active and evaluate_at is not None and evaluate_at <= now else []

    async def watched(self, watches: Sequence[UUID], *, now: datetime) -> list[Watched]:
        told = [alert.created_at for alert in self._tables.alerts if alert.created_at >= self._tables.armed_at]
        return [replace(self._tables.watch, best=self._best(now), told_at=max(told, default=None)) for _ in watches]

    def _best(self, now: datetime) -> BestPrice | None:
        query = self._tables.queries[self._tables.watch.currency]
        if query.price is None or query.snapshot_id is None or query.checked_at is None:
            return None
        if query.checked_at <= now - timedelta(days=1):
            return None
        past = self._tables.days[query.id]
        today, window = now.date(), timedelta(days=self._tables.median_days)
        usual = [price for day, price in past.items() if today - window <= day < today]
        return BestPrice(
            query_id=query.id, snapshot_id=query.snapshot_id, price=query.price, key=query.key, origin=query.origin,
            destination=query.destination, departs_on=query.departs_on, returns_on=None, typical_low=None,
            typical_high=None, airline_name=None, stops=None, seen_at=query.checked_at, days=len(past),
            lowest=min(past.values()), lowest_before=min((p for day, p in past.items() if day < today), default=None),
            median=median_low(usual) if usual else None,
        )  # fmt: skip

    async def evaluated(
        self, watches: Sequence[EvaluatedWatch], alerts: Sequence[AlertRow], *, now: datetime
    ) -> set[UUID]:
        for one in watches:
            self._tables.watch = replace(self._tables.watch, state=one.state, evaluate_at=one.evaluate_at)
        kept = {(one.rule, one.snapshot_id, one.episode) for one in self._tables.alerts}
        new = [one for one in alerts if (one.rule, one.snapshot_id, one.episode) not in kept]
        self._tables.alerts += new
        return {one.id for one in new}


def armed(watch: Watched, at: datetime) -> Watched:
    """As `FlightRepository.arm` leaves it."""
    return replace(watch, state=WatchState(episode=watch.state.episode + 1), evaluate_at=at)
