"""Endpoints of trips and their prices."""

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
    """Your trips. The trips of other people give 404."""

    path = "/trips"
    tags = ("flights",)

    @post("/", operation_id="create_trip", status_code=HTTP_201_CREATED)
    async def create(self, request: Asking, data: JSONBody[CreateTrip], trip_service: Trips) -> TripView:
        """Plan a trip.

        422 for unknown airports, a date in the past at the origin, or more than nine travellers.
        """
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
        """List your trips, the newest first."""
        return await trip_queries.list_trips(request.auth.user_id, upcoming=upcoming, page=page, per_page=per_page)

    @get("/{trip_id:uuid}", operation_id="get_trip")
    async def get_one(self, request: Asking, trip_id: FromPath[UUID], trip_queries: TripReads) -> TripView:
        """Get a trip."""
        return await trip_queries.get_trip(request.auth, trip_id)

    @patch("/{trip_id:uuid}", operation_id="update_trip")
    async def update(
        self, request: Asking, trip_id: FromPath[UUID], data: JSONBody[UpdateTrip], trip_service: Trips
    ) -> TripView:
        """Change a trip.

        Fields that you leave out stay. Other dates, places or travellers reset every watch of the trip.
        """
        return await trip_service.update_trip(trip_id, data, asker=request.auth)

    @delete("/{trip_id:uuid}", operation_id="delete_trip")
    async def remove(self, request: Asking, trip_id: FromPath[UUID], trip_service: Trips) -> None:
        """Remove a trip with its watches, alerts and prices.

        Prices of searches that other trips share stay.
        """
        await trip_service.remove_trip(trip_id, asker=request.auth)

    @post("/{trip_id:uuid}/scrape", operation_id="scrape_trip", status_code=HTTP_202_ACCEPTED)
    async def scrape(
        self, request: Asking, trip_id: FromPath[UUID], trip_service: Trips, data: JSONBody[ScrapeTrip | None] = None
    ) -> ScrapeStarted:
        """Fetch the prices of a trip now.

        Fetches the search that you give, or else the searches of the trip's watches, or else an economy seat in USD.
        409 `provider_is_off` if the operator has not turned the provider on, 409 `trip_departed`, 422
        `unknown_provider`, 429 `refresh_cooldown` within a minute of the last fetch, 429 `too_many_fetches` while
        twenty fetches that you requested wait.
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
        format: Format = ListFormat.JSON,  # noqa: A002 -- the name of the query parameter
    ) -> Prices:
        """Get the prices of a trip, the oldest first.

        The cheapest offer of each fetch; many prices are sampled to `points` per search.
        """
        prices = await price_queries.get_prices(
            request.auth,
            trip_id,
            _series_filter(provider, currency, cabin_class, all_dates=all_dates),
            since=since,
            until=until,
            all_offers=all_offers,
            points=points,
        )
        if format is ListFormat.CSV:
            return csv_answer(PriceView, prices.items, name=f"prices-{trip_id}")  # type: ignore[no-any-return]  # a CSV answer replaces the list
        return prices

    @post("/{trip_id:uuid}/prices", operation_id="push_trip_price", status_code=HTTP_201_CREATED)
    async def push_price(
        self, request: Asking, trip_id: FromPath[UUID], data: JSONBody[PushPrice], price_service: Pushing
    ) -> PriceView:
        """Add a price that you read yourself, or that another feed delivers.

        Watches of the provider `manual` are evaluated at once.
        """
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
        """Analyse the prices of a trip.

        Lowest, median and highest price, the price level, and the weekday with the lowest median price.
        """
        series = _series_filter(provider, currency, cabin_class, all_dates=all_dates)
        return await price_queries.get_analyses(request.auth, trip_id, series)


def _series_filter(provider: str | None, currency: str | None, cabin: Cabin | None, *, all_dates: bool) -> SeriesFilter:
    """Return the filter; the currency in capitals, as it is stored."""
    code = currency.upper() if currency else None
    return SeriesFilter(provider=provider, currency=code, cabin_class=cabin, all_dates=all_dates)
