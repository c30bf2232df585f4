"""Parameters and dependencies of several controllers."""

from typing import Annotated
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation

from shared.scraping.target import Status
from trackers.games.manual_queries import ManualSnapshotQueries
from trackers.games.manual_schemas import ReviewStatus
from trackers.games.queries import SnapshotQueries, TrackerQueries
from trackers.games.schemas import TrackerSort
from trackers.games.services.manual_snapshots import TrackerSnapshotService
from trackers.games.services.trackers import TrackerService
from users.accounts.schemas import SNOWFLAKE

Service = NamedDependency[SkipValidation[TrackerService]]
Queries = NamedDependency[SkipValidation[TrackerQueries]]
Snapshotting = NamedDependency[SkipValidation[TrackerSnapshotService]]
ManualReads = NamedDependency[SkipValidation[ManualSnapshotQueries]]
SnapshotReads = NamedDependency[SkipValidation[SnapshotQueries]]

GuildFilter = Annotated[
    str | None, QueryParameter(pattern=SNOWFLAKE, description="Only trackers of members of this guild.")
]
PlatformFilter = Annotated[
    str | None, QueryParameter(max_length=20, description="Only trackers on this platform: steam, epic, ...")
]
StatusFilter = Annotated[Status | None, QueryParameter(description="Only trackers with this scraping status.")]
ActiveFilter = Annotated[
    bool | None, QueryParameter(description="true: only active trackers; false: only deactivated ones.")
]
Sort = Annotated[TrackerSort, QueryParameter(description="Order; a dash before the field reverses it.")]
Before = Annotated[UUID | None, QueryParameter(description="Only snapshots older than this one.")]
SeasonFilter = Annotated[str | None, QueryParameter(max_length=64, description="Only this season, by its key.")]
ReviewFilter = Annotated[ReviewStatus | None, QueryParameter(description="Only snapshots with this review status.")]
GuildId = Annotated[str, PathParameter(pattern=SNOWFLAKE, description="The guild's Discord id (a snowflake).")]
SnapshotLimit = Annotated[int, QueryParameter(ge=1, le=200, description="Snapshots per page.")]
