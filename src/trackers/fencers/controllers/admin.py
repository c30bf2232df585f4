"""Endpoints for admins: fetch state of fencers and clubs."""

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
    """All followed fencers and clubs."""

    path = "/fencers"
    tags = ("fencers",)

    @get("/", operation_id="get_fencers_health")
    async def get_health(self, fencers_admin_queries: AdminQueries) -> FencersHealth:
        """Get the fetch state of fencers and clubs.

        It counts pages by status and reason, and pages that are paused because they failed too often.
        """
        return await fencers_admin_queries.health()

    @get("/pages", operation_id="list_fencer_pages")
    async def list_pages(
        self,
        fencers_admin_queries: AdminQueries,
        kind: OfKind = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> PageHealths:
        """List all fetched fencers and clubs.

        Each has the number of its successes and failures, and the result of its last fetch.
        """
        return await fencers_admin_queries.pages(kind, failing=False, page=page, per_page=per_page)

    @get("/failing", operation_id="list_failing_fencers")
    async def list_failing(
        self,
        fencers_admin_queries: AdminQueries,
        kind: OfKind = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> PageHealths:
        """List fencers and clubs whose last fetch failed.

        Those with the most failures in a row come first.
        """
        return await fencers_admin_queries.pages(kind, failing=True, page=page, per_page=per_page)

    @post("/{page_id:uuid}/reset-cooldown", operation_id="reset_fencer_cooldown", status_code=HTTP_202_ACCEPTED)
    async def reset_cooldown(
        self, request: Asking, page_id: FromPath[UUID], tracking_service: Service
    ) -> CooldownReset:
        """Reset the failures of a fencer's or club's page, and fetch it now.

        If the whole site is paused, `POST /api/admin/sources/fencers/close-breaker` ends that. 404 `page_not_found` if
        nobody follows a fencer or club with this `page_id`.
        """
        return await tracking_service.reset_cooldown(page_id, asker=request.auth)
