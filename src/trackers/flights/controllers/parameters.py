"""Parameters and dependencies that several endpoints take."""

from typing import Annotated
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from trackers.flights.queries import PriceQueries, TripQueries, WatchQueries
from trackers.flights.search import Cabin
from trackers.flights.services.prices import PriceService
from trackers.flights.services.trips import TripService
from trackers.flights.services.watches import WatchService

Trips = NamedDependency[SkipValidation[TripService]]
Watches = NamedDependency[SkipValidation[WatchService]]
Pushing = NamedDependency[SkipValidation[PriceService]]
TripReads = NamedDependency[SkipValidation[TripQueries]]
WatchReads = NamedDependency[SkipValidation[WatchQueries]]
PriceReads = NamedDependency[SkipValidation[PriceQueries]]

Upcoming = Annotated[bool | None, QueryParameter(description="Only trips to come, or only departed ones.")]
ActiveFilter = Annotated[bool | None, QueryParameter(description="Only active watches, or only those that rest.")]
TripFilter = Annotated[UUID | None, QueryParameter(description="Only watches of this trip.")]
ProviderFilter = Annotated[str | None, QueryParameter(max_length=50, description="Only this provider's.")]
CurrencyFilter = Annotated[
    str | None, QueryParameter(pattern=r"^[A-Za-z]{3}$(?!\n)", description="Only prices in this currency.")
]
CabinFilter = Annotated[Cabin | None, QueryParameter(description="Only this cabin's.")]
AllDates = Annotated[
    bool, QueryParameter(description="Also the days around (flexible dates), and what the trip was before a change.")
]
AllOffers = Annotated[bool, QueryParameter(description="Every offer kept of the last looks, not only the cheapest.")]
Points = Annotated[
    int, QueryParameter(ge=2, le=5000, description="Prices of one search at most; more are sampled, extremes stay.")
]
Before = Annotated[UUID | None, QueryParameter(description="Only alerts older than this one.")]
AlertLimit = Annotated[int, QueryParameter(ge=1, le=200, description="Alerts to a page.")]
