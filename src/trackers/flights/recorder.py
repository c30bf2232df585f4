"""Store answers: compare each with the last one, write all in bulk, and evaluate their watches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from hashlib import blake2b
from statistics import median_low
from typing import Final
from uuid import UUID

import msgspec
import structlog

from shared.clock import Clock
from shared.events import EventType, NewEvent
from shared.ids import new_id
from shared.scraping.observation import FailedFetch, Observation
from trackers.flights.alerts import agrees, is_outlier
from trackers.flights.evaluation import WatchEvaluator
from trackers.flights.events import WATCH_FAILING, WATCH_RECOVERED
from trackers.flights.messages import QueryUpdate
from trackers.flights.price_repository import (
    USUAL_DAYS,
    DayRow,
    FailedQuery,
    KnownQuery,
    PriceRepository,
    PriceRow,
    QueryRow,
    SeenAgain,
    Watcher,
)
from trackers.flights.providers import ProviderRegistry
from trackers.flights.search import PriceResult, ScrapeQuery, SearchResult

FETCHED, MANUAL_ORIGIN, HISTORY = "fetched", "manual", "history"
NOON: Final = time(12, tzinfo=UTC)
"""Time of day at which a price of a past day counts as seen."""


@dataclass(slots=True)
class PriceChanges:
    """Changes by a batch of answers that are not stored yet."""

    queries: list[QueryRow] = field(default_factory=list)
    fresh: list[PriceRow] = field(default_factory=list)
    again: list[SeenAgain] = field(default_factory=list)
    days: list[DayRow] = field(default_factory=list)
    changed: set[UUID] = field(default_factory=set)
    """Targets whose offers have changed."""


class PriceRecorder:
    """Stores answers in batches, and publishes events of searches that fail or recover."""

    def __init__(
        self,
        *,
        prices: PriceRepository,
        evaluate: WatchEvaluator,
        providers: ProviderRegistry,
        clock: Clock,
        offers_kept: int,
        outlier_percent: float,
        agree_percent: float,
        tell_after: int,
    ) -> None:
        self._prices = prices
        self._evaluate = evaluate
        self._providers = providers
        self._clock = clock
        self._offers_kept = offers_kept
        self._outlier_percent = outlier_percent
        self._agree_percent = agree_percent
        self._tell_after = tell_after

    async def record(self, observations: Sequence[Observation[SearchResult]]) -> set[UUID]:
        """Store answers; return the targets with changed offers. They get new snapshots, the others a new `seen_at`."""
        today = self._clock.now().date()
        targets = [observation.target.id for observation in observations]
        known = {query.target_id: query for query in await self._prices.known(targets=targets, today=today)}
        changes = PriceChanges()
        for observation in observations:
            query = known.get(observation.target.id)
            if query is not None:  # None if its trip was removed during the fetch
                self._take(changes, query, observation)
        if changes.queries:
            await self._prices.write(changes.queries, fresh=changes.fresh, again=changes.again, days=changes.days)
        events = await self._recovered([query for query in known.values() if query.failures])
        await self._evaluate.evaluate_queries([row.id for row in changes.queries], *events)
        return changes.changed

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        """Count failures; notify watchers once per series of failures. Prices and watches do not change."""
        reasons = {failure.target.id: failure.failure.reason.value for failure in failures}
        failed = await self._prices.fail(list(reasons), now=self._clock.now())
        failing = {query.id: query for query in failed if query.failures >= self._tell_after}
        for query in failing.values():
            if query.failures == self._tell_after:
                structlog.get_logger(__name__).warning(
                    "no_prices", query=query.key, reason=reasons[query.target_id], since=query.failing_since
                )
        watchers = await self._prices.told_failing(list(failing)) if failing else []
        pairs = [(failing[watcher.query_id], watcher) for watcher in watchers]
        events = [self._event(WATCH_FAILING, query, watcher, reasons[query.target_id]) for query, watcher in pairs]
        await self._evaluate.evaluate_queries([], *events)

    async def _recovered(self, queries: Sequence[KnownQuery]) -> list[NewEvent]:
        """Return an event for each person who was notified that these fail; it is private, as travel plans are."""
        by_id = {query.id: query for query in queries}
        for query in queries:
            if query.failures >= self._tell_after:
                structlog.get_logger(__name__).info("prices_again", query=query.key, failing_since=query.failing_since)
        watchers = await self._prices.told_recovered(list(by_id)) if by_id else []
        return [self._event(WATCH_RECOVERED, by_id[watcher.query_id], watcher, None) for watcher in watchers]

    def _take(self, changes: PriceChanges, query: KnownQuery, observation: Observation[SearchResult]) -> None:
        """Compare an answer with the last one of its search, and add the differences to `changes`."""
        result, at = observation.value, observation.at
        offers = _cheapest_offers(result, self._offers_kept)
        digest = blake2b(msgspec.json.encode(offers), digest_size=16).digest()
        cheapest = result.cheapest
        if query.checked_at is None:
            query = _with_history(changes, query, result, at)
        doubted = cheapest is not None and self._is_doubtful(cheapest, query)
        same = digest == query.digest and query.captured_at is not None
        captured_at = query.captured_at if same and query.captured_at is not None else at
        snapshot_id = query.snapshot_id
        if same:
            changes.again.append(SeenAgain(query_id=query.id, captured_at=captured_at, seen_at=at))
        elif offers or query.digest is not None:
            changes.changed.add(observation.target.id)
        if not same:
            rows = _rows(offers, query, observation, stored_at=self._clock.now(), suspect=doubted)
            changes.fresh += rows
            snapshot_id = next((row.id for row in rows if row.cheapest), None)
        price = None if cheapest is None else cheapest.price
        if price is not None and not doubted:
            changes.days.append(DayRow(query_id=query.id, day=at.astimezone(UTC).date(), price=price))
        changes.queries.append(
            QueryRow(
                id=query.id,
                checked_at=at,
                captured_at=captured_at,
                # While a price is doubted, the last trusted price and its snapshot stay.
                snapshot_id=query.snapshot_id if doubted else snapshot_id,
                price=query.price if doubted else price,
                digest=None if doubted else digest.hex(),  # a price that confirms it is stored as new
                offers=result.count,
                suspect=price if doubted else None,
                level=result.insights.level,
                typical_low=result.insights.typical_low,
                typical_high=result.insights.typical_high,
            )
        )

    def _is_doubtful(self, cheapest: PriceResult, query: KnownQuery) -> bool:
        """True if a price must be confirmed first: far below the usual one, and not shown by the fetch before.

        A low price that disagrees with a doubted price shows that the doubted one was a glitch, and is doubted itself.
        """
        price, trusted = cheapest.price, query.price
        if price is None or not is_outlier(price, median=query.median, days=query.days, percent=self._outlier_percent):
            return False
        if trusted is not None and (price >= trusted or agrees(price, trusted, percent=self._agree_percent)):
            return False
        return query.suspect is None or not agrees(price, query.suspect, percent=self._agree_percent)

    def _event(
        self, event: EventType, query: KnownQuery | FailedQuery, watcher: Watcher, reason: str | None
    ) -> NewEvent:
        update = QueryUpdate(
            watch_id=watcher.watch_id,
            provider=query.provider,
            origin=query.origin,
            destination=query.destination,
            departs_on=query.departs_on,
            returns_on=query.returns_on,
            reason=reason,
            since=query.failing_since,
            url=self._providers.link(ScrapeQuery.read(query.key)),
        )
        return NewEvent(
            event=event, aggregate=f"price_watch:{watcher.watch_id}", payload=update, user_id=watcher.user_id
        )


def _cheapest_offers(result: SearchResult, most: int) -> list[PriceResult]:
    """Return the `most` cheapest offers; only these are stored."""
    return sorted(result.offers, key=lambda offer: offer.rank)[:most]


def _with_history(changes: PriceChanges, query: KnownQuery, result: SearchResult, at: datetime) -> KnownQuery:
    """Add the site's prices of past days to `changes`, for the first fetch of a search; return it with its history."""
    today = at.astimezone(UTC).date()
    past = {point.day: point.price for point in result.insights.history if point.day < today}
    for day, price in sorted(past.items()):
        moment = datetime.combine(day, NOON)
        changes.days.append(DayRow(query_id=query.id, day=day, price=price))
        changes.fresh.append(
            PriceRow(
                id=new_id(),
                query_id=query.id,
                captured_at=moment,
                seen_at=moment,
                price=price,
                currency=ScrapeQuery.read(query.key).currency,
                cheapest=True,
                origin=HISTORY,
            )
        )
    usual = [price for day, price in past.items() if day >= today - timedelta(days=USUAL_DAYS)]
    return msgspec.structs.replace(query, days=len(past), median=median_low(usual) if usual else None)


def _rows(
    offers: Sequence[PriceResult],
    query: KnownQuery,
    observation: Observation[SearchResult],
    *,
    stored_at: datetime,
    suspect: bool,
) -> list[PriceRow]:
    """Return snapshot rows; the first is the cheapest, if it has a price. Digests read the time of storage from ids."""
    return [
        PriceRow(
            id=new_id(at=stored_at),
            query_id=query.id,
            captured_at=observation.at,
            seen_at=observation.at,
            price=offer.price,
            currency=offer.currency,
            cheapest=number == 0 and offer.price is not None,
            suspect=suspect and number == 0,
            origin=FETCHED,
            airline=offer.airline,
            airline_name=offer.airline_name,
            stops=offer.stops,
            departs_at=offer.departs_at,
            departs_offset=offset_of(offer.departs_at),
            arrives_at=offer.arrives_at,
            arrives_offset=offset_of(offer.arrives_at),
            duration_minutes=offer.duration_minutes,
            reference=offer.flights or None,
            run_id=observation.target.run_id,
        )
        for number, offer in enumerate(offers)
    ]


def offset_of(at: datetime | None) -> int | None:
    """Return the UTC offset in minutes east; None for a time without one."""
    offset = at.utcoffset() if at is not None else None
    return None if offset is None else int(offset.total_seconds() // 60)
