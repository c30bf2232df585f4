"""Fencers and clubs for bots."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from shared.web.identity import BotIdentity
from shared.web.paging import PageNumber, PerPage
from trackers.fencers.controllers.parameters import ActiveFilter, Before, Limit, Queries, Service
from trackers.fencers.links import Kind
from trackers.fencers.schemas import (
    BotTracksClub,
    BotTracksFencer,
    History,
    Tracked,
    TrackedDetail,
    TrackedFilter,
    TrackedPage,
    TrackedView,
    UpdateTracked,
)

Asking = Request[Any, BotIdentity, Any]
OfUser = Annotated[UUID | None, QueryParameter(description="Only this person's, by our id.")]

READ = {"scope": "fencers:read"}
WRITE = {"scope": "fencers:write"}


class InternalFencerController(Controller):
    """Fencers on behalf of a bot's people."""

    path = "/fencers"
    tags = ("fencers",)

    @post("/", operation_id="internal_track_fencer", status_code=HTTP_201_CREATED, opt=WRITE)
    async def track(self, request: Asking, data: JSONBody[BotTracksFencer], tracking_service: Service) -> Tracked:
        """Follow a fencer by number or pasted link; the page is looked at soon. What was deactivated is active again.

        400 `tracking_limit_reached`, 409 `already_tracked`, 422 `bad_reference` or `unknown_weapon`.
        """
        return await tracking_service.track(
            Kind.FENCER,
            data.user_id,
            data.fencer,
            name=data.name,
            weapons=data.weapons,
            user_data=data.user_data,
            asker=request.auth,
        )

    @get("/", operation_id="internal_list_tracked_fencers", opt=READ)
    async def list_tracked(
        self,
        request: Asking,
        tracking_queries: Queries,
        user_id: OfUser = None,
        active: ActiveFilter = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TrackedPage:
        """The fencers of everybody that the key may speak for, the oldest first, and how the looking at each stands."""
        return await tracking_queries.list_of(
            Kind.FENCER, request.auth, TrackedFilter(user_id=user_id, active=active), page=page, per_page=per_page
        )

    @get("/{tracked_id:uuid}", operation_id="internal_get_tracked_fencer", opt=READ)
    async def get_one(self, request: Asking, tracked_id: FromPath[UUID], tracking_queries: Queries) -> TrackedDetail:
        """A fencer with the registrations to come that the filter lets through, the next first."""
        return await tracking_queries.detail(Kind.FENCER, request.auth, tracked_id)

    @get("/{tracked_id:uuid}/history", operation_id="internal_get_tracked_fencer_history", opt=READ)
    async def get_history(
        self,
        request: Asking,
        tracked_id: FromPath[UUID],
        tracking_queries: Queries,
        before: Before = None,
        limit: Limit = 50,
    ) -> History:
        """Registrations, withdrawals and new dates as they became known, the newest first."""
        return await tracking_queries.history(Kind.FENCER, request.auth, tracked_id, before=before, limit=limit)

    @patch("/{tracked_id:uuid}", operation_id="internal_update_tracked_fencer", opt=WRITE)
    async def update(
        self, request: Asking, tracked_id: FromPath[UUID], data: JSONBody[UpdateTracked], tracking_service: Service
    ) -> TrackedView:
        """Change the name, the filter, or whether it is active. What is left out stays."""
        return await tracking_service.update(Kind.FENCER, tracked_id, data, asker=request.auth)

    @post(
        "/{tracked_id:uuid}/deactivate",
        operation_id="internal_deactivate_tracked_fencer",
        status_code=HTTP_200_OK,
        opt=WRITE,
    )
    async def deactivate(self, request: Asking, tracked_id: FromPath[UUID], tracking_service: Service) -> TrackedView:
        """Be told of it no more, for now; following the same fencer again goes on with it."""
        return await tracking_service.update(Kind.FENCER, tracked_id, UpdateTracked(active=False), asker=request.auth)

    @delete("/{tracked_id:uuid}", operation_id="internal_untrack_fencer", opt=WRITE)
    async def remove(self, request: Asking, tracked_id: FromPath[UUID], tracking_service: Service) -> None:
        """Follow a fencer no more."""
        await tracking_service.remove(Kind.FENCER, tracked_id, asker=request.auth)


class InternalClubController(Controller):
    """Clubs on behalf of a bot's people."""

    path = "/clubs"
    tags = ("fencers",)

    @post("/", operation_id="internal_track_club", status_code=HTTP_201_CREATED, opt=WRITE)
    async def track(self, request: Asking, data: JSONBody[BotTracksClub], tracking_service: Service) -> Tracked:
        """Follow a club by number or pasted link; the page is looked at soon. What was deactivated is active again.

        400 `tracking_limit_reached`, 409 `already_tracked`, 422 `bad_reference` or `unknown_weapon`.
        """
        return await tracking_service.track(
            Kind.CLUB,
            data.user_id,
            data.club,
            name=data.name,
            weapons=data.weapons,
            user_data=data.user_data,
            asker=request.auth,
        )

    @get("/", operation_id="internal_list_tracked_clubs", opt=READ)
    async def list_tracked(
        self,
        request: Asking,
        tracking_queries: Queries,
        user_id: OfUser = None,
        active: ActiveFilter = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TrackedPage:
        """The clubs of everybody that the key may speak for, the oldest first, and how the looking at each stands."""
        return await tracking_queries.list_of(
            Kind.CLUB, request.auth, TrackedFilter(user_id=user_id, active=active), page=page, per_page=per_page
        )

    @get("/{tracked_id:uuid}", operation_id="internal_get_tracked_club", opt=READ)
    async def get_one(self, request: Asking, tracked_id: FromPath[UUID], tracking_queries: Queries) -> TrackedDetail:
        """A club with the registrations to come that the filter lets through, the next first."""
        return await tracking_queries.detail(Kind.CLUB, request.auth, tracked_id)

    @get("/{tracked_id:uuid}/history", operation_id="internal_get_tracked_club_history", opt=READ)
    async def get_history(
        self,
        request: Asking,
        tracked_id: FromPath[UUID],
        tracking_queries: Queries,
        before: Before = None,
        limit: Limit = 50,
    ) -> History:
        """Registrations, withdrawals and new dates as they became known, the newest first."""
        return await tracking_queries.history(Kind.CLUB, request.auth, tracked_id, before=before, limit=limit)

    @patch("/{tracked_id:uuid}", operation_id="internal_update_tracked_club", opt=WRITE)
    async def update(
        self, request: Asking, tracked_id: FromPath[UUID], data: JSONBody[UpdateTracked], tracking_service: Service
    ) -> TrackedView:
        """Change the name, the filter, or whether it is active. What is left out stays."""
        return await tracking_service.update(Kind.CLUB, tracked_id, data, asker=request.auth)

    @post(
        "/{tracked_id:uuid}/deactivate",
        operation_id="internal_deactivate_tracked_club",
        status_code=HTTP_200_OK,
        opt=WRITE,
    )
    async def deactivate(self, request: Asking, tracked_id: FromPath[UUID], tracking_service: Service) -> TrackedView:
        """Be told of it no more, for now; following the same club again goes on with it."""
        return await tracking_service.update(Kind.CLUB, tracked_id, UpdateTracked(active=False), asker=request.auth)

    @delete("/{tracked_id:uuid}", operation_id="internal_untrack_club", opt=WRITE)
    async def remove(self, request: Asking, tracked_id: FromPath[UUID], tracking_service: Service) -> None:
        """Follow a club no more."""
        await tracking_service.remove(Kind.CLUB, tracked_id, asker=request.auth)
