"""Processing of the trackers of a guild's members for bots, now or scheduled."""

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
    """Processing by guild. 404 for guilds that the key is not for, and for their schedules."""

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
        """Move a guild's trackers to the front of the queue.

        These are the trackers of the guild's members. The request does nothing if the guild has switched processing
        off; `skipped` is then the number of skipped accounts. 404 `guild_not_found` if there is no such guild or your
        key may not act for it.
        """
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
        """Schedule the processing of a guild's trackers.

        Processing moves the accounts that members of the guild follow to the front of the queue. Send `scheduled_at`
        for one time, or `cron` to repeat it. Each scheduled time starts exactly one run, however many workers there
        are. If no worker is running, the run starts late or, after a grace period, not at all: the schedule becomes
        FAILED with the reason `missed`. If single fetches fail, the schedule still becomes COMPLETED; its report lists
        them.

        404 `guild_not_found` if there is no such guild or your key may not act for it. 422 `invalid_schedule` if the
        time is in the past or `cron` is not valid, or unless you send either `scheduled_at` or `cron`.
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
        status: Annotated[ScheduleStatus | None, QueryParameter(description="Only schedules with this status.")] = None,
        include_completed: Annotated[
            bool,
            QueryParameter(name="includeCompleted", description="Include COMPLETED schedules; ignored with `status`."),
        ] = True,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> Schedules:
        """List the schedules of a guild, newest first.

        The status stays PENDING while a schedule is running; see its field `progress`. A recurring schedule stays
        PENDING until it is cancelled, and has the result of its last run. 404 `guild_not_found` if there is no such
        guild or your key may not act for it.
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
        """Cancel a schedule.

        409 `schedule_began` or `schedule_over` if a one-time schedule has started or ended. You can cancel a recurring
        schedule at any time; a run that is under way still finishes. 404 `schedule_not_found` if there is no such
        schedule or your key may not act for its guild.
        """
        return await schedule_service.cancel_schedule(schedule_id, asker=request.auth)
