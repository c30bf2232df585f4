"""Price watches, for the people who want to be told."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_201_CREATED, HTTP_202_ACCEPTED

from shared.web.identity import PersonIdentity
from shared.web.paging import PageNumber, PerPage
from trackers.flights.controllers.parameters import (
    ActiveFilter,
    AlertLimit,
    Before,
    TripFilter,
    Watches,
    WatchReads,
)
from trackers.flights.schemas import AlertList, CreateWatch, ScrapeStarted, UpdateWatch, WatchPage, WatchView

Asking = Request[Any, PersonIdentity, Any]


class WatchController(Controller):
    """One's own watches; somebody else's are not found."""

    path = "/watches"
    tags = ("flights",)

    @post("/", operation_id="create_watch", status_code=HTTP_201_CREATED)
    async def create(self, request: Asking, data: JSONBody[CreateWatch], watch_service: Watches) -> WatchView:
        """Watch what a trip costs. It is looked at soon; where the price is known, it is evaluated within seconds.

        404 for a trip that is not one's own, 422 `unknown_provider` (with those that there are) or `unknown_currency`,
        409 `trip_departed`.
        """
        return await watch_service.create_watch(data, asker=request.auth)

    @get("/", operation_id="list_watches")
    async def list_mine(
        self,
        request: Asking,
        watch_queries: WatchReads,
        is_active: ActiveFilter = None,
        trip_id: TripFilter = None,
        page: PageNumber = 1,
        per_page: PerPage = 50,
    ) -> WatchPage:
        """One's own watches, the newest first, with the price that each knows of."""
        return await watch_queries.list_watches(
            request.auth.user_id, is_active=is_active, trip_id=trip_id, page=page, per_page=per_page
        )

    @get("/{watch_id:uuid}", operation_id="get_watch")
    async def get_one(self, request: Asking, watch_id: FromPath[UUID], watch_queries: WatchReads) -> WatchView:
        """A watch, the price that it knows of, and how the looking stands."""
        return await watch_queries.get_watch(request.auth, watch_id)

    @patch("/{watch_id:uuid}", operation_id="update_watch")
    async def update(
        self, request: Asking, watch_id: FromPath[UUID], data: JSONBody[UpdateWatch], watch_service: Watches
    ) -> WatchView:
        """Change a watch; what is left out stays. Another target, currency, cabin or provider begins it anew."""
        return await watch_service.update_watch(watch_id, data, asker=request.auth)

    @delete("/{watch_id:uuid}", operation_id="delete_watch")
    async def remove(self, request: Asking, watch_id: FromPath[UUID], watch_service: Watches) -> None:
        """Stop watching; what it told is removed, prices stay with the trip."""
        await watch_service.remove_watch(watch_id, asker=request.auth)

    @post("/{watch_id:uuid}/scrape", operation_id="scrape_watch", status_code=HTTP_202_ACCEPTED)
    async def scrape(self, request: Asking, watch_id: FromPath[UUID], watch_service: Watches) -> ScrapeStarted:
        """Look now, ahead of the rest. Asking again while that waits or runs gives the same task.

        409 `provider_is_off`, `nothing_to_scrape` (of `manual`) or `trip_departed`, 429 `refresh_cooldown` or
        `too_many_fetches` (twenty that one asked for wait).
        """
        return await watch_service.scrape_watch(watch_id, asker=request.auth)

    @get("/{watch_id:uuid}/alerts", operation_id="list_watch_alerts")
    async def get_alerts(
        self,
        request: Asking,
        watch_id: FromPath[UUID],
        watch_queries: WatchReads,
        before: Before = None,
        limit: AlertLimit = 50,
    ) -> AlertList:
        """What one was told, why, and what it stood beside; the newest first."""
        return await watch_queries.get_alerts(request.auth, watch_id, before=before, limit=limit)
