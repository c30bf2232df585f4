"""Searches of watches: created once, fetched at the shortest interval of their watches, removed with the last trip."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from shared.clock import Clock
from shared.scraping.target import Priority, Trigger
from shared.scraping.targets import Targets
from trackers.flights.airports import Airports
from trackers.flights.errors import NothingToScrape, RefreshCooldown, TooManyFetches
from trackers.flights.providers import ProviderRegistry
from trackers.flights.repository import FlightRepository
from trackers.flights.rows import Demand, TripRow, new_query
from trackers.flights.search import ScrapeQuery

MAX_AWAITED: Final = 20
"""Maximum requested fetches of a person that wait at a time, because they delay the fetches of everybody else."""
FOR_NOW: Final = timedelta(days=1)
"""Interval of a new search until `settle` sets the final one."""


class Searches:
    """Creates, fetches and removes searches in the open session."""

    def __init__(
        self,
        *,
        flights: FlightRepository,
        targets: Targets,
        providers: ProviderRegistry,
        airports: Airports,
        clock: Clock,
        cooldown: float,
    ) -> None:
        self._flights = flights
        self._targets = targets
        self._providers = providers
        self._airports = airports
        self._clock = clock
        self._cooldown = timedelta(seconds=cooldown)

    async def make(self, trip: TripRow, searches: Sequence[ScrapeQuery]) -> list[UUID]:
        """Link searches to a trip, create those that do not exist yet, and return their ids.

        Locks their targets: nobody removes a target or records its result before this transaction ends.
        """
        scraped = [search for search in searches if self._providers[search.provider].scraped]
        targets: dict[str, UUID] = {}
        for provider in {search.provider for search in scraped}:
            keys = {search.key: search.key for search in scraped if search.provider == provider}
            targets |= await self._targets.track(provider, keys, interval=FOR_NOW)
        queries = [
            new_query(
                search,
                target_id=targets.get(search.key),
                trip_id=None if search.key in targets else trip.id,
                ends_at=self._airports.end_of(search.departs_on, search.origin),
            )
            for search in searches
        ]
        await self._flights.add_queries(queries, now=self._clock.now())
        known = await self._flights.found([query.key for query in queries])
        ids = [known[query.key][0] for query in queries]
        await self._flights.link(trip.id, ids)
        return ids

    async def lock(
        self,
        *,
        watches: Sequence[UUID] = (),
        trips: Sequence[UUID] = (),
        queries: Sequence[UUID] = (),
        wanted: Sequence[ScrapeQuery] = (),
    ) -> list[UUID]:
        """Lock the targets of these searches, of those of the watches and trips, and of `wanted`.

        Returns the ids of the searches, without those of `wanted`. Call it before any other row of them is locked, as
        the engine does when it records an answer. A transaction that locks a watch before its target could deadlock
        with a worker that has locked the target and waits for the watch.
        """
        searches = list({*queries, *await self._flights.queries_of(watches=watches, trips=trips)})
        known = await self._flights.found([search.key for search in wanted])
        await self._targets.lock(
            await self._flights.targets([*searches, *(query_id for query_id, _ in known.values())])
        )
        return searches

    async def settle(self, queries: Sequence[UUID]) -> None:
        """Set interval and priority of searches by their demand; remove ended targets and searches without a trip."""
        await self._targets.lock(await self._flights.targets(queries))
        now = self._clock.now()
        demands = await self._flights.demand(queries, now=now)
        ended = [demand.target_id for demand in demands if demand.ended]
        active = [demand for demand in demands if demand.wanted and not demand.ended]
        if unwanted := [demand.id for demand in demands if not demand.wanted]:
            ended += await self._flights.remove_unwanted(unwanted)
        if ended:
            await self._targets.forget(ended)
        for demand in active:
            if demand.interval_minutes is not None:
                interval = timedelta(minutes=demand.interval_minutes)
                await self._targets.set_interval(demand.target_id, interval=interval, steady=True)
        if active:
            await self._targets.set_priority(
                {
                    demand.target_id: Priority.ON_REQUEST if demand.interval_minutes is None else Priority.ROUTINE
                    for demand in active
                }
            )
        for provider in {demand.provider for demand in active}:
            late = [demand.target_id for demand in active if demand.provider == provider and _is_late(demand, now)]
            if late and self._providers.is_on(provider):
                await self._targets.request_run(provider, late, trigger=Trigger.REGISTRATION)

    async def leave(self, queries: Sequence[UUID]) -> None:
        """Release searches that a watch no longer uses; unlink those that never had an answer from their trip."""
        await self._flights.unlink_unknown(queries)
        await self.settle(queries)

    async def request_run(self, provider: str, queries: Sequence[UUID], *, user_id: UUID) -> list[UUID]:
        """Request runs of searches of one provider for a person, ahead of scheduled runs; return their task ids.

        Raises NothingToScrape if no search can be fetched, RefreshCooldown within the cooldown of the last fetch,
        TooManyFetches while too many requested fetches of this person wait.
        """
        now = self._clock.now()
        requested = await self._flights.asked(queries, now=now)
        if not requested:
            raise NothingToScrape("There is nothing to fetch: the day of departure is over.")
        waits = [
            (search.last_attempt_at + self._cooldown - now).total_seconds()
            for search in requested
            if search.last_attempt_at is not None and not search.awaited
        ]
        if len(waits) == len(requested) and min(waits) > 0:
            raise RefreshCooldown(
                f"The last fetch was less than {self._cooldown.total_seconds():g} s ago; "
                f"try again in {min(waits):.0f} s.",
                retry_after=min(waits),
            )
        if not all(search.awaited for search in requested) and await self._flights.awaited(user_id) >= MAX_AWAITED:
            raise TooManyFetches(
                f"{MAX_AWAITED} fetches that you requested are still waiting; try again when some have finished.",
                retry_after=self._cooldown.total_seconds(),
            )
        tasks = await self._targets.request_run(provider, [search.target_id for search in requested])
        return [tasks[search.target_id] for search in requested if search.target_id in tasks]


def around(query: ScrapeQuery, days: int) -> list[ScrapeQuery]:
    """Return a search and the same journey moved by up to `days` days before and after it."""
    return [query] + [moved(query, by) for by in range(-days, days + 1) if by]


def moved(query: ScrapeQuery, days: int) -> ScrapeQuery:
    """Return the search for the same journey `days` days later."""
    by = timedelta(days=days)
    return ScrapeQuery(
        provider=query.provider,
        origin=query.origin,
        destination=query.destination,
        departs_on=query.departs_on + by,
        returns_on=None if query.returns_on is None else query.returns_on + by,
        travellers=query.travellers,
        cabin=query.cabin,
        max_stops=query.max_stops,
        currency=query.currency,
    )


def _is_late(demand: Demand, now: datetime) -> bool:
    """True if the last answer is older than the interval, because the interval has become shorter."""
    if demand.interval_minutes is None or demand.checked_at is None:
        return False
    return demand.checked_at + timedelta(minutes=demand.interval_minutes) < now
