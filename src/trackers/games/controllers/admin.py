"""Game trackers for admins."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED

from shared.audit.schemas import LogPage
from shared.scraping.failures import Reason
from shared.scraping.target import Status
from shared.web.identity import PersonIdentity
from shared.web.paging import PageNumber, PerPage
from shared.web.times import Since, Until
from trackers.games.admin_queries import TrackerAdminQueries
from trackers.games.admin_schemas import (
    AccountsMerged,
    AdminTracker,
    AdminTrackerFilter,
    AdminTrackerPage,
    BatchQueued,
    BatchRefresh,
    FetchReason,
    MergeAccounts,
    RunFilter,
    ScrapeLogs,
    ScrapingStatus,
    TransferTracker,
)
from trackers.games.controllers.parameters import (
    ActiveFilter,
    GuildFilter,
    PlatformFilter,
    Service,
    Sort,
    StatusFilter,
)
from trackers.games.schemas import RefreshStarted, TrackerSort
from trackers.games.services.administration import TrackerAdministration

Queries = NamedDependency[SkipValidation[TrackerAdminQueries]]
Administration = NamedDependency[SkipValidation[TrackerAdministration]]
Asking = Request[Any, PersonIdentity, Any]


class AdminTrackerController(Controller):
    """Trackers of all people, and their scraping."""

    path = "/trackers"
    tags = ("trackers",)

    @get("/", operation_id="admin_list_trackers")
    async def list_trackers(
        self,
        request: Asking,
        tracker_admin_queries: Queries,
        user_id: Annotated[UUID | None, QueryParameter(description="Only trackers of this person.")] = None,
        account_id: Annotated[UUID | None, QueryParameter(description="Only trackers of this account.")] = None,
        guild_id: GuildFilter = None,
        platform: PlatformFilter = None,
        status: StatusFilter = None,
        reason: Annotated[FetchReason | None, QueryParameter(description="Only trackers with this reason.")] = None,
        active: ActiveFilter = None,
        removed: Annotated[
            bool, QueryParameter(description="true: only removed trackers; false: only the others.")
        ] = False,
        sort: Sort = TrackerSort.CREATED,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> AdminTrackerPage:
        """List the trackers of all people with their scraping status.

        404 `guild_not_found` if you filter by a guild that does not exist.
        """
        filters = AdminTrackerFilter(
            user_id=user_id,
            account_id=account_id,
            guild_id=guild_id,
            platform=platform,
            status=status,
            reason=reason,
            active=active,
            removed=removed,
        )
        return await tracker_admin_queries.list_trackers(request.auth, filters, sort=sort, page=page, per_page=per_page)

    @get("/scraping-status", operation_id="get_scraping_status")
    async def get_scraping_status(self, tracker_admin_queries: Queries) -> ScrapingStatus:
        """Count active trackers by status and reason.

        The response also shows when the longest-waiting tracker became due.
        """
        return await tracker_admin_queries.get_scraping_status()

    @get("/scraping-logs", operation_id="get_scraping_logs")
    async def get_scraping_logs(
        self,
        tracker_admin_queries: Queries,
        status: Annotated[Status | None, QueryParameter(description="Only runs with this status.")] = None,
        reason: Annotated[Reason | None, QueryParameter(description="Only runs that failed for this reason.")] = None,
        tracker_id: Annotated[UUID | None, QueryParameter(description="Only runs of this tracker's account.")] = None,
        since: Since = None,
        until: Until = None,
        before: Annotated[UUID | None, QueryParameter(description="Only runs older than this one.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Runs per page.")] = 50,
    ) -> ScrapeLogs:
        """List the fetches of trackers with their results, newest request first.

        `since` and `until` apply to the time of the request.
        """
        filters = RunFilter(status=status, reason=reason, tracker_id=tracker_id)
        page = LogPage(limit=limit, before=before, since=since, until=until)
        return await tracker_admin_queries.get_scraping_logs(filters, page)

    @post(
        "/batch-refresh",
        operation_id="admin_refresh_trackers",
        audited=("tracker_ids", "status", "reason", "guild_id"),
        status_code=HTTP_202_ACCEPTED,
    )
    async def refresh_many(
        self, request: Asking, data: JSONBody[BatchRefresh], tracker_administration: Administration
    ) -> BatchQueued:
        """Fetch up to 1000 trackers by id, or all with a status, reason or guild.

        Deactivated trackers are left out. Trackers in guilds that switched processing off are also left out, unless you
        list their ids or filter by the reason `skipped`. 422 `nothing_chosen` unless you send either ids or filters.
        """
        return await tracker_administration.refresh_many(data, asker=request.auth)

    @post("/{tracker_id:uuid}/refresh", operation_id="admin_refresh_tracker", status_code=HTTP_202_ACCEPTED)
    async def refresh(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> RefreshStarted:
        """Fetch a tracker now, even during its cooldown.

        409 `tracker_inactive` if the tracker is deactivated.
        """
        task_id = await tracker_service.refresh_tracker(tracker_id, asker=request.auth, force=True)
        return RefreshStarted(task_id=task_id)

    @post("/{tracker_id:uuid}/transfer", operation_id="transfer_tracker", audited=("user_id",), status_code=HTTP_200_OK)
    async def transfer(
        self,
        request: Asking,
        tracker_id: FromPath[UUID],
        data: JSONBody[TransferTracker],
        tracker_administration: Administration,
    ) -> AdminTracker:
        """Transfer a tracker to another person.

        The previous owner keeps their manual snapshots. 400 `tracker_limit_reached` if the person already has four
        active trackers. 409 `duplicate_tracker` if they already have a tracker of the account, 409 `own_tracker` if the
        tracker is already theirs. 403 `account_deactivated` if their account is deactivated. 404 if there is no such
        person or tracker.
        """
        return await tracker_administration.transfer_tracker(tracker_id, to=data.user_id, asker=request.auth)

    @post(
        "/accounts/{account_id:uuid}/merge", operation_id="merge_accounts", audited=("into",), status_code=HTTP_200_OK
    )
    async def merge(
        self,
        request: Asking,
        account_id: FromPath[UUID],
        data: JSONBody[MergeAccounts],
        tracker_administration: Administration,
    ) -> AccountsMerged:
        """Merge an account into another account of the same player.

        Use this, for example, after a rename. Either everything is merged or nothing, and you cannot undo it.
        Followers, seasons and snapshots move to the account `into`, which keeps its own data where both accounts have
        some. 422 `cannot_merge` if the accounts are on two platforms or of two games. 409 `concurrent_modification` if
        an account changed in the meantime. 404 `game_account_not_found` if one of the accounts does not exist.
        """
        return await tracker_administration.merge_accounts(account_id, into=data.into, asker=request.auth)

    @delete("/{tracker_id:uuid}", operation_id="admin_delete_tracker")
    async def remove(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> None:
        """Remove any person's tracker.

        Its history stays, and its account can be registered again.
        """
        await tracker_service.delete_tracker(tracker_id, asker=request.auth)
