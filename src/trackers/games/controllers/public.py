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
    """Your own trackers; you can also read those of members of guilds of which you are an admin."""

    path = "/trackers"
    tags = ("trackers",)

    @post("/register", operation_id="register_trackers", status_code=HTTP_201_CREATED)
    async def register(
        self, request: Asking, data: JSONBody[RegisterOwnTrackers], tracker_service: Service
    ) -> RegisteredTrackers:
        """Register one to four trackers at once, if you have none yet.

        Either all are registered or none. Each account is fetched at once. 400 `tracker_limit_reached` if you send more
        than four links. 409 `duplicate_tracker` if two links point to the same account, or if one of the accounts has a
        deactivated tracker of yours. 409 `already_registered` if you already have active trackers. 422 if a link does
        not point to an account.
        """
        return await tracker_service.register_trackers(request.auth.user_id, data.urls, asker=request.auth)

    @post("/add", operation_id="add_tracker", status_code=HTTP_201_CREATED)
    async def add(self, request: Asking, data: JSONBody[AddOwnTracker], tracker_service: Service) -> RegisteredTrackers:
        """Add a tracker.

        The account is fetched at once. You can have four active trackers; deactivated ones do not count. 400
        `tracker_limit_reached` if you already have four, 409 `duplicate_tracker` if you already have a tracker of the
        account, active or deactivated. 422 if the link does not point to an account.
        """
        return await tracker_service.add_tracker(request.auth.user_id, data.url, asker=request.auth)

    @get("/me", operation_id="list_my_trackers")
    async def list_mine(self, request: Asking, tracker_queries: Queries) -> Trackers:
        """List your trackers with their scraping status, oldest first."""
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
        """List all trackers that you may see.

        These are your own trackers and those of members of guilds of which you are an admin; service admins see all.
        With `guild_id`, list only trackers of members of that guild; 404 `guild_not_found` if you are not a member of
        that guild.
        """
        filters = TrackerFilter(guild_id=guild_id, platform=platform, status=status, active=active)
        return await tracker_queries.list_trackers(request.auth, filters, sort=sort, page=page, per_page=per_page)

    @get("/{tracker_id:uuid}", operation_id="get_tracker")
    async def get_one(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerView:
        """Get a tracker with its account and its scraping status.

        403 if you may not see the tracker, 404 `tracker_not_found` if there is no such tracker.
        """
        return await tracker_queries.get_tracker_by_id(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/detail", operation_id="get_tracker_detail")
    async def get_detail(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerDetail:
        """Get a tracker with its seasons.

        The response has every season in which the site showed data of the account, newest first, with the latest known
        rank and rating in each playlist. 403 if you may not see the tracker, 404 `tracker_not_found` if there is no
        such tracker.
        """
        return await tracker_queries.get_tracker_detail(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/status", operation_id="get_tracker_status")
    async def get_status(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerStatus:
        """Get the scraping status of a tracker and the time of its next fetch.

        403 if you may not see the tracker, 404 `tracker_not_found` if there is no such tracker.
        """
        return await tracker_queries.get_tracker_status(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/seasons", operation_id="get_tracker_seasons")
    async def get_seasons(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> Seasons:
        """List the seasons of a tracker's account.

        The list has every season in which the site showed data of the account, newest first, with the latest known rank
        and rating in each playlist. 403 if you may not see the tracker, 404 `tracker_not_found` if there is no such
        tracker.
        """
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
        """List the snapshots of a tracker, newest first.

        A snapshot has only the playlists that changed at that time. If several seasons changed at the same time, there
        is one snapshot per season. 404 `snapshot_not_found` if `before` is not a snapshot of this tracker's account.
        403 if you may not see the tracker, 404 `tracker_not_found` if there is no such tracker.
        """
        return await snapshot_queries.get_snapshots(
            request.auth, tracker_id, limit=limit, before=before, season=season, since=since, until=until
        )

    @post("/{tracker_id:uuid}/refresh", operation_id="refresh_tracker", status_code=HTTP_202_ACCEPTED)
    async def refresh(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> RefreshStarted:
        """Fetch a tracker now, ahead of other trackers.

        While the fetch waits or runs, further requests return the same task. 429 `refresh_cooldown` (with a
        `Retry-After` header) if the last fetch was less than ten minutes ago. 409 `tracker_inactive` if the tracker is
        deactivated. 403 if the tracker is not yours, 404 `tracker_not_found` if there is no such tracker.
        """
        return RefreshStarted(task_id=await tracker_service.refresh_tracker(tracker_id, asker=request.auth))

    @put("/{tracker_id:uuid}", operation_id="update_tracker", audited=("active",))
    async def update(
        self, request: Asking, tracker_id: FromPath[UUID], data: JSONBody[UpdateTracker], tracker_service: Service
    ) -> TrackerView:
        """Change the account of a tracker, or deactivate or activate it.

        Fields that you omit do not change. 400 `tracker_limit_reached` if you would have more than four active
        trackers, 409 `duplicate_tracker` if you already have a tracker of the account, active or deactivated. 422 if
        the link does not point to an account. 403 if the tracker is not yours, 404 `tracker_not_found` if there is no
        such tracker.
        """
        await tracker_service.update_tracker(tracker_id, data, asker=request.auth)
        return await tracker_service.get_tracker_by_id(request.auth, tracker_id)

    @delete("/{tracker_id:uuid}", operation_id="delete_tracker")
    async def remove(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> None:
        """Remove a tracker.

        Its history stays, and you can register its account again. 403 if the tracker is not yours, 404
        `tracker_not_found` if there is no such tracker.
        """
        await tracker_service.delete_tracker(tracker_id, asker=request.auth)
