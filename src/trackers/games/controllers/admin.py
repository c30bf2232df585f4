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
        removed: Annotated[bool, QueryParameter(description="Removed trackers instead of the others.")] = False,
        sort: Sort = TrackerSort.CREATED,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> AdminTrackerPage:
        """List the trackers of all people with their scraping status. 404 for an unknown guild."""
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
        """Count active trackers by status and reason; also since when the longest waiting tracker has been due."""
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
        """List runs with their results, the latest request first. `since` and `until` are about the request time."""
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
        """Refresh up to a thousand trackers by id, or all that match a status, reason or guild.

        Deactivated trackers are left out. Trackers that guilds switched off are left out, too, unless you name their
        ids or the reason is `skipped`.
        """
        return await tracker_administration.refresh_many(data, asker=request.auth)

    @post("/{tracker_id:uuid}/refresh", operation_id="admin_refresh_tracker", status_code=HTTP_202_ACCEPTED)
    async def refresh(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> RefreshStarted:
        """Fetch a tracker now, also during its cooldown. 409 for a deactivated tracker."""
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

        400 if it would be their fifth active tracker, 404 for an unknown person, 409 if they follow the account.
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
        """Merge an account into another of the same player, such as after a rename. All or nothing, without undo.

        Followers, seasons and snapshots move. The destination keeps its own data where both accounts have some.
        422 `cannot_merge` for accounts of two platforms, 409 `concurrent_modification` if an account changed meanwhile.
        """
        return await tracker_administration.merge_accounts(account_id, into=data.into, asker=request.auth)

    @delete("/{tracker_id:uuid}", operation_id="admin_delete_tracker")
    async def remove(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> None:
        """Remove anybody's tracker. Its history stays, and its account can be registered again."""
        await tracker_service.delete_tracker(tracker_id, asker=request.auth)
