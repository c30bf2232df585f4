"""Parameters and dependencies of several endpoints."""

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

Upcoming = Annotated[bool | None, QueryParameter(description="true: only upcoming trips; false: only departed ones.")]
ActiveFilter = Annotated[
    bool | None, QueryParameter(description="true: only active watches; false: only inactive ones.")
]
TripFilter = Annotated[UUID | None, QueryParameter(description="Only watches of this trip.")]
ProviderFilter = Annotated[str | None, QueryParameter(max_length=50, description="Only prices of this provider.")]
CurrencyFilter = Annotated[
    str | None, QueryParameter(pattern=r"^[A-Za-z]{3}$(?!\n)", description="Only prices in this currency.")
]
CabinFilter = Annotated[Cabin | None, QueryParameter(description="Only prices of this cabin class.")]
AllDates = Annotated[
    bool,
    QueryParameter(
        description="Include the days around the dates (flexible dates), and searches from before the trip was changed."
    ),
]
AllOffers = Annotated[
    bool, QueryParameter(description="All stored offers of the last fetches, not only the cheapest one.")
]
Points = Annotated[
    int,
    QueryParameter(
        ge=2,
        le=5000,
        description="Maximum number of prices per search. More are sampled; lowest and highest stay.",
    ),
]
Before = Annotated[UUID | None, QueryParameter(description="Only alerts older than this one.")]
AlertLimit = Annotated[int, QueryParameter(ge=1, le=200, description="Alerts per page.")]
