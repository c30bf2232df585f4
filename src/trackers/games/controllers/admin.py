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
    """Everybody's trackers."""

    path = "/trackers"
    tags = ("trackers",)

    @get("/", operation_id="admin_list_trackers")
    async def list_trackers(
        self,
        request: Asking,
        tracker_admin_queries: Queries,
        user_id: Annotated[UUID | None, QueryParameter(description="Only this person's.")] = None,
        account_id: Annotated[UUID | None, QueryParameter(description="Only those that follow this account.")] = None,
        guild_id: GuildFilter = None,
        platform: PlatformFilter = None,
        status: StatusFilter = None,
        reason: Annotated[FetchReason | None, QueryParameter(description="Only those that stand so for this.")] = (
            None
        ),
        active: ActiveFilter = None,
        removed: Annotated[bool, QueryParameter(description="Those that were removed, instead of the others.")] = False,
        sort: Sort = TrackerSort.CREATED,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> AdminTrackerPage:
        """Everybody's trackers, and how the scraping of each stands. 404 for an unknown guild."""
        wanted = AdminTrackerFilter(
            user_id=user_id,
            account_id=account_id,
            guild_id=guild_id,
            platform=platform,
            status=status,
            reason=reason,
            active=active,
            removed=removed,
        )
        return await tracker_admin_queries.list_trackers(request.auth, wanted, sort=sort, page=page, per_page=per_page)

    @get("/scraping-status", operation_id="get_scraping_status")
    async def get_scraping_status(self, tracker_admin_queries: Queries) -> ScrapingStatus:
        """How many active trackers stand how, and why; and since when the longest waiting is due."""
        return await tracker_admin_queries.get_scraping_status()

    @get("/scraping-logs", operation_id="get_scraping_logs")
    async def get_scraping_logs(
        self,
        tracker_admin_queries: Queries,
        status: Annotated[Status | None, QueryParameter(description="Only runs that stand so.")] = None,
        reason: Annotated[Reason | None, QueryParameter(description="Only runs that failed for this.")] = None,
        tracker_id: Annotated[UUID | None, QueryParameter(description="Only runs for this tracker's account.")] = None,
        since: Since = None,
        until: Until = None,
        before: Annotated[UUID | None, QueryParameter(description="Only runs older than this one.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Runs to a page.")] = 50,
    ) -> ScrapeLogs:
        """What was tried and what came of it, the latest asked for first. Times are of when it was asked for."""
        wanted = RunFilter(status=status, reason=reason, tracker_id=tracker_id)
        page = LogPage(limit=limit, before=before, since=since, until=until)
        return await tracker_admin_queries.get_scraping_logs(wanted, page)

    @post(
        "/batch-refresh",
        operation_id="admin_refresh_trackers",
        audited=("tracker_ids", "status", "reason", "guild_id"),
        status_code=HTTP_202_ACCEPTED,
    )
    async def refresh_many(
        self, request: Asking, data: JSONBody[BatchRefresh], tracker_administration: Administration
    ) -> BatchQueued:
        """Put trackers ahead: up to a thousand by id, or all that stand so. Deactivated ones are left out.

        What guilds switched off is left alone unless it is named by id, or the reason is `skipped`.
        """
        return await tracker_administration.refresh_many(data, asker=request.auth)

    @post("/{tracker_id:uuid}/refresh", operation_id="admin_refresh_tracker", status_code=HTTP_202_ACCEPTED)
    async def refresh(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> RefreshStarted:
        """Fetch a tracker now, whatever its cooldown. 409 for a deactivated one."""
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
        """Make a tracker another person's.

        400 where it would be their fifth active one, 404 for an unknown person, 409 where they have one of its account.
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
        """Merge an account into another of the same player, who was renamed, say. All or nothing, and for good.

        Its followers, seasons and snapshots move; of what both have, that of the account that stays is kept.
        422 `cannot_merge` for accounts of two platforms, 409 `concurrent_modification` where somebody changed one meanwhile.
        """
        return await tracker_administration.merge_accounts(account_id, into=data.into, asker=request.auth)

    @delete("/{tracker_id:uuid}", operation_id="admin_delete_tracker")
    async def remove(self, request: Asking, tracker_id: FromPath[UUID], tracker_service: Service) -> None:
        """Remove a tracker, whoever's it is. What was seen stays, and its account can be registered again."""
        await tracker_service.delete_tracker(tracker_id, asker=request.auth)
