"""How the looking at fencers and clubs goes, for admins."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation
from litestar.status_codes import HTTP_202_ACCEPTED

from shared.web.identity import PersonIdentity
from shared.web.paging import PageNumber, PerPage
from trackers.fencers.admin_queries import FencersAdminQueries
from trackers.fencers.controllers.parameters import Service
from trackers.fencers.links import SubjectKind
from trackers.fencers.schemas import CooldownReset, FencersHealth, PageHealths

AdminQueries = NamedDependency[SkipValidation[FencersAdminQueries]]
OfKind = Annotated[SubjectKind | None, QueryParameter(description="Only fencers, or only clubs.")]
Asking = Request[Any, PersonIdentity, Any]


class AdminFencerController(Controller):
    """Everybody's fencers and clubs."""

    path = "/fencers"
    tags = ("fencers",)

    @get("/", operation_id="get_fencers_health")
    async def get_health(self, fencers_admin_queries: AdminQueries) -> FencersHealth:
        """How many pages stand how, and why; how many rest because they failed too often."""
        return await fencers_admin_queries.health()

    @get("/pages", operation_id="list_fencer_pages")
    async def list_pages(
        self,
        fencers_admin_queries: AdminQueries,
        kind: OfKind = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> PageHealths:
        """Every fencer and club that is looked at: how often that went well or failed, and how it ended last."""
        return await fencers_admin_queries.pages(kind, failing=False, page=page, per_page=per_page)

    @get("/failing", operation_id="list_failing_fencers")
    async def list_failing(
        self,
        fencers_admin_queries: AdminQueries,
        kind: OfKind = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> PageHealths:
        """Fencers and clubs whose last look failed, those that failed most often in a row first."""
        return await fencers_admin_queries.pages(kind, failing=True, page=page, per_page=per_page)

    @post("/{page_id:uuid}/reset-cooldown", operation_id="reset_fencer_cooldown", status_code=HTTP_202_ACCEPTED)
    async def reset_cooldown(
        self, request: Asking, page_id: FromPath[UUID], tracking_service: Service
    ) -> CooldownReset:
        """Forget how often a fencer's or club's page failed, and look at it now. 404 `page_not_found`.

        Where the whole site rests, `POST /api/admin/sources/fencers/close-breaker` ends that.
        """
        return await tracking_service.reset_cooldown(page_id, asker=request.auth)
