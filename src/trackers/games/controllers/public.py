"""Game trackers for people."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_201_CREATED, HTTP_202_ACCEPTED

from shared.web.identity import PersonIdentity
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
    AddOwnTracker,
    RefreshStarted,
    RegisteredTrackers,
    RegisterOwnTrackers,
    Seasons,
    Snapshots,
    TrackerDetail,
    TrackerFilter,
    TrackerPage,
    Trackers,
    TrackerSort,
    TrackerStatus,
    TrackerView,
    UpdateTracker,
)

Asking = Request[Any, PersonIdentity, Any]


class TrackerController(Controller):
    """Your own trackers; for reading also those of members of guilds that you run."""

    path = "/trackers"
    tags = ("trackers",)

    @post("/register", operation_id="register_trackers", status_code=HTTP_201_CREATED)
    async def register(
        self, request: Asking, data: JSONBody[RegisterOwnTrackers], tracker_service: Service
    ) -> RegisteredTrackers:
        """Register your first one to four trackers: all of them or none. Each is fetched at once.

        400 for more than four, 409 for two links to the same account, if you have active trackers, or for an account
        whose tracker is deactivated, 422 for a link that names no account.
        """
        return await tracker_service.register_trackers(request.auth.user_id, data.urls, asker=request.auth)

    @post("/add", operation_id="add_tracker", status_code=HTTP_201_CREATED)
    async def add(self, request: Asking, data: JSONBody[AddOwnTracker], tracker_service: Service) -> RegisteredTrackers:
        """Add a tracker, up to four in all; deactivated trackers do not count towards the four.

        400 for a fifth, 409 for an account that you follow already, active or deactivated.
        """
        return await tracker_service.add_tracker(request.auth.user_id, data.url, asker=request.auth)

    @get("/me", operation_id="list_my_trackers")
    async def list_mine(self, request: Asking, tracker_queries: Queries) -> Trackers:
        """List your trackers, the oldest first, with their scraping status."""
        return await tracker_queries.get_trackers_by_user_id(request.auth.user_id)

    @get("/", operation_id="list_trackers")
    async def list_all(
        self,
        request: Asking,
        tracker_queries: Queries,
        guild_id: GuildFilter = None,
        platform: PlatformFilter = None,
        status: StatusFilter = None,
        active: ActiveFilter = None,
        sort: Sort = TrackerSort.CREATED,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TrackerPage:
        """List all trackers that you may see: your own, and those of members of guilds that you run; admins see all.

        404 if you are not a member of the guild.
        """
        filters = TrackerFilter(guild_id=guild_id, platform=platform, status=status, active=active)
        return await tracker_queries.list_trackers(request.auth, filters, sort=sort, page=page, per_page=per_page)

    @get("/{tracker_id:uuid}", operation_id="get_tracker")
    async def get_one(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerView:
        """Get a tracker, its account and its scraping status."""
        return await tracker_queries.get_tracker_by_id(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/detail", operation_id="get_tracker_detail")
    async def get_detail(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerDetail:
        """Get a tracker with the seasons in which its account was seen, and their known playlist states."""
        return await tracker_queries.get_tracker_detail(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/status", operation_id="get_tracker_status")
    async def get_status(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerStatus:
        """Get the scraping status of a tracker, and its next fetch."""
        return await tracker_queries.get_tracker_status(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/seasons", operation_id="get_tracker_seasons")
    async def get_seasons(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> Seasons:
        """List the seasons in which the account was seen, the newest first, with their known playlist states."""
        return await tracker_queries.get_tracker_seasons(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/snapshots", operation_id="get_tracker_snapshots")
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
        """List snapshots, the newest first; each has only the playlists that changed at that moment."""
        return await snapshot_queries.get_snapshots(
            request.auth, tracker_id, limit=limit, before=before, season=season, since=since, until=until
        )

    @post("/{tracker_id:uuid}/refresh", operation_id="refresh_tracker", status_code=HTTP_202_ACCEPTED)
    async def refresh(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> RefreshStarted:
        """Fetch a tracker now, before others. Requests during a pending or running fetch get the same task.

        429 `refresh_cooldown` with Retry-After within ten minutes of the last fetch, 409 for a deactivated tracker.
        """
        return RefreshStarted(task_id=await tracker_service.refresh_tracker(tracker_id, asker=request.auth))

    @put("/{tracker_id:uuid}", operation_id="update_tracker", audited=("active",))
    async def update(
        self, request: Asking, tracker_id: FromPath[UUID], data: JSONBody[UpdateTracker], tracker_service: Service
    ) -> TrackerView:
        """Change the account of a tracker, or deactivate or activate it. Omitted fields stay unchanged.

        400 for a fifth active tracker, 409 for an account that you follow already, 422 for a link without an account.
        """
        await tracker_service.update_tracker(tracker_id, data, asker=request.auth)
        return await tracker_service.get_tracker_by_id(request.auth, tracker_id)

    @delete("/{tracker_id:uuid}", operation_id="delete_tracker")
    async def remove(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> None:
        """Remove a tracker. Its history stays, and its account can be registered again."""
        await tracker_service.delete_tracker(tracker_id, asker=request.auth)
