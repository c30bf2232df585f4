"""Trips and what they cost, for the people who want to fly."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_201_CREATED, HTTP_202_ACCEPTED

from shared.web.csv import Format, ListFormat, csv_answer
from shared.web.identity import PersonIdentity
from shared.web.paging import PageNumber, PerPage
from shared.web.times import Since, Until
from trackers.flights.controllers.parameters import (
    AllDates,
    AllOffers,
    CabinFilter,
    CurrencyFilter,
    Points,
    PriceReads,
    ProviderFilter,
    Pushing,
    TripReads,
    Trips,
    Upcoming,
)
from trackers.flights.schemas import (
    Analyses,
    CreateTrip,
    Prices,
    PriceView,
    PushPrice,
    ScrapeStarted,
    ScrapeTrip,
    SeriesFilter,
    TripPage,
    TripView,
    UpdateTrip,
)
from trackers.flights.search import Cabin

Asking = Request[Any, PersonIdentity, Any]
ANYTHING = ScrapeTrip()


class TripController(Controller):
    """One's own trips; somebody else's are not found."""

    path = "/trips"
    tags = ("flights",)

    @post("/", operation_id="create_trip", status_code=HTTP_201_CREATED)
    async def create(self, request: Asking, data: JSONBody[CreateTrip], trip_service: Trips) -> TripView:
        """Plan a trip. 422 for unknown airports, a date that is past at the origin, or more than nine travellers."""
        return await trip_service.create_trip(request.auth.user_id, data, asker=request.auth)

    @get("/", operation_id="list_trips")
    async def list_mine(
        self,
        request: Asking,
        trip_queries: TripReads,
        upcoming: Upcoming = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TripPage:
        """One's own trips, the newest first."""
        return await trip_queries.list_trips(request.auth.user_id, upcoming=upcoming, page=page, per_page=per_page)

    @get("/{trip_id:uuid}", operation_id="get_trip")
    async def get_one(self, request: Asking, trip_id: FromPath[UUID], trip_queries: TripReads) -> TripView:
        """A trip."""
        return await trip_queries.get_trip(request.auth, trip_id)

    @patch("/{trip_id:uuid}", operation_id="update_trip")
    async def update(
        self, request: Asking, trip_id: FromPath[UUID], data: JSONBody[UpdateTrip], trip_service: Trips
    ) -> TripView:
        """Change a trip; what is left out stays. Other dates, places or travellers begin its watches anew."""
        return await trip_service.update_trip(trip_id, data, asker=request.auth)

    @delete("/{trip_id:uuid}", operation_id="delete_trip")
    async def remove(self, request: Asking, trip_id: FromPath[UUID], trip_service: Trips) -> None:
        """Remove a trip with its watches, alerts, and the prices that nobody else looks at."""
        await trip_service.remove_trip(trip_id, asker=request.auth)

    @post("/{trip_id:uuid}/scrape", operation_id="scrape_trip", status_code=HTTP_202_ACCEPTED)
    async def scrape(
        self, request: Asking, trip_id: FromPath[UUID], trip_service: Trips, data: JSONBody[ScrapeTrip | None] = None
    ) -> ScrapeStarted:
        """Look at its prices now: those of its watches, or an economy seat in dollars, or what is asked for here.

        409 `provider_is_off` where the operator has not turned the provider on, 409 `trip_departed`, 422
        `unknown_provider`, 429 `refresh_cooldown` within a minute of the last look, 429 `too_many_fetches` while
        twenty that one asked for wait.
        """
        return await trip_service.scrape_trip(trip_id, data or ANYTHING, asker=request.auth)

    @get("/{trip_id:uuid}/prices", operation_id="get_trip_prices")
    async def get_prices(
        self,
        request: Asking,
        trip_id: FromPath[UUID],
        price_queries: PriceReads,
        provider: ProviderFilter = None,
        currency: CurrencyFilter = None,
        cabin_class: CabinFilter = None,
        since: Since = None,
        until: Until = None,
        all_dates: AllDates = False,
        all_offers: AllOffers = False,
        points: Points = 500,
        format: Format = ListFormat.JSON,  # noqa: A002 -- the parameter's name
    ) -> Prices:
        """What the trip has cost, the oldest first: the cheapest of every look, sampled where there are many."""
        prices = await price_queries.get_prices(
            request.auth,
            trip_id,
            _wanted(provider, currency, cabin_class, all_dates=all_dates),
            since=since,
            until=until,
            all_offers=all_offers,
            points=points,
        )
        if format is ListFormat.CSV:
            return csv_answer(PriceView, prices.items, name=f"prices-{trip_id}")  # type: ignore[no-any-return]  # the table stands in for the list
        return prices

    @post("/{trip_id:uuid}/prices", operation_id="push_trip_price", status_code=HTTP_201_CREATED)
    async def push_price(
        self, request: Asking, trip_id: FromPath[UUID], data: JSONBody[PushPrice], price_service: Pushing
    ) -> PriceView:
        """Type in a price, or push one from another feed; watches of `manual` hear of it at once."""
        return await price_service.push_price(trip_id, data, asker=request.auth)

    @get("/{trip_id:uuid}/analysis", operation_id="get_trip_analysis")
    async def get_analysis(
        self,
        request: Asking,
        trip_id: FromPath[UUID],
        price_queries: PriceReads,
        provider: ProviderFilter = None,
        currency: CurrencyFilter = None,
        cabin_class: CabinFilter = None,
        all_dates: AllDates = False,
    ) -> Analyses:
        """Lowest, median and highest, the price level, and the weekday on which one would have bought cheapest."""
        wanted = _wanted(provider, currency, cabin_class, all_dates=all_dates)
        return await price_queries.get_analyses(request.auth, trip_id, wanted)


def _wanted(provider: str | None, currency: str | None, cabin: Cabin | None, *, all_dates: bool) -> SeriesFilter:
    """Currencies are kept in capitals."""
    code = currency.upper() if currency else None
    return SeriesFilter(provider=provider, currency=code, cabin_class=cabin, all_dates=all_dates)
