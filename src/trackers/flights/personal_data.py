"""What flight prices hold about a person: where they want to go, what they would pay, what they were told."""

from typing import Any, Final
from uuid import UUID

from shared.scraping.targets import Targets
from trackers.flights.repository import FlightRepository
from trackers.flights.services.searches import Searches


class FlightsPersonalData:
    """A person's trips with everything that hangs on them, and the searches that nobody else makes."""

    name: Final = "flights"

    def __init__(self, *, flights: FlightRepository, searches: Searches, targets: Targets) -> None:
        self._flights = flights
        self._searches = searches
        self._targets = targets

    async def export(self, user_id: UUID) -> list[Any]:
        return list(await self._flights.everything_of(user_id))

    async def erase(self, user_id: UUID) -> None:
        """A search that nobody else makes is forgotten altogether: it tells where somebody wanted to go."""
        await self._targets.lock(await self._flights.targets_of(user_id))
        queries = await self._flights.queries_of_person(user_id)
        await self._flights.remove_trips_of(user_id)
        await self._targets.erase(await self._flights.remove_unwanted(queries))
        await self._searches.settle(queries)  # what others have too is looked at as often as they want it

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """All of it, past the number that one may have."""
        await self._targets.lock(await self._flights.targets_of(user_id))
        await self._flights.hand_over(user_id, to=to)
