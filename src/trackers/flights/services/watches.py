"""Rules of price watches: on your own trip, with a known provider, reset by changes."""

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
"""Fields that reset a watch when they change: its earlier alerts no longer count. Activation resets it as well."""


class WatchService:
    """Creates, changes, removes and scrapes watches. A watch of another person is not found."""

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
        """Create a watch.

        Raises TripNotFound, UnknownProvider, UnknownCurrency, ImpossibleWatch, TripDeparted or WatchLimitReached.
        """
        await self._accounts.lock((await self._trip(given.trip_id, asker)).user_id)
        trip = await self._trip(given.trip_id, asker)
        watch = self._checked(
            WatchRow(id=new_id(), user_id=trip.user_id, is_active=True, **msgspec.structs.asdict(given)), trip
        )
        _, watches = await self._flights.counts(trip.user_id)
        if watches >= self._most:
            raise WatchLimitReached(f"You have {watches} watches, which is the maximum; remove a watch first.")
        await self._flights.add_watch(watch, now=self._clock.now())
        await self._follow(watch, trip)
        await self._note("price_watch.created", watch, asker)
        return await self._views.get_watch(asker, watch.id)

    async def update_watch(self, watch_id: UUID, given: UpdateWatch, *, asker: Identity) -> WatchView:
        """Change a watch. Raises WatchNotFound, and the errors of `create_watch` except WatchLimitReached."""
        await self._accounts.lock((await self._owned(watch_id, asker)).user_id)
        watch = await self._owned(watch_id, asker)  # read again, now that it is locked
        changes = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not UNSET}
        trip = await self._trip(watch.trip_id, asker)
        changed = self._checked(msgspec.structs.replace(watch, **changes), trip)
        await self._searches.lock(watches=[watch_id], wanted=self._needed(changed, trip))
        await self._flights.change_watch(changed, now=self._clock.now())
        activated = changed.is_active and not watch.is_active  # an inactive watch does not see price changes
        if activated or any(getattr(changed, name) != getattr(watch, name) for name in ANEW):
            await self._flights.arm([watch_id], now=self._clock.now())
        await self._follow(changed, trip)
        await self._note("price_watch.updated", changed, asker)
        return await self._views.get_watch(asker, watch_id)

    async def remove_watch(self, watch_id: UUID, *, asker: Identity) -> None:
        """Remove a watch with its alerts; the prices stay with the trip. Raises WatchNotFound."""
        await self._accounts.lock((await self._owned(watch_id, asker)).user_id)
        watch = await self._owned(watch_id, asker)
        queries = await self._searches.lock(watches=[watch_id])
        await self._flights.remove_watch(watch_id)
        await self._searches.leave(queries)
        await self._note("price_watch.removed", watch, asker)

    async def scrape_watch(self, watch_id: UUID, *, asker: Identity) -> ScrapeStarted:
        """Fetch the prices of a watch now, active or not.

        Raises WatchNotFound, TripDeparted, NothingToScrape, ProviderIsOff, RefreshCooldown, TooManyFetches.
        """
        await self._accounts.lock((await self._owned(watch_id, asker)).user_id)
        watch = await self._owned(watch_id, asker)
        trip = await self._trip(watch.trip_id, asker)
        self._check_departed(trip)
        if not self._providers[watch.provider].scraped:
            raise NothingToScrape(
                f"Prices for {watch.provider} are not fetched; people enter them by hand or send them through the API."
            )
        self._providers.scraped(watch.provider)
        queries = await self._flights.queries_of(watches=[watch_id])
        tasks = await self._searches.request_run(watch.provider, queries, user_id=watch.user_id)
        return ScrapeStarted(task_id=tasks[0], task_ids=tasks)

    async def lock_trip(self, trip: TripRow) -> None:
        """Lock the targets of a trip's watches, as they are and as `trip` needs them; call it before the change."""
        watches = await self._flights.watches_of_trip(trip.id)
        await self._searches.lock(
            trips=[trip.id], wanted=[search for watch in watches for search in self._needed(watch, trip)]
        )

    async def follow_trip(self, trip: TripRow) -> None:
        """Reset the watches of a trip and link them to the searches of its new journey."""
        watches = await self._flights.watches_of_trip(trip.id)
        await self._flights.arm([watch.id for watch in watches], now=self._clock.now())
        for watch in watches:
            await self._follow(watch, trip)

    async def _follow(self, watch: WatchRow, trip: TripRow) -> None:
        """Link a watch to the searches that it needs, and to no others."""
        before = await self._flights.queries_of(watches=[watch.id])
        queries = await self._searches.make(trip, self._needed(watch, trip))
        await self._flights.link(trip.id, queries, watch_id=watch.id)
        await self._searches.leave([query for query in before if query not in queries])
        await self._searches.settle(queries)

    def _needed(self, watch: WatchRow, trip: TripRow) -> list[ScrapeQuery]:
        """Return the searches of a watch: the day of the trip, and those days around it that are not over."""
        search = trip.search(provider=watch.provider, cabin=watch.cabin_class, currency=watch.currency)
        now = self._clock.now()
        return [
            query
            for query in around(search, watch.flexible_days)
            if query.departs_on == search.departs_on or self._airports.end_of(query.departs_on, query.origin) > now
        ]

    def _checked(self, watch: WatchRow, trip: TripRow) -> WatchRow:
        provider = self._providers[watch.provider]
        if not provider.scraped and watch.flexible_days:
            raise ImpossibleWatch(
                f"Prices for {provider.name} are not fetched, so prices for other departure dates are not available.",
                extra={"field": "flexible_days"},
            )
        if watch.is_active:
            self._check_departed(trip)
        return msgspec.structs.replace(watch, currency=checked_currency(watch.currency))

    def _check_departed(self, trip: TripRow) -> None:
        if trip.ends_at <= self._clock.now():
            raise TripDeparted("This trip has departed; change its date to watch it again.")

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
