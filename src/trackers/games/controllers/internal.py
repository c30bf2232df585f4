"""Game trackers for bots."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from shared.web.identity import BotIdentity
from shared.web.paging import PageNumber, PerPage
from shared.web.times import Since, Until
from trackers.games.controllers.parameters import (
    ActiveFilter,
    Before,
    GuildFilter,
    PlatformFilter,
    Queries,
    SeasonFilter,
    Service,
    SnapshotLimit,
    SnapshotReads,
    Sort,
    StatusFilter,
)
from trackers.games.schemas import (
    AddTracker,
    ParsedLink,
    ParseLink,
    ProcessingStarted,
    RefreshStarted,
    RegisterByStaff,
    RegisteredTrackers,
    RegisterTrackers,
    Seasons,
    Snapshots,
    TrackerFilter,
    TrackerPage,
    TrackerSort,
    TrackerStatus,
    TrackerView,
    UpdateTracker,
)
from trackers.games.services.queue import TrackerScrapingQueueService
from trackers.games.services.trackers import parse

Queue = NamedDependency[SkipValidation[TrackerScrapingQueueService]]
Asking = Request[Any, BotIdentity, Any]

READ = {"scope": "trackers:read"}
WRITE = {"scope": "trackers:write"}


class InternalTrackerController(Controller):
    """Registering and reading trackers on behalf of a bot's people."""

    path = "/trackers"
    tags = ("trackers",)

    @post(
        "/register-multiple",
        operation_id="internal_register_trackers",
        audited=("user_id",),
        status_code=HTTP_201_CREATED,
        opt=WRITE,
    )
    async def register_trackers(
        self, request: Asking, data: JSONBody[RegisterTrackers], tracker_service: Service
    ) -> RegisteredTrackers:
        """Register the first one to four trackers of a person: all of them or none. Each is fetched at once.

        400 for more than four, 409 for two links to one account, for who has trackers already, or for an account whose
        tracker is deactivated, 422 for a link that names no account.
        """
        return await tracker_service.register_trackers(data.user_id, data.urls, data.user_data, asker=request.auth)

    @post("/add", operation_id="internal_add_tracker", audited=("user_id",), status_code=HTTP_201_CREATED, opt=WRITE)
    async def add_tracker(
        self, request: Asking, data: JSONBody[AddTracker], tracker_service: Service
    ) -> RegisteredTrackers:
        """Add one tracker, up to four a person; deactivated ones do not count towards the four.

        400 past four, 409 for an account that the person has a tracker of already, active or deactivated.
        """
        return await tracker_service.add_tracker(data.user_id, data.url, data.user_data, asker=request.auth)

    @post(
        "/register-by-staff",
        operation_id="internal_register_by_staff",
        audited=("guild_id", "staff_id", "user_id"),
        status_code=HTTP_201_CREATED,
        opt=WRITE,
    )
    async def register_by_staff(
        self, request: Asking, data: JSONBody[RegisterByStaff], tracker_service: Service
    ) -> RegisteredTrackers:
        """Register what an admin of a guild hands in for a member, who may have trackers already; four in all at most.

        403 unless the one runs the guild and the other is in it, 404 for an unknown guild.
        """
        return await tracker_service.register_by_staff(data, asker=request.auth)

    @get("/", operation_id="internal_list_trackers", opt=READ)
    async def list_trackers(
        self,
        request: Asking,
        tracker_queries: Queries,
        user_id: Annotated[UUID | None, QueryParameter(description="Only this person's, by our id.")] = None,
        guild_id: GuildFilter = None,
        platform: PlatformFilter = None,
        status: StatusFilter = None,
        active: ActiveFilter = None,
        sort: Sort = TrackerSort.CREATED,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TrackerPage:
        """The trackers of everybody that the key may speak for."""
        wanted = TrackerFilter(user_id=user_id, guild_id=guild_id, platform=platform, status=status, active=active)
        return await tracker_queries.list_trackers(request.auth, wanted, sort=sort, page=page, per_page=per_page)

    @post("/process-pending", operation_id="internal_process_pending", status_code=HTTP_202_ACCEPTED, opt=WRITE)
    async def process_pending(self, request: Asking, tracker_queue: Queue) -> ProcessingStarted:
        """Put every tracker ahead that was never fetched, waits to be, or was given up until somebody asks."""
        return ProcessingStarted(queued=await tracker_queue.process_pending_trackers(asker=request.auth))

    @post("/parse", operation_id="internal_parse_link", status_code=HTTP_200_OK, opt=READ, sync_to_thread=False)
    def parse_link(self, data: JSONBody[ParseLink]) -> ParsedLink:
        """Which account a pasted link means; nothing is stored and nothing is fetched."""
        return parse(data.url)

    @get("/{tracker_id:uuid}", operation_id="internal_get_tracker", opt=READ)
    async def get_tracker(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerView:
        """A tracker, the account that it follows, and how its scraping stands."""
        return await tracker_queries.get_tracker_by_id(request.auth, tracker_id)

    @post(
        "/{tracker_id:uuid}/refresh", operation_id="internal_refresh_tracker", status_code=HTTP_202_ACCEPTED, opt=WRITE
    )
    async def refresh_tracker(
        self,
        request: Asking,
        tracker_id: FromPath[UUID],
        tracker_service: Service,
        force: Annotated[bool, QueryParameter(description="For staff: also within the cooldown.")] = False,
    ) -> RefreshStarted:
        """Fetch a tracker now, ahead of the rest. Asking again while that waits or runs gives the same task.

        429 `refresh_cooldown` with Retry-After within ten minutes of the last look, unless it is forced.
        """
        task_id = await tracker_service.refresh_tracker(tracker_id, asker=request.auth, force=force)
        return RefreshStarted(task_id=task_id)

    @get("/{tracker_id:uuid}/status", operation_id="internal_get_tracker_status", opt=READ)
    async def get_status(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerStatus:
        """How the scraping of a tracker stands, and when it is next looked at."""
        return await tracker_queries.get_tracker_status(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/seasons", operation_id="internal_get_tracker_seasons", opt=READ)
    async def get_seasons(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> Seasons:
        """Every season the account was seen in, the newest first, with the playlist states known of each."""
        return await tracker_queries.get_tracker_seasons(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/snapshots", operation_id="internal_get_tracker_snapshots", opt=READ)
    async def get_snapshots(
        self,
        request: Asking,
        tracker_id: FromPath[UUID],
        snapshot_queries: SnapshotReads,
        before: Before = None,
        season: SeasonFilter = None,
        since: Since = None,
        until: Until = None,
        limit: SnapshotLimit = 50,
    ) -> Snapshots:
        """What moved and when, the newest first. Playlists that did not move at a moment are not repeated in it.

        A moment at which several seasons moved has a snapshot for each. 404 `snapshot_not_found` where `before` is no
        snapshot of this tracker's account.
        """
        return await snapshot_queries.get_snapshots(
            request.auth, tracker_id, limit=limit, before=before, season=season, since=since, until=until
        )

    @put("/{tracker_id:uuid}", operation_id="internal_update_tracker", audited=("active",), opt=WRITE)
    async def update_tracker(
        self, request: Asking, tracker_id: FromPath[UUID], data: JSONBody[UpdateTracker], tracker_service: Service
    ) -> TrackerView:
        """Have a tracker follow another account, or deactivate and activate it. What is left out stays."""
        await tracker_service.update_tracker(tracker_id, data, asker=request.auth)
        return await tracker_service.get_tracker_by_id(request.auth, tracker_id)

    @delete("/{tracker_id:uuid}", operation_id="internal_delete_tracker", opt=WRITE)
    async def delete_tracker(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> None:
        """Remove a tracker. What was seen stays, and its account can be registered again."""
        await tracker_service.delete_tracker(tracker_id, asker=request.auth)
