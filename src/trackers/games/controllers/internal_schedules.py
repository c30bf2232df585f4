"""Processing the trackers of a guild's members, now or at a time, for bots."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter, SkipValidation
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from shared.web.identity import BotIdentity
from shared.web.paging import PageNumber, PerPage
from trackers.games.schedule_queries import ScheduleQueries
from trackers.games.schedule_schemas import (
    GuildProcessingStarted,
    ProcessGuild,
    ScheduleFilters,
    ScheduleProcessing,
    Schedules,
    ScheduleStatus,
    ScheduleView,
)
from trackers.games.services.queue import TrackerScrapingQueueService
from trackers.games.services.schedules import ScheduledTrackerProcessingService
from users.accounts.schemas import SNOWFLAKE

Service = NamedDependency[SkipValidation[ScheduledTrackerProcessingService]]
Queries = NamedDependency[SkipValidation[ScheduleQueries]]
Queue = NamedDependency[SkipValidation[TrackerScrapingQueueService]]
GuildId = Annotated[str, PathParameter(pattern=SNOWFLAKE, description="The guild's Discord id (a snowflake).")]
Asking = Request[Any, BotIdentity, Any]

READ = {"scope": "trackers:read"}
WRITE = {"scope": "trackers:write"}


class InternalScheduleController(Controller):
    """Processing by guild. A guild that the key is not for is unknown (404), and so are its schedules."""

    path = "/trackers"
    tags = ("trackers",)

    @post(
        "/process",
        operation_id="internal_process_guild",
        audited=("guild_id",),
        status_code=HTTP_202_ACCEPTED,
        opt=WRITE,
    )
    async def process_guild(
        self, request: Asking, data: JSONBody[ProcessGuild], tracker_queue: Queue
    ) -> GuildProcessingStarted:
        """Put ahead what the members of a guild follow. Of a guild that switched processing off, all is skipped."""
        return await tracker_queue.process_trackers_for_guild(data.guild_id, asker=request.auth)

    @post(
        "/schedule",
        operation_id="internal_schedule_processing",
        audited=("guild_id", "scheduled_at"),
        status_code=HTTP_201_CREATED,
        opt=WRITE,
    )
    async def schedule(
        self, request: Asking, data: JSONBody[ScheduleProcessing], schedule_service: Service
    ) -> ScheduleView:
        """Have a guild processed at a time, or, with `cron`, again and again. 422 for a time that is over.

        It begins once, however many workers there are; late where none was there, or, past the grace, not at all:
        FAILED with the reason `missed`. What fails in it is told in its report: it is COMPLETED all the same.
        """
        return await schedule_service.schedule_processing(
            data.guild_id,
            data.scheduled_at,
            data.metadata,
            cron=data.cron,
            time_zone=data.time_zone,
            asker=request.auth,
        )

    @get("/schedule/guild/{guild_id:str}", operation_id="internal_list_schedules", opt=READ)
    async def list_schedules(
        self,
        request: Asking,
        guild_id: GuildId,
        schedule_queries: Queries,
        status: Annotated[ScheduleStatus | None, QueryParameter(description="Only schedules of this status.")] = None,
        include_completed: Annotated[
            bool,
            QueryParameter(
                name="includeCompleted", description="Whether COMPLETED ones are listed; ignored with `status`."
            ),
        ] = True,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> Schedules:
        """Schedules of a guild, the newest first. One that is under way is PENDING and tells its progress.

        A recurring one is PENDING until it is cancelled, and tells how the last time went.
        """
        filters = ScheduleFilters(status=status, include_completed=include_completed)
        return await schedule_queries.get_schedules_for_guild(
            guild_id, filters, asker=request.auth, page=page, per_page=per_page
        )

    @post(
        "/schedule/{schedule_id:uuid}/cancel",
        operation_id="internal_cancel_schedule",
        status_code=HTTP_200_OK,
        opt=WRITE,
    )
    async def cancel(self, request: Asking, schedule_id: FromPath[UUID], schedule_service: Service) -> ScheduleView:
        """Have nothing begin any more. 409 for one that has begun or is over.

        A recurring one can be cancelled at any time; what is under way is brought to its end.
        """
        return await schedule_service.cancel_schedule(schedule_id, asker=request.auth)
