"""The searches behind watches: made once, fetched at the shortest interval that is wanted, dropped with the last."""

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
"""Looks that one person may have asked for and still wait for: they go ahead of everybody else's, at one pace."""
FOR_NOW: Final = timedelta(days=1)
"""Interval of a search that is just being made; `settle` sets the one that is wanted."""


class Searches:
    """On the open session."""

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
        """Ids of these searches of a trip, which is theirs from now on; what nobody asked before is made.

        Targets are held from here on: nobody drops one of them, or records about it, before this transaction ends.
        """
        scraped = [one for one in searches if self._providers[one.provider].scraped]
        targets: dict[str, UUID] = {}
        for provider in {one.provider for one in scraped}:
            keys = {one.key: one.key for one in scraped if one.provider == provider}
            targets |= await self._targets.track(provider, keys, interval=FOR_NOW)
        made = [
            new_query(
                one,
                target_id=targets.get(one.key),
                trip_id=None if one.key in targets else trip.id,
                ends_at=self._airports.end_of(one.departs_on, one.origin),
            )
            for one in searches
        ]
        await self._flights.add_queries(made, now=self._clock.now())
        found = await self._flights.found([one.key for one in made])
        ids = [found[one.key][0] for one in made]
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
        """These searches and those that watches and trips rest on; what fetches them, or `wanted`, is held then.

        Before any other row of theirs is locked, as the engine does that records an answer: who locked a watch first
        and then waited for its target would wait for a worker that waits for the watch.
        """
        searches = list({*queries, *await self._flights.queries_of(watches=watches, trips=trips)})
        known = await self._flights.found([one.key for one in wanted])
        await self._targets.lock(await self._flights.targets([*searches, *(found for found, _ in known.values())]))
        return searches

    async def settle(self, queries: Sequence[UUID]) -> None:
        """Have these fetched as often as somebody wants now, or not at all; those of no trip are forgotten."""
        await self._targets.lock(await self._flights.targets(queries))
        now = self._clock.now()
        demands = await self._flights.demand(queries, now=now)
        ended = [one.target_id for one in demands if one.ended]
        wanted = [one for one in demands if one.wanted and not one.ended]
        if unwanted := [one.id for one in demands if not one.wanted]:
            ended += await self._flights.remove_unwanted(unwanted)
        if ended:
            await self._targets.forget(ended)
        for one in wanted:
            if one.interval_minutes is not None:
                interval = timedelta(minutes=one.interval_minutes)
                await self._targets.set_interval(one.target_id, interval=interval, steady=True)
        if wanted:
            await self._targets.set_priority(
                {
                    one.target_id: Priority.ON_REQUEST if one.interval_minutes is None else Priority.ROUTINE
                    for one in wanted
                }
            )
        for provider in {one.provider for one in wanted}:
            late = [one.target_id for one in wanted if one.provider == provider and _is_late(one, now)]
            if late and self._providers.is_on(provider):
                await self._targets.request_run(provider, late, trigger=Trigger.REGISTRATION)

    async def leave(self, queries: Sequence[UUID]) -> None:
        """A watch does not rest on these any more: nothing is kept of those that never had a price to keep."""
        await self._flights.unlink_unknown(queries)
        await self.settle(queries)

    async def request_run(self, provider: str, queries: Sequence[UUID], *, user_id: UUID) -> list[UUID]:
        """Tasks that look at searches of one provider, for one person, ahead of the rest.

        Raises NothingToScrape where none can be looked at, RefreshCooldown within the cooldown of the last look,
        TooManyFetches while too many of this person's wait.
        """
        now = self._clock.now()
        asked = await self._flights.asked(queries, now=now)
        if not asked:
            raise NothingToScrape("There is no search to look at: the day of departure is over.")
        waits = [
            (one.last_attempt_at + self._cooldown - now).total_seconds()
            for one in asked
            if one.last_attempt_at is not None and not one.awaited
        ]
        if len(waits) == len(asked) and min(waits) > 0:
            raise RefreshCooldown(
                f"This was looked at less than {self._cooldown.total_seconds():g} s ago; "
                f"ask again in {min(waits):.0f} s.",
                retry_after=min(waits),
            )
        if not all(one.awaited for one in asked) and await self._flights.awaited(user_id) >= MAX_AWAITED:
            raise TooManyFetches(
                f"{MAX_AWAITED} looks that you asked for still wait; ask again when some of them are over.",
                retry_after=self._cooldown.total_seconds(),
            )
        tasks = await self._targets.request_run(provider, [one.target_id for one in asked])
        return [tasks[one.target_id] for one in asked if one.target_id in tasks]


def around(query: ScrapeQuery, days: int) -> list[ScrapeQuery]:
    """A search, and those of so many days before and after it: the whole journey is moved."""
    return [query] + [moved(query, by) for by in range(-days, days + 1) if by]


def moved(query: ScrapeQuery, days: int) -> ScrapeQuery:
    """The same journey so many days later."""
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


def _is_late(one: Demand, now: datetime) -> bool:
    """Whether the last look is longer ago than is wanted by now: somebody wants more than before."""
    if one.interval_minutes is None or one.checked_at is None:
        return False
    return one.checked_at + timedelta(minutes=one.interval_minutes) < now
