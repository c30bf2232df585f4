"""Personal data in flight prices: planned trips, target prices and alerts."""

from typing import Any, Final
from uuid import UUID

from shared.scraping.targets import Targets
from trackers.flights.repository import FlightRepository
from trackers.flights.services.searches import Searches


class FlightsPersonalData:
    """Export, erasure and handover of a person's trips, their watches, alerts and prices."""

    name: Final = "flights"

    def __init__(self, *, flights: FlightRepository, searches: Searches, targets: Targets) -> None:
        self._flights = flights
        self._searches = searches
        self._targets = targets

    async def export(self, user_id: UUID) -> list[Any]:
        return list(await self._flights.everything_of(user_id))

    async def erase(self, user_id: UUID) -> None:
        """Remove the trips, and the searches that nobody else uses.

        A search shows where the person wanted to go.
        """
        await self._targets.lock(await self._flights.targets_of(user_id))
        queries = await self._flights.queries_of_person(user_id)
        await self._flights.remove_trips_of(user_id)
        await self._targets.erase(await self._flights.remove_unwanted(queries))
        await self._searches.settle(queries)  # the intervals of searches that other people use change

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Hand over everything, even beyond the limits per person."""
        await self._targets.lock(await self._flights.targets_of(user_id))
        await self._flights.hand_over(user_id, to=to)
