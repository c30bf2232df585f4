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
    """Registering and reading the trackers of a bot's people."""

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

        400 for more than four, 409 for two links to the same account, for a person with active trackers, or for an
        account whose tracker is deactivated, 422 for a link that names no account.
        """
        return await tracker_service.register_trackers(data.user_id, data.urls, data.user_data, asker=request.auth)

    @post("/add", operation_id="internal_add_tracker", audited=("user_id",), status_code=HTTP_201_CREATED, opt=WRITE)
    async def add_tracker(
        self, request: Asking, data: JSONBody[AddTracker], tracker_service: Service
    ) -> RegisteredTrackers:
        """Add a tracker of a person, up to four in all; deactivated trackers do not count towards the four.

        400 for a fifth, 409 for an account that the person follows already, active or deactivated.
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
        """Register links from a guild admin for a member, who may already have trackers; four in all at most.

        403 unless the admin runs the guild and the member is in it, 404 for an unknown guild.
        """
        return await tracker_service.register_by_staff(data, asker=request.auth)

    @get("/", operation_id="internal_list_trackers", opt=READ)
    async def list_trackers(
        self,
        request: Asking,
        tracker_queries: Queries,
        user_id: Annotated[
            UUID | None, QueryParameter(description="Only trackers of this person, by `user_id`.")
        ] = None,
        guild_id: GuildFilter = None,
        platform: PlatformFilter = None,
        status: StatusFilter = None,
        active: ActiveFilter = None,
        sort: Sort = TrackerSort.CREATED,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TrackerPage:
        """List the trackers of all people that the key may act for."""
        filters = TrackerFilter(user_id=user_id, guild_id=guild_id, platform=platform, status=status, active=active)
        return await tracker_queries.list_trackers(request.auth, filters, sort=sort, page=page, per_page=per_page)

    @post("/process-pending", operation_id="internal_process_pending", status_code=HTTP_202_ACCEPTED, opt=WRITE)
    async def process_pending(self, request: Asking, tracker_queue: Queue) -> ProcessingStarted:
        """Boost all trackers that were never fetched, wait for a run, or are dead letters."""
        return ProcessingStarted(queued=await tracker_queue.process_pending_trackers(asker=request.auth))

    @post("/parse", operation_id="internal_parse_link", status_code=HTTP_200_OK, opt=READ, sync_to_thread=False)
    def parse_link(self, data: JSONBody[ParseLink]) -> ParsedLink:
        """Parse a pasted link to the account that it names; nothing is stored or fetched."""
        return parse(data.url)

    @get("/{tracker_id:uuid}", operation_id="internal_get_tracker", opt=READ)
    async def get_tracker(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerView:
        """Get a tracker, its account and its scraping status."""
        return await tracker_queries.get_tracker_by_id(request.auth, tracker_id)

    @post(
        "/{tracker_id:uuid}/refresh", operation_id="internal_refresh_tracker", status_code=HTTP_202_ACCEPTED, opt=WRITE
    )
    async def refresh_tracker(
        self,
        request: Asking,
        tracker_id: FromPath[UUID],
        tracker_service: Service,
        force: Annotated[bool, QueryParameter(description="For staff: also during the cooldown.")] = False,
    ) -> RefreshStarted:
        """Fetch a tracker now, before others. Requests during a pending or running fetch get the same task.

        429 `refresh_cooldown` with Retry-After within ten minutes of the last fetch, unless `force` is set.
        """
        task_id = await tracker_service.refresh_tracker(tracker_id, asker=request.auth, force=force)
        return RefreshStarted(task_id=task_id)

    @get("/{tracker_id:uuid}/status", operation_id="internal_get_tracker_status", opt=READ)
    async def get_status(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerStatus:
        """Get the scraping status of a tracker, and its next fetch."""
        return await tracker_queries.get_tracker_status(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/seasons", operation_id="internal_get_tracker_seasons", opt=READ)
    async def get_seasons(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> Seasons:
        """List the seasons in which the account was seen, the newest first, with their known playlist states."""
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
        """List snapshots, the newest first; each has only the playlists that changed at that moment.

        If several seasons changed at a moment, each has a snapshot. 404 `snapshot_not_found` if `before` is not a
        snapshot of this tracker's account.
        """
        return await snapshot_queries.get_snapshots(
            request.auth, tracker_id, limit=limit, before=before, season=season, since=since, until=until
        )

    @put("/{tracker_id:uuid}", operation_id="internal_update_tracker", audited=("active",), opt=WRITE)
    async def update_tracker(
        self, request: Asking, tracker_id: FromPath[UUID], data: JSONBody[UpdateTracker], tracker_service: Service
    ) -> TrackerView:
        """Change the account of a tracker, or deactivate or activate it. Omitted fields stay unchanged."""
        await tracker_service.update_tracker(tracker_id, data, asker=request.auth)
        return await tracker_service.get_tracker_by_id(request.auth, tracker_id)

    @delete("/{tracker_id:uuid}", operation_id="internal_delete_tracker", opt=WRITE)
    async def delete_tracker(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> None:
        """Remove a tracker. Its history stays, and its account can be registered again."""
        await tracker_service.delete_tracker(tracker_id, asker=request.auth)
