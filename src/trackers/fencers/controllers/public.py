"""Fencers and clubs for the people who follow them."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from shared.web.identity import PersonIdentity
from shared.web.paging import PageNumber, PerPage
from trackers.fencers.controllers.parameters import ActiveFilter, Before, Limit, Queries, Service
from trackers.fencers.links import Kind
from trackers.fencers.schemas import (
    History,
    TrackClub,
    Tracked,
    TrackedDetail,
    TrackedFilter,
    TrackedPage,
    TrackedView,
    TrackFencer,
    UpdateTracked,
)

Asking = Request[Any, PersonIdentity, Any]


class FencerController(Controller):
    """Fencers that one follows; to read also those of people whose guild one runs."""

    path = "/fencers"
    tags = ("fencers",)

    @post("/", operation_id="track_fencer", status_code=HTTP_201_CREATED)
    async def track(self, request: Asking, data: JSONBody[TrackFencer], tracking_service: Service) -> Tracked:
        """Follow a fencer by number or pasted link; the page is looked at soon. What was deactivated is active again.

        400 `tracking_limit_reached`, 409 `already_tracked`, 422 `bad_reference` or `unknown_weapon`.
        """
        return await tracking_service.track(
            Kind.FENCER,
            request.auth.user_id,
            data.fencer,
            name=data.name,
            weapons=data.weapons,
            asker=request.auth,
        )

    @get("/", operation_id="list_tracked_fencers")
    async def list_tracked(
        self,
        request: Asking,
        tracking_queries: Queries,
        active: ActiveFilter = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TrackedPage:
        """One's own fencers, the oldest first, and how the looking at each stands."""
        return await tracking_queries.list_of(
            Kind.FENCER, request.auth, TrackedFilter(active=active), page=page, per_page=per_page
        )

    @get("/{tracked_id:uuid}", operation_id="get_tracked_fencer")
    async def get_one(self, request: Asking, tracked_id: FromPath[UUID], tracking_queries: Queries) -> TrackedDetail:
        """A fencer with the registrations to come that the filter lets through, the next first."""
        return await tracking_queries.detail(Kind.FENCER, request.auth, tracked_id)

    @get("/{tracked_id:uuid}/history", operation_id="get_tracked_fencer_history")
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

    @patch("/{tracked_id:uuid}", operation_id="update_tracked_fencer")
    async def update(
        self, request: Asking, tracked_id: FromPath[UUID], data: JSONBody[UpdateTracked], tracking_service: Service
    ) -> TrackedView:
        """Change the name, the filter, or whether it is active. What is left out stays."""
        return await tracking_service.update(Kind.FENCER, tracked_id, data, asker=request.auth)

    @post("/{tracked_id:uuid}/deactivate", operation_id="deactivate_tracked_fencer", status_code=HTTP_200_OK)
    async def deactivate(self, request: Asking, tracked_id: FromPath[UUID], tracking_service: Service) -> TrackedView:
        """Be told of it no more, for now; following the same fencer again goes on with it."""
        return await tracking_service.update(Kind.FENCER, tracked_id, UpdateTracked(active=False), asker=request.auth)

    @delete("/{tracked_id:uuid}", operation_id="untrack_fencer")
    async def remove(self, request: Asking, tracked_id: FromPath[UUID], tracking_service: Service) -> None:
        """Follow a fencer no more."""
        await tracking_service.remove(Kind.FENCER, tracked_id, asker=request.auth)


class ClubController(Controller):
    """Clubs that one follows; to read also those of people whose guild one runs."""

    path = "/clubs"
    tags = ("fencers",)

    @post("/", operation_id="track_club", status_code=HTTP_201_CREATED)
    async def track(self, request: Asking, data: JSONBody[TrackClub], tracking_service: Service) -> Tracked:
        """Follow a club by number or pasted link; the page is looked at soon. What was deactivated is active again.

        400 `tracking_limit_reached`, 409 `already_tracked`, 422 `bad_reference` or `unknown_weapon`.
        """
        return await tracking_service.track(
            Kind.CLUB,
            request.auth.user_id,
            data.club,
            name=data.name,
            weapons=data.weapons,
            asker=request.auth,
        )

    @get("/", operation_id="list_tracked_clubs")
    async def list_tracked(
        self,
        request: Asking,
        tracking_queries: Queries,
        active: ActiveFilter = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> TrackedPage:
        """One's own clubs, the oldest first, and how the looking at each stands."""
        return await tracking_queries.list_of(
            Kind.CLUB, request.auth, TrackedFilter(active=active), page=page, per_page=per_page
        )

    @get("/{tracked_id:uuid}", operation_id="get_tracked_club")
    async def get_one(self, request: Asking, tracked_id: FromPath[UUID], tracking_queries: Queries) -> TrackedDetail:
        """A club with the registrations to come that the filter lets through, the next first."""
        return await tracking_queries.detail(Kind.CLUB, request.auth, tracked_id)

    @get("/{tracked_id:uuid}/history", operation_id="get_tracked_club_history")
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

    @patch("/{tracked_id:uuid}", operation_id="update_tracked_club")
    async def update(
        self, request: Asking, tracked_id: FromPath[UUID], data: JSONBody[UpdateTracked], tracking_service: Service
    ) -> TrackedView:
        """Change the name, the filter, or whether it is active. What is left out stays."""
        return await tracking_service.update(Kind.CLUB, tracked_id, data, asker=request.auth)

    @post("/{tracked_id:uuid}/deactivate", operation_id="deactivate_tracked_club", status_code=HTTP_200_OK)
    async def deactivate(self, request: Asking, tracked_id: FromPath[UUID], tracking_service: Service) -> TrackedView:
        """Be told of it no more, for now; following the same club again goes on with it."""
        return await tracking_service.update(Kind.CLUB, tracked_id, UpdateTracked(active=False), asker=request.auth)

    @delete("/{tracked_id:uuid}", operation_id="untrack_club")
    async def remove(self, request: Asking, tracked_id: FromPath[UUID], tracking_service: Service) -> None:
        """Follow a club no more."""
        await tracking_service.remove(Kind.CLUB, tracked_id, asker=request.auth)
