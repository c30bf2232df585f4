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
        """Create a trip.

        422 `unknown_airport` if an airport is unknown. 422 `impossible_trip` for a date that is already past in the
        origin's time zone or more than two years away, for a return before the departure or more than a year after it,
        for the same origin and destination, for more than nine travellers, or for more infants on laps than adults. 400
        `trip_limit_reached` if you have the maximum number of trips.
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
        """List your trips, newest first."""
        return await trip_queries.list_trips(request.auth.user_id, upcoming=upcoming, page=page, per_page=per_page)

    @get("/{trip_id:uuid}", operation_id="get_trip")
    async def get_one(self, request: Asking, trip_id: FromPath[UUID], trip_queries: TripReads) -> TripView:
        """Get a trip.

        404 `trip_not_found` if you have no such trip.
        """
        return await trip_queries.get_trip(request.auth, trip_id)

    @patch("/{trip_id:uuid}", operation_id="update_trip")
    async def update(
        self, request: Asking, trip_id: FromPath[UUID], data: JSONBody[UpdateTrip], trip_service: Trips
    ) -> TripView:
        """Change a trip.

        Fields that you omit do not change. If you change the dates, places or travellers, every watch of the trip
        starts over: its earlier alerts no longer count, and known prices are compared with it again. Same 422 errors as
        for a new trip. 404 `trip_not_found` if you have no such trip.
        """
        return await trip_service.update_trip(trip_id, data, asker=request.auth)

    @delete("/{trip_id:uuid}", operation_id="delete_trip")
    async def remove(self, request: Asking, trip_id: FromPath[UUID], trip_service: Trips) -> None:
        """Remove a trip with its watches, alerts and prices.

        Prices that other trips also use are kept. 404 `trip_not_found` if you have no such trip.
        """
        await trip_service.remove_trip(trip_id, asker=request.auth)

    @post("/{trip_id:uuid}/scrape", operation_id="scrape_trip", status_code=HTTP_202_ACCEPTED)
    async def scrape(
        self, request: Asking, trip_id: FromPath[UUID], trip_service: Trips, data: JSONBody[ScrapeTrip | None] = None
    ) -> ScrapeStarted:
        """Fetch the prices of a trip now.

        Fetch the search that you give. Without one, fetch the searches of the trip's watches; if it has none, search
        for economy class in USD. 409 `provider_is_off` if the operator has not switched the provider on. 409
        `nothing_to_scrape` if nothing is fetched from the provider, such as `manual`. 409 `trip_departed` if the trip
        has departed. 422 `unknown_provider` if there is no such provider. 429 `refresh_cooldown` (with a `Retry-After`
        header) if the last fetch was less than a minute ago. 429 `too_many_fetches` if twenty of your requested fetches
        are already waiting. 404 `trip_not_found` if you have no such trip.
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
        """Get the prices of a trip, oldest first.

        Each point is the cheapest offer of one fetch. If a search has more than `points` prices, they are sampled down
        to that number, which preserves the shape of the curve. With `all_offers`, get all offers of the last fetches
        instead, at most `points` in all. 404 `trip_not_found` if you have no such trip.
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
        """Add a price that you found yourself or got from another feed.

        Watches with the provider `manual` are evaluated at once. 422 `impossible_price` if `captured_at` is in the
        future or more than two years ago, or `arrives_at` is not after `departs_at`. 422 `unknown_currency` if there is
        no such currency. 400 `price_limit_reached` if the trip has the maximum number of added prices. 404
        `trip_not_found` if you have no such trip.
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

        For each search, get the lowest, median and highest price, the price level (1 low, 3 typical, 5 high) and, after
        two weeks of history, the weekday with the lowest median price. 404 `trip_not_found` if you have no such trip.
        """
        series = _series_filter(provider, currency, cabin_class, all_dates=all_dates)
        return await price_queries.get_analyses(request.auth, trip_id, series)


def _series_filter(provider: str | None, currency: str | None, cabin: Cabin | None, *, all_dates: bool) -> SeriesFilter:
    """Return the filter; the currency in capitals, as it is stored."""
    code = currency.upper() if currency else None
    return SeriesFilter(provider=provider, currency=code, cabin_class=cabin, all_dates=all_dates)
