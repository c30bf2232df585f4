"""Prices that people enter or that another feed pushes; each belongs to one trip."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final
from uuid import UUID

import msgspec

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.ids import new_id
from shared.web.identity import Identity
from trackers.flights.errors import ImpossiblePrice, PriceLimitReached, TripNotFound
from trackers.flights.evaluation import WatchEvaluator
from trackers.flights.money import checked_currency
from trackers.flights.price_repository import DayRow, PriceRepository, PriceRow, QueryRow, SeenAgain
from trackers.flights.providers import MANUAL
from trackers.flights.queries import PriceQueries
from trackers.flights.recorder import MANUAL_ORIGIN, offset_of
from trackers.flights.repository import FlightRepository
from trackers.flights.rows import TripRow
from trackers.flights.schemas import PriceView, PushPrice
from trackers.flights.services.searches import Searches
from users.access import AccessPolicy
from users.accounts.service import AccountService

OLDEST: Final = timedelta(days=730)
YEARS: Final = range(1970, 3000)
SKEW: Final = timedelta(minutes=5)
"""Time by which the clock of a client may be ahead of ours."""


class PriceService:
    """Adds a price and evaluates the watches of it in one transaction, in the session of the request."""

    def __init__(
        self,
        *,
        flights: FlightRepository,
        prices: PriceRepository,
        views: PriceQueries,
        evaluate: WatchEvaluator,
        searches: Searches,
        accounts: AccountService,
        access: AccessPolicy,
        activity: ActivityLog,
        clock: Clock,
        most: int,
    ) -> None:
        self._flights = flights
        self._prices = prices
        self._views = views
        self._evaluate = evaluate
        self._searches = searches
        self._accounts = accounts
        self._access = access
        self._activity = activity
        self._clock = clock
        self._most = most

    async def push_price(self, trip_id: UUID, given: PushPrice, *, asker: Identity) -> PriceView:
        """Store a price; if it equals the last one, only update when that was last seen.

        Raises TripNotFound, UnknownCurrency, ImpossiblePrice or PriceLimitReached.
        """
        now = self._clock.now()
        _check_years(given)
        captured_at = (given.captured_at or now).astimezone(UTC)
        if not now - OLDEST < captured_at < now + SKEW:
            raise ImpossiblePrice("captured_at must be within the last two years.", extra={"field": "captured_at"})
        if given.departs_at and given.arrives_at and given.arrives_at <= given.departs_at:
            raise ImpossiblePrice("arrives_at must be after departs_at.", extra={"field": "arrives_at"})
        captured_at = min(captured_at, now)
        currency = checked_currency(given.currency)
        await self._accounts.lock((await self._owned(trip_id, asker)).user_id)
        trip = await self._owned(trip_id, asker)  # read again, now that it is locked
        (query_id,) = await self._searches.make(
            trip, [trip.search(provider=MANUAL, cabin=given.cabin_class, currency=currency)]
        )
        (known,) = await self._prices.known(ids=[query_id], today=now.date())
        offer = msgspec.structs.replace(given, captured_at=None, currency=currency)
        digest = blake2b(msgspec.json.encode(offer), digest_size=16).digest()
        newest = known.checked_at is None or captured_at >= known.checked_at
        if newest and known.digest == digest and known.captured_at and known.snapshot_id:
            snapshot_id, first_seen, fresh = known.snapshot_id, known.captured_at, []
            again = [SeenAgain(query_id=query_id, captured_at=first_seen, seen_at=captured_at)]
        else:
            if await self._prices.manual_count(trip_id) >= self._most:
                raise PriceLimitReached(f"This trip has {self._most} entered prices, which is the maximum.")
            snapshot_id, first_seen, again = new_id(at=now), captured_at, []
            fresh = [_snapshot(snapshot_id, query_id, given, currency, captured_at)]
        latest = QueryRow(
            id=query_id,
            checked_at=captured_at,
            captured_at=first_seen,
            snapshot_id=snapshot_id,
            price=given.price,
            digest=digest.hex(),
            offers=1,
            suspect=None,
        )
        await self._prices.write(
            [latest] if newest else [],
            fresh=fresh,
            again=again,
            days=[DayRow(query_id=query_id, day=captured_at.date(), price=given.price)],
        )
        if newest:
            await self._evaluate.evaluate_queries([query_id])
        await self._activity.record(
            "trip.price_entered", subject="trip", subject_id=trip_id, user_id=trip.user_id, actor=asker,
            details={"snapshot_id": str(snapshot_id), "price": given.price, "currency": currency},
        )  # fmt: skip
        return await self._views.get_price(snapshot_id)

    async def _owned(self, trip_id: UUID, asker: Identity) -> TripRow:
        trip = await self._flights.trip(trip_id)
        if trip is None or not self._access.may_use_private(asker, trip.user_id):
            raise TripNotFound(trip_id)
        return trip


def _check_years(given: PushPrice) -> None:
    """Raise ImpossiblePrice for years at the ends of the calendar, which time zones and database cannot handle."""
    for name in ("captured_at", "departs_at", "arrives_at"):
        at = getattr(given, name)
        if at is not None and at.year not in YEARS:
            raise ImpossiblePrice(f"{name} must be in the years {YEARS[0]} to {YEARS[-1]}.", extra={"field": name})


def _snapshot(snapshot_id: UUID, query_id: UUID, given: PushPrice, currency: str, at: datetime) -> PriceRow:
    return PriceRow(
        id=snapshot_id,
        query_id=query_id,
        captured_at=at,
        seen_at=at,
        price=given.price,
        currency=currency,
        cheapest=True,
        origin=MANUAL_ORIGIN,
        airline=given.airline,
        airline_name=given.airline,
        stops=given.stops,
        departs_at=given.departs_at,
        departs_offset=offset_of(given.departs_at),
        arrives_at=given.arrives_at,
        arrives_offset=offset_of(given.arrives_at),
        reference=given.reference,
    )
