"""The rules of price watches: on a trip of one's own, of a provider that we know, begun anew when changed."""

from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.ids import new_id
from shared.web.identity import Identity
from trackers.flights.airports import Airports
from trackers.flights.errors import (
    ImpossibleWatch,
    NothingToScrape,
    TripDeparted,
    TripNotFound,
    WatchLimitReached,
    WatchNotFound,
)
from trackers.flights.money import checked_currency
from trackers.flights.providers import ProviderRegistry
from trackers.flights.queries import WatchQueries
from trackers.flights.repository import FlightRepository
from trackers.flights.rows import TripRow, WatchRow
from trackers.flights.schemas import CreateWatch, ScrapeStarted, UpdateWatch, WatchView
from trackers.flights.search import ScrapeQuery
from trackers.flights.services.searches import Searches, around
from users.access import AccessPolicy
from users.accounts.service import AccountService

ANEW: Final = (
    "target_price", "provider", "currency", "cabin_class", "flexible_days", "below_median_percent", "median_days",
    "lowest_ever",
)  # fmt: skip
"""What a watch asks for: where one of these changes, or it is active again, what was told before counts no more."""


class WatchService:
    """Making, changing, removing and scraping watches. Somebody else's is not found."""

    def __init__(
        self,
        *,
        flights: FlightRepository,
        views: WatchQueries,
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
        self._searches = searches
        self._providers = providers
        self._airports = airports
        self._accounts = accounts
        self._access = access
        self._activity = activity
        self._clock = clock
        self._most = most

    async def create_watch(self, given: CreateWatch, *, asker: Identity) -> WatchView:
        """Raises TripNotFound, UnknownProvider, UnknownCurrency, TripDeparted or WatchLimitReached."""
        await self._accounts.lock((await self._trip(given.trip_id, asker)).user_id)
        trip = await self._trip(given.trip_id, asker)
        watch = self._checked(
            WatchRow(id=new_id(), user_id=trip.user_id, is_active=True, **msgspec.structs.asdict(given)), trip
        )
        _, watches = await self._flights.counts(trip.user_id)
        if watches >= self._most:
            raise WatchLimitReached(f"You have {watches} watches, as many as one may have; remove one first.")
        await self._flights.add_watch(watch, now=self._clock.now())
        await self._follow(watch, trip)
        await self._note("price_watch.created", watch, asker)
        return await self._views.get_watch(asker, watch.id)

    async def update_watch(self, watch_id: UUID, given: UpdateWatch, *, asker: Identity) -> WatchView:
        """Raises WatchNotFound, and what `create_watch` does."""
        await self._accounts.lock((await self._owned(watch_id, asker)).user_id)
        watch = await self._owned(watch_id, asker)  # as it is now that nobody else can change it
        changes = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not UNSET}
        trip = await self._trip(watch.trip_id, asker)
        changed = self._checked(msgspec.structs.replace(watch, **changes), trip)
        await self._searches.lock(watches=[watch_id], wanted=self._wanted(changed, trip))
        await self._flights.change_watch(changed, now=self._clock.now())
        woken = changed.is_active and not watch.is_active  # whatever happened meanwhile was not seen
        if woken or any(getattr(changed, name) != getattr(watch, name) for name in ANEW):
            await self._flights.arm([watch_id], now=self._clock.now())
        await self._follow(changed, trip)
        await self._note("price_watch.updated", changed, asker)
        return await self._views.get_watch(asker, watch_id)

    async def remove_watch(self, watch_id: UUID, *, asker: Identity) -> None:
        """With what it told; the prices stay with the trip. Raises WatchNotFound."""
        await self._accounts.lock((await self._owned(watch_id, asker)).user_id)
        watch = await self._owned(watch_id, asker)
        queries = await self._searches.lock(watches=[watch_id])
        await self._flights.remove_watch(watch_id)
        await self._searches.leave(queries)
        await self._note("price_watch.removed", watch, asker)

    async def scrape_watch(self, watch_id: UUID, *, asker: Identity) -> ScrapeStarted:
        """Look at a watch's prices now, whether it is active or not.

        Raises WatchNotFound, TripDeparted, NothingToScrape, ProviderIsOff, RefreshCooldown, TooManyFetches.
        """
        await self._accounts.lock((await self._owned(watch_id, asker)).user_id)
        watch = await self._owned(watch_id, asker)
        trip = await self._trip(watch.trip_id, asker)
        self._check_departed(trip)
        if not self._providers[watch.provider].scraped:
            raise NothingToScrape(f"Nothing is fetched of {watch.provider}: its prices are typed in or pushed.")
        self._providers.scraped(watch.provider)
        queries = await self._flights.queries_of(watches=[watch_id])
        tasks = await self._searches.request_run(watch.provider, queries, user_id=watch.user_id)
        return ScrapeStarted(task_id=tasks[0], task_ids=tasks)

    async def lock_trip(self, trip: TripRow) -> None:
        """Hold what the watches of a trip look at, and what they are to look at, before the trip is changed."""
        watches = await self._flights.watches_of_trip(trip.id)
        await self._searches.lock(
            trips=[trip.id], wanted=[one for watch in watches for one in self._wanted(watch, trip)]
        )

    async def follow_trip(self, trip: TripRow) -> None:
        """Have the watches of a trip look at the journey that it is now, as if they were new."""
        watches = await self._flights.watches_of_trip(trip.id)
        await self._flights.arm([watch.id for watch in watches], now=self._clock.now())
        for watch in watches:
            await self._follow(watch, trip)

    async def _follow(self, watch: WatchRow, trip: TripRow) -> None:
        """Rest a watch on the searches that it asks for, and on no others."""
        before = await self._flights.queries_of(watches=[watch.id])
        queries = await self._searches.make(trip, self._wanted(watch, trip))
        await self._flights.link(trip.id, queries, watch_id=watch.id)
        await self._searches.leave([one for one in before if one not in queries])
        await self._searches.settle(queries)

    def _wanted(self, watch: WatchRow, trip: TripRow) -> list[ScrapeQuery]:
        """The searches that a watch asks for: the trip's day, and of the days around those that are not over."""
        search = trip.search(provider=watch.provider, cabin=watch.cabin_class, currency=watch.currency)
        now = self._clock.now()
        return [
            one
            for one in around(search, watch.flexible_days)
            if one.departs_on == search.departs_on or self._airports.end_of(one.departs_on, one.origin) > now
        ]

    def _checked(self, watch: WatchRow, trip: TripRow) -> WatchRow:
        provider = self._providers[watch.provider]
        if not provider.scraped and watch.flexible_days:
            raise ImpossibleWatch(
                f"Of {provider.name} nothing is fetched, so it has no prices of other days.",
                extra={"field": "flexible_days"},
            )
        if watch.is_active:
            self._check_departed(trip)
        return msgspec.structs.replace(watch, currency=checked_currency(watch.currency))

    def _check_departed(self, trip: TripRow) -> None:
        if trip.ends_at <= self._clock.now():
            raise TripDeparted("This trip has departed; give it another date to watch it again.")

    async def _owned(self, watch_id: UUID, asker: Identity) -> WatchRow:
        watch = await self._flights.watch(watch_id)
        if watch is None or not self._access.may_use_private(asker, watch.user_id):
            raise WatchNotFound(watch_id)
        return watch

    async def _trip(self, trip_id: UUID, asker: Identity) -> TripRow:
        trip = await self._flights.trip(trip_id)
        if trip is None or not self._access.may_use_private(asker, trip.user_id):
            raise TripNotFound(trip_id)
        return trip

    async def _note(self, event: str, watch: WatchRow, asker: Identity) -> None:
        details = {"trip_id": str(watch.trip_id), "provider": watch.provider, "target_price": watch.target_price}
        await self._activity.record(
            event, subject="price_watch", subject_id=watch.id, user_id=watch.user_id, actor=asker, details=details
        )
