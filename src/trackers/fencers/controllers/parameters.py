"""Parameters and dependencies that the endpoints of several audiences take."""

from typing import Annotated
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from trackers.fencers.queries import TrackingQueries
from trackers.fencers.service import TrackingService

Service = NamedDependency[SkipValidation[TrackingService]]
Queries = NamedDependency[SkipValidation[TrackingQueries]]

ActiveFilter = Annotated[bool | None, QueryParameter(description="Only active ones, or only deactivated.")]
Before = Annotated[UUID | None, QueryParameter(description="Only what became known before this.")]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Entries to a page.")]
