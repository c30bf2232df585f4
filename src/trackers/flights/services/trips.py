"""Rules of trips: private, in the future, for up to nine travellers."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.ids import new_id
from shared.web.identity import Identity
from trackers.flights.airports import Airports
from trackers.flights.errors import ImpossibleTrip, NothingToScrape, TripDeparted, TripLimitReached, TripNotFound
from trackers.flights.money import checked_currency
from trackers.flights.providers import GOOGLE_FLIGHTS, ProviderRegistry
from trackers.flights.queries import TripQueries
from trackers.flights.repository import FlightRepository
from trackers.flights.rows import TripRow
from trackers.flights.schemas import CreateTrip, ScrapeStarted, ScrapeTrip, TripView, UpdateTrip
from trackers.flights.search import MAX_TRAVELLERS, Cabin
from trackers.flights.services.searches import Searches
from trackers.flights.services.watches import WatchService
from users.access import AccessPolicy
from users.accounts.service import AccountService

FURTHEST: Final = timedelta(days=730)
"""Longest time until departure; nobody sells seats further ahead."""
MAX_STAY: Final = timedelta(days=365)
"""Longest time between the two flights of a journey."""
DOLLARS: Final = "USD"


class TripService:
    """Creates, changes, removes and scrapes trips. A trip of another person is not found."""

    def __init__(
        self,
        *,
        flights: FlightRepository,
        views: TripQueries,
        watches: WatchService,
        searches: Searches,
        providers: ProviderRegistry,
        airports: Airports,
        accounts: AccountService,
        access: AccessPolicy,
        activity: ActivityLog,
        clock: Clock,
        most: int,
    ) -> None:
        self._flights = flights
        self._views = views
        self._watches = watches
        self._searches = searches
        self._providers = providers
        self._airports = airports
        self._accounts = accounts
        self._access = access
        self._activity = activity
        self._clock = clock
        self._most = most

    async def create_trip(self, user_id: UUID, given: CreateTrip, *, asker: Identity) -> TripView:
        """Create a trip. Raises UnknownAirport, ImpossibleTrip or TripLimitReached."""
        trip = self._checked(
            TripRow(
                id=new_id(),
                user_id=user_id,
                ends_at=self._clock.now(),
                **msgspec.structs.asdict(given),
            )
        )
        await self._accounts.lock(user_id)
        trips, _ = await self._flights.counts(user_id)
        if trips >= self._most:
            raise TripLimitReached(f"You have {trips} trips, which is the maximum; remove a trip first.")
        await self._flights.add_trip(trip, now=self._clock.now())
        await self._note("trip.created", trip, asker)
        return await self._views.get_trip(asker, trip.id)

    async def update_trip(self, trip_id: UUID, given: UpdateTrip, *, asker: Identity) -> TripView:
        """Change a trip; another journey resets its watches. Raises TripNotFound, UnknownAirport or ImpossibleTrip."""
        await self._accounts.lock((await self._owned(trip_id, asker)).user_id)
        trip = await self._owned(trip_id, asker)  # read again, now that it is locked
        changes = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not UNSET}
        changed = msgspec.structs.replace(trip, **changes)
        elsewhere = _journey(changed) != _journey(trip)
        if elsewhere:
            changed = self._checked(changed)
            await self._watches.lock_trip(changed)
        else:
            changed = msgspec.structs.replace(
                changed, name=_stripped(changed.name), origin=trip.origin, destination=trip.destination
            )
        await self._flights.change_trip(changed, now=self._clock.now())
        if elsewhere:
            await self._watches.follow_trip(changed)
        await self._note("trip.updated", changed, asker)
        return await self._views.get_trip(asker, trip_id)

    async def remove_trip(self, trip_id: UUID, *, asker: Identity) -> None:
        """Remove a trip with its watches and alerts, and the searches that no other trip uses. Raises TripNotFound."""
        await self._accounts.lock((await self._owned(trip_id, asker)).user_id)
        trip = await self._owned(trip_id, asker)
        queries = await self._searches.lock(trips=[trip_id])
        await self._flights.remove_trip(trip_id)
        await self._searches.settle(queries)
        await self._note("trip.removed", trip, asker)

    async def scrape_trip(self, trip_id: UUID, given: ScrapeTrip, *, asker: Identity) -> ScrapeStarted:
        """Fetch the prices of a trip now: the given search, or else those of its watches or an economy seat in USD.

        Raises TripNotFound, TripDeparted, UnknownProvider, ProviderIsOff, NothingToScrape, RefreshCooldown,
        TooManyFetches.
        """
        await self._accounts.lock((await self._owned(trip_id, asker)).user_id)
        trip = await self._owned(trip_id, asker)
        if trip.ends_at <= self._clock.now():
            raise TripDeparted("This trip has departed.")
        name = given.provider or GOOGLE_FLIGHTS
        if not self._providers[name].scraped:
            raise NothingToScrape(
                f"Prices for {name} are not fetched; people enter them by hand or send them through the API."
            )
        self._providers.scraped(name)
        watched = [
            watch
            for watch in await self._flights.watches_of_trip(trip_id)
            if watch.is_active and watch.provider == name
        ]
        if watched and given.cabin_class is None and given.currency is None:
            queries = await self._flights.queries_of(watches=[watch.id for watch in watched])
        else:
            search = trip.search(
                provider=name,
                cabin=given.cabin_class or Cabin.ECONOMY,
                currency=checked_currency(given.currency or DOLLARS),
            )
            queries = await self._searches.make(trip, [search])
            await self._searches.settle(queries)
        tasks = await self._searches.request_run(name, queries, user_id=trip.user_id)
        return ScrapeStarted(task_id=tasks[0], task_ids=tasks)

    async def _owned(self, trip_id: UUID, asker: Identity) -> TripRow:
        trip = await self._flights.trip(trip_id)
        if trip is None or not self._access.may_use_private(asker, trip.user_id):
            raise TripNotFound(trip_id)
        return trip

    def _checked(self, trip: TripRow) -> TripRow:
        """Return the trip with airports in capitals and `ends_at` set. Raises UnknownAirport or ImpossibleTrip."""
        origin = self._airports.checked(trip.origin, field="origin")
        destination = self._airports.checked(trip.destination, field="destination")
        if origin == destination:
            raise ImpossibleTrip("Origin and destination are the same.", extra={"field": "destination"})
        now = self._clock.now()
        if trip.departs_on > now.date() + FURTHEST:
            raise ImpossibleTrip("departs_on is more than two years away.", extra={"field": "departs_on"})
        if (
            trip.departs_on < now.date() - timedelta(days=1)
            or (ends_at := self._airports.end_of(trip.departs_on, origin)) <= now
        ):
            raise ImpossibleTrip("departs_on is in the past at the origin.", extra={"field": "departs_on"})
        _check_return(trip.departs_on, trip.returns_on)
        _check_travellers(trip)
        return msgspec.structs.replace(
            trip, name=_stripped(trip.name), origin=origin, destination=destination, ends_at=ends_at
        )

    async def _note(self, event: str, trip: TripRow, asker: Identity) -> None:
        details = {"origin": trip.origin, "destination": trip.destination, "departs_on": trip.departs_on.isoformat()}
        await self._activity.record(
            event, subject="trip", subject_id=trip.id, user_id=trip.user_id, actor=asker, details=details
        )


def _journey(trip: TripRow) -> tuple[object, ...]:
    """Return the fields that make a different journey if they change."""
    return (
        trip.origin.upper(), trip.destination.upper(), trip.departs_on, trip.returns_on, trip.adults, trip.children,
        trip.infants_in_seat, trip.infants_on_lap, trip.max_stops,
    )  # fmt: skip


def _stripped(name: str | None) -> str | None:
    return name.strip() if name else None


def _check_return(departs_on: date, returns_on: date | None) -> None:
    if returns_on is None:
        return
    if returns_on < departs_on:
        raise ImpossibleTrip("returns_on is before departs_on.", extra={"field": "returns_on"})
    if returns_on > departs_on + MAX_STAY:
        raise ImpossibleTrip("returns_on is more than a year after departs_on.", extra={"field": "returns_on"})


def _check_travellers(trip: TripRow) -> None:
    count = trip.adults + trip.children + trip.infants_in_seat + trip.infants_on_lap
    if count > MAX_TRAVELLERS:
        raise ImpossibleTrip(
            f"{count} travellers are too many; the maximum is {MAX_TRAVELLERS}.",
            extra={"field": "adults"},
        )
    if trip.infants_on_lap > trip.adults:
        raise ImpossibleTrip("Every infant on a lap needs its own adult.", extra={"field": "infants_on_lap"})
