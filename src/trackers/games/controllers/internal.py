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
    """Registering and reading the trackers of people that a bot may act for."""

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
        """Register one to four trackers at once for a person who has none yet.

        Either all are registered or none. Each account is fetched at once. 400 `tracker_limit_reached` if you send more
        than four links. 403 if your key may not act for the person. 409 `duplicate_tracker` if two links point to the
        same account, or if the person has a deactivated tracker of one of the accounts. 409 `already_registered` if the
        person already has active trackers. 422 if a link does not point to an account.
        """
        return await tracker_service.register_trackers(data.user_id, data.urls, data.user_data, asker=request.auth)

    @post("/add", operation_id="internal_add_tracker", audited=("user_id",), status_code=HTTP_201_CREATED, opt=WRITE)
    async def add_tracker(
        self, request: Asking, data: JSONBody[AddTracker], tracker_service: Service
    ) -> RegisteredTrackers:
        """Add a tracker for a person.

        The account is fetched at once. A person can have four active trackers; deactivated ones do not count. 400
        `tracker_limit_reached` if the person already has four, 409 `duplicate_tracker` if the person already has a
        tracker of the account, active or deactivated. 403 if your key may not act for the person. 422 if the link does
        not point to an account.
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
        """On behalf of a guild admin, register trackers for a member.

        The member may already have trackers, but at most four in all; deactivated ones do not count. 403 unless
        `staff_id` is an admin of the guild and the member is a confirmed member of it. 404 `guild_not_found` if there
        is no such guild or your key may not act for it. 400, 409 and 422 as for `POST /internal/trackers/add`.
        """
        return await tracker_service.register_by_staff(data, asker=request.auth)

    @get("/", operation_id="internal_list_trackers", opt=READ)
    async def list_trackers(
        self,
        request: Asking,
        tracker_queries: Queries,
        user_id: Annotated[
            UUID | None, QueryParameter(description="Only trackers of the person with this `user_id`.")
        ] = None,
        guild_id: GuildFilter = None,
        platform: PlatformFilter = None,
        status: StatusFilter = None,
        active: ActiveFilter = None,
        sort: Sort = TrackerSort.CREATED,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TrackerPage:
        """List the trackers of all people that your key may act for.

        With `guild_id`, list only trackers of members of that guild; 404 `guild_not_found` if there is no such guild or
        your key may not act for it.
        """
        filters = TrackerFilter(user_id=user_id, guild_id=guild_id, platform=platform, status=status, active=active)
        return await tracker_queries.list_trackers(request.auth, filters, sort=sort, page=page, per_page=per_page)

    @post("/process-pending", operation_id="internal_process_pending", status_code=HTTP_202_ACCEPTED, opt=WRITE)
    async def process_pending(self, request: Asking, tracker_queue: Queue) -> ProcessingStarted:
        """Move all pending trackers to the front of the queue.

        Pending trackers are those that were never fetched, wait for a fetch, or were abandoned after their last try.
        403 if your key is limited to guilds.
        """
        return ProcessingStarted(queued=await tracker_queue.process_pending_trackers(asker=request.auth))

    @post("/parse", operation_id="internal_parse_link", status_code=HTTP_200_OK, opt=READ, sync_to_thread=False)
    def parse_link(self, data: JSONBody[ParseLink]) -> ParsedLink:
        """Find out which account a pasted link points to.

        Nothing is stored or fetched. 422 if the link does not point to an account.
        """
        return parse(data.url)

    @get("/{tracker_id:uuid}", operation_id="internal_get_tracker", opt=READ)
    async def get_tracker(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerView:
        """Get a tracker with its account and its scraping status.

        403 if your key may not act for the person, 404 `tracker_not_found` if there is no such tracker.
        """
        return await tracker_queries.get_tracker_by_id(request.auth, tracker_id)

    @post(
        "/{tracker_id:uuid}/refresh", operation_id="internal_refresh_tracker", status_code=HTTP_202_ACCEPTED, opt=WRITE
    )
    async def refresh_tracker(
        self,
        request: Asking,
        tracker_id: FromPath[UUID],
        tracker_service: Service,
        force: Annotated[bool, QueryParameter(description="Fetch even during the cooldown; for guild staff.")] = False,
    ) -> RefreshStarted:
        """Fetch a tracker now, ahead of other trackers.

        While the fetch waits or runs, further requests return the same task. 429 `refresh_cooldown` (with a
        `Retry-After` header) if the last fetch was less than ten minutes ago, unless you set `force`. 409
        `tracker_inactive` if the tracker is deactivated. 403 if your key may not act for the person, 404
        `tracker_not_found` if there is no such tracker.
        """
        task_id = await tracker_service.refresh_tracker(tracker_id, asker=request.auth, force=force)
        return RefreshStarted(task_id=task_id)

    @get("/{tracker_id:uuid}/status", operation_id="internal_get_tracker_status", opt=READ)
    async def get_status(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> TrackerStatus:
        """Get the scraping status of a tracker and the time of its next fetch.

        403 if your key may not act for the person, 404 `tracker_not_found` if there is no such tracker.
        """
        return await tracker_queries.get_tracker_status(request.auth, tracker_id)

    @get("/{tracker_id:uuid}/seasons", operation_id="internal_get_tracker_seasons", opt=READ)
    async def get_seasons(self, request: Asking, tracker_id: FromPath[UUID], tracker_queries: Queries) -> Seasons:
        """List the seasons of a tracker's account.

        The list has every season in which the site showed data of the account, newest first, with the latest known rank
        and rating in each playlist. 403 if your key may not act for the person, 404 `tracker_not_found` if there is no
        such tracker.
        """
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
        """List the snapshots of a tracker, newest first.

        A snapshot has only the playlists that changed at that time. If several seasons changed at the same time, there
        is one snapshot per season. 404 `snapshot_not_found` if `before` is not a snapshot of this tracker's account.
        403 if your key may not act for the person, 404 `tracker_not_found` if there is no such tracker.
        """
        return await snapshot_queries.get_snapshots(
            request.auth, tracker_id, limit=limit, before=before, season=season, since=since, until=until
        )

    @put("/{tracker_id:uuid}", operation_id="internal_update_tracker", audited=("active",), opt=WRITE)
    async def update_tracker(
        self, request: Asking, tracker_id: FromPath[UUID], data: JSONBody[UpdateTracker], tracker_service: Service
    ) -> TrackerView:
        """Change the account of a tracker, or deactivate or activate it.

        Fields that you omit do not change. 400 `tracker_limit_reached` if the person would have more than four active
        trackers, 409 `duplicate_tracker` if the person already has a tracker of the account, active or deactivated. 403
        if your key may not act for the person. 422 if the link does not point to an account. 404 `tracker_not_found` if
        there is no such tracker.
        """
        await tracker_service.update_tracker(tracker_id, data, asker=request.auth)
        return await tracker_service.get_tracker_by_id(request.auth, tracker_id)

    @delete("/{tracker_id:uuid}", operation_id="internal_delete_tracker", opt=WRITE)
    async def delete_tracker(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> None:
        """Remove a tracker.

        Its history stays, and its account can be registered again. 403 if your key may not act for the person, 404
        `tracker_not_found` if there is no such tracker.
        """
        await tracker_service.delete_tracker(tracker_id, asker=request.auth)
