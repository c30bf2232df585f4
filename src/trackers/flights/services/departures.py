"""Departed trips: stop their fetches and watches, and notify the owners of the watches."""

from typing import Final

from shared.clock import Clock
from shared.events import NewEvent
from shared.outbox.outbox import Outbox
from trackers.flights.events import WATCH_ENDED
from trackers.flights.messages import EndedUpdate
from trackers.flights.repository import FlightRepository
from trackers.flights.rows import EndedWatch
from trackers.flights.services.searches import Searches

BATCH_SIZE: Final = 500


class Departures:
    """Stops departed trips in the open session."""

    def __init__(self, *, flights: FlightRepository, searches: Searches, outbox: Outbox, clock: Clock) -> None:
        self._flights = flights
        self._searches = searches
        self._outbox = outbox
        self._clock = clock

    async def stop(self) -> bool:
        """Stop a batch of departed searches and trips; return True if there may be more."""
        now = self._clock.now()
        queries, trips = await self._flights.departed(now=now, limit=BATCH_SIZE)
        searches = await self._searches.lock(trips=trips, queries=queries)
        await self._flights.end_queries(queries, now=now)
        watches = await self._flights.end_trips(trips, now=now)
        await self._searches.settle(searches)  # flexible days after a trip are not over, but nobody needs them
        await self._outbox.publish(*(_event(watch) for watch in watches))
        return max(len(queries), len(trips)) >= BATCH_SIZE


def _event(watch: EndedWatch) -> NewEvent:
    update = EndedUpdate(
        watch_id=watch.id,
        trip_id=watch.trip_id,
        trip_name=watch.trip_name,
        origin=watch.origin,
        destination=watch.destination,
        departs_on=watch.departs_on,
        returns_on=watch.returns_on,
        currency=watch.currency,
        lowest_price=watch.lowest_price,
    )
    return NewEvent(
        event=WATCH_ENDED,
        aggregate=f"price_watch:{watch.id}",
        payload=update,
        user_id=watch.user_id,
        key=f"price-watch-ended:{watch.id}:{watch.departs_on}",
    )
