"""Parameters and dependencies of the endpoints of several audiences."""

from typing import Annotated
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from trackers.fencers.queries import TrackingQueries
from trackers.fencers.service import TrackingService

Service = NamedDependency[SkipValidation[TrackingService]]
Queries = NamedDependency[SkipValidation[TrackingQueries]]

ActiveFilter = Annotated[
    bool | None, QueryParameter(description="true: only active ones; false: only deactivated ones.")
]
Before = Annotated[UUID | None, QueryParameter(description="Only entries older than this one.")]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Entries per page.")]
